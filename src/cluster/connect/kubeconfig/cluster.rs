//! What a kubeconfig says about a cluster.

use kube::config::Cluster;
use serde_json::Value;

use super::{BadKubeconfig, Overrides, ReadFile, Said, data_or_file};
use crate::cluster::connect::pem;
use crate::cluster::connect::settings::SecretText;
use crate::cluster::connect::target::Trust;

/// The cluster's part; the user's is still to be said.
pub(super) fn said(
    name: &str,
    cluster: &Cluster,
    overrides: Overrides<'_>,
    read_file: ReadFile<'_>,
) -> Result<Said, BadKubeconfig> {
    let set = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let no_server = || BadKubeconfig::NoServer {
        cluster: name.to_owned(),
    };
    Ok(Said {
        server: set(&cluster.server).ok_or_else(no_server)?,
        trust: if overrides.other_trust {
            Trust::default()
        } else {
            trust(name, cluster, overrides.verify, read_file)?
        },
        tls_server_name: set(&cluster.tls_server_name),
        proxy_url: set(&cluster.proxy_url).map(SecretText::from),
        ..Said::default()
    })
}

/// What the cluster has for programs that sign in to it.
pub(super) fn for_programs(cluster: &Cluster) -> Option<Value> {
    let mut extensions = cluster.extensions.iter().flatten();
    let found = extensions.find(|extension| extension.name == "client.authentication.k8s.io/exec");
    found.map(|extension| extension.extension.clone())
}

fn trust(
    name: &str,
    cluster: &Cluster,
    verify: bool,
    read_file: ReadFile<'_>,
) -> Result<Trust, BadKubeconfig> {
    let insecure = cluster.insecure_skip_tls_verify == Some(true) && !verify;
    let (data, file) = (
        &cluster.certificate_authority_data,
        &cluster.certificate_authority,
    );
    let Some(text) = data_or_file(data.as_deref(), file.as_deref(), read_file)? else {
        return Ok(if insecure {
            Trust::Anything
        } else {
            Trust::System
        });
    };
    if insecure {
        return Err(BadKubeconfig::InsecureWithAuthority {
            cluster: name.to_owned(),
        });
    }
    pem::authorities(&text)
        .map(Trust::Authorities)
        .map_err(|source| BadKubeconfig::Pem {
            field: "certificate-authority",
            what: "cluster",
            name: name.to_owned(),
            source,
        })
}
