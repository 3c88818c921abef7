//! Settings of the provider that say which cluster it speaks to, in the vocabulary of
//! hashicorp/kubernetes.

mod eks;
mod exec;
mod rules;

use crate::cluster::connect::form;
use crate::terraform::schema::{Attribute, Block, Rule, flag, text, texts};

pub(super) const KUBERNETES: Block = Block::optional("kubernetes", &ATTRIBUTES)
    .blocks(&[exec::EXEC, eks::ASSUME_ROLE])
    .rules(&[
        Rule::Holds(rules::one_target),
        Rule::Holds(rules::one_credential),
        Rule::Holds(rules::nothing_beside_eks),
        Rule::Holds(rules::contexts_are_of_files),
        Rule::Holds(rules::verified_or_not),
    ])
    .says(
        "The cluster, and how to speak to it. Exactly one of `eks_cluster_name`, `eks_cluster_arn`, \
         `host`, `config_path`, `config_paths` and `in_cluster` names it, and at most one of `token`, \
         `exec`, a client certificate and a password signs in; `KUBE_*` variables fill in what is \
         left out and never override, and are not looked at for a cluster of EKS. There is no \
         fallback: neither localhost, nor `KUBECONFIG`, nor the cluster that a runner happens to be in.",
    );

const ATTRIBUTES: [Attribute; 18] = [
    eks::NAME,
    eks::ARN,
    text("host")
        .optional()
        .parses::<form::Host>()
        .says("URL of the API server (`KUBE_HOST`)."),
    text("username")
        .optional()
        .parses::<form::NotBlank>()
        .says("User for basic authentication (`KUBE_USER`)."),
    text("password")
        .optional()
        .sensitive()
        .parses::<form::NotBlank>()
        .says("Password for basic authentication (`KUBE_PASSWORD`)."),
    text("token")
        .optional()
        .sensitive()
        .parses::<form::Token>()
        .says("Bearer token (`KUBE_TOKEN`)."),
    text("client_certificate")
        .optional()
        .parses::<form::CertificateChain>()
        .says("Client certificate as PEM (`KUBE_CLIENT_CERT_DATA`)."),
    text("client_key")
        .optional()
        .sensitive()
        .parses::<form::PrivateKey>()
        .says("Key of the client certificate as PEM (`KUBE_CLIENT_KEY_DATA`)."),
    text("cluster_ca_certificate")
        .optional()
        .parses::<form::Authorities>()
        .says(
            "Certificates that the API server's own leads to, as PEM or as base64 of it \
             (`KUBE_CLUSTER_CA_CERT_DATA`).",
        ),
    flag("insecure").optional().says(
        "Whether the API server's certificate is not checked (`KUBE_INSECURE`). A CA key is sent \
         over this connection: only for tests.",
    ),
    text("tls_server_name")
        .optional()
        .parses::<form::ServerName>()
        .says("Name to expect in the API server's certificate (`KUBE_TLS_SERVER_NAME`)."),
    text("proxy_url")
        .optional()
        .sensitive()
        .parses::<form::ProxyUrl>()
        .says("Proxy to the API server: `http`, `https` or `socks5` (`KUBE_PROXY_URL`)."),
    text("config_path")
        .optional()
        .parses::<form::NotBlank>()
        .says("A kubeconfig file (`KUBE_CONFIG_PATH`)."),
    texts("config_paths")
        .optional()
        .parses::<form::NotBlank>()
        .says("Kubeconfig files, merged as kubectl does; all must be there (`KUBE_CONFIG_PATHS`)."),
    text("config_context")
        .optional()
        .parses::<form::NotBlank>()
        .says("Context in the kubeconfig (`KUBE_CTX`)."),
    text("config_context_auth_info")
        .optional()
        .parses::<form::NotBlank>()
        .says("User in the kubeconfig, instead of the context's (`KUBE_CTX_AUTH_INFO`)."),
    text("config_context_cluster")
        .optional()
        .parses::<form::NotBlank>()
        .says("Cluster in the kubeconfig, instead of the context's (`KUBE_CTX_CLUSTER`)."),
    flag("in_cluster").optional().says(
        "Whether the cluster is meant in whose pod the provider runs, signed in to as the pod's service \
         account. `false` is the same as nothing.",
    ),
];

#[cfg(test)]
mod tests;
