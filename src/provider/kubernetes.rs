//! Settings of the provider that say which cluster it speaks to, in the vocabulary of
//! hashicorp/kubernetes.

use crate::terraform::schema::{Attribute, Block, Rule, flag, text, texts};

pub(super) const KUBERNETES: Block = Block::optional("kubernetes", &ATTRIBUTES)
    .rules(&[
        Rule::AtMostOne {
            of: &["host", "config_path", "config_paths"],
            why: "Each names a cluster, and a CA key must not be written to the wrong one.",
        },
        Rule::AtMostOne {
            of: &["token", "client_certificate", "password"],
            why: "Each says who asks; only one can be meant.",
        },
        Rule::Together {
            all: &["client_certificate", "client_key"],
            why: "A certificate proves nothing without its key.",
        },
        Rule::Together {
            all: &["username", "password"],
            why: "One is nothing without the other.",
        },
    ])
    .says(
        "The cluster, and how to speak to it. Exactly one of `host`, `config_path` and `config_paths` \
         names it; `KUBE_*` variables fill in what is left out and never override. There is no \
         fallback: neither localhost, nor `KUBECONFIG`, nor the cluster that a runner happens to be in.",
    );

const ATTRIBUTES: [Attribute; 15] = [
    text("host")
        .optional()
        .says("URL of the API server (`KUBE_HOST`)."),
    text("username")
        .optional()
        .says("User for basic authentication (`KUBE_USER`)."),
    text("password")
        .optional()
        .sensitive()
        .says("Password for basic authentication (`KUBE_PASSWORD`)."),
    text("token")
        .optional()
        .sensitive()
        .says("Bearer token (`KUBE_TOKEN`)."),
    text("client_certificate")
        .optional()
        .says("Client certificate as PEM (`KUBE_CLIENT_CERT_DATA`)."),
    text("client_key")
        .optional()
        .sensitive()
        .says("Key of the client certificate as PEM (`KUBE_CLIENT_KEY_DATA`)."),
    text("cluster_ca_certificate").optional().says(
        "Certificates that the API server's own leads to, as PEM or as base64 of it \
         (`KUBE_CLUSTER_CA_CERT_DATA`).",
    ),
    flag("insecure").optional().says(
        "Whether the API server's certificate is not checked (`KUBE_INSECURE`). A CA key is sent \
         over this connection: only for tests.",
    ),
    text("tls_server_name")
        .optional()
        .says("Name to expect in the API server's certificate (`KUBE_TLS_SERVER_NAME`)."),
    text("proxy_url")
        .optional()
        .sensitive()
        .says("Proxy to the API server: `http`, `https` or `socks5` (`KUBE_PROXY_URL`)."),
    text("config_path")
        .optional()
        .says("A kubeconfig file (`KUBE_CONFIG_PATH`)."),
    texts("config_paths")
        .optional()
        .says("Kubeconfig files, merged as kubectl does (`KUBE_CONFIG_PATHS`)."),
    text("config_context")
        .optional()
        .says("Context in the kubeconfig (`KUBE_CTX`)."),
    text("config_context_auth_info")
        .optional()
        .says("User in the kubeconfig, instead of the context's (`KUBE_CTX_AUTH_INFO`)."),
    text("config_context_cluster")
        .optional()
        .says("Cluster in the kubeconfig, instead of the context's (`KUBE_CTX_CLUSTER`)."),
];
