//! What a program is told in `KUBERNETES_EXEC_INFO`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::BadProgram;
use crate::cluster::connect::pem;
use crate::cluster::connect::target::{Target, Trust};

/// Which form the program is asked in, and answers in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cluster::connect) enum Version {
    V1,
    V1Beta1,
}

impl Version {
    /// Reads an `apiVersion`.
    pub(in crate::cluster::connect) fn parse(text: Option<&str>) -> Result<Self, BadProgram> {
        match text.map(str::trim).unwrap_or_default() {
            V1 => Ok(Self::V1),
            V1BETA1 => Ok(Self::V1Beta1),
            V1ALPHA1 => Err(BadProgram::Alpha),
            "" => Err(BadProgram::NoVersion),
            other => Err(BadProgram::Version {
                got: other.to_owned(),
            }),
        }
    }

    /// As it is written.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::V1 => V1,
            Self::V1Beta1 => V1BETA1,
        }
    }
}

/// The whole text. It may hold the password of a proxy.
pub(super) fn text(version: Version, cluster: Option<Value>) -> Zeroizing<String> {
    let mut spec = json!({"interactive": false});
    if let Some(cluster) = cluster {
        spec["cluster"] = cluster;
    }
    let whole = json!({"apiVersion": version.text(), "kind": "ExecCredential", "spec": spec});
    Zeroizing::new(whole.to_string())
}

/// The cluster as it was decided on, the block's own settings included.
pub(super) fn cluster(target: &Target, config: Option<&Value>) -> Value {
    let mut cluster = Map::new();
    cluster.insert("server".to_owned(), bare(&target.server).into());
    let mut say = |name: &str, value: Option<Value>| {
        value.map(|value| cluster.insert(name.to_owned(), value));
    };
    say(
        "tls-server-name",
        target.tls_server_name.clone().map(Value::from),
    );
    match &target.trust {
        Trust::Anything => say("insecure-skip-tls-verify", Some(true.into())),
        Trust::System => {}
        Trust::Authorities(ders) => {
            let pem = STANDARD.encode(pem::of_certificates(ders));
            say("certificate-authority-data", Some(pem.into()));
        }
    }
    let proxy = target.proxy.as_ref().map(|proxy| bare(proxy.uri()));
    say("proxy-url", proxy.map(Value::from));
    say("config", config.cloned());
    Value::Object(cluster)
}

/// A URL without the slash that the type adds where there is no path.
fn bare(uri: &Uri) -> String {
    let text = uri.to_string();
    text.strip_suffix('/').map(str::to_owned).unwrap_or(text)
}

const V1: &str = "client.authentication.k8s.io/v1";
const V1BETA1: &str = "client.authentication.k8s.io/v1beta1";
const V1ALPHA1: &str = "client.authentication.k8s.io/v1alpha1";
