//! What others do to the Secret, and how a story looks at it from outside.

use std::path::Path;
use std::time::{Duration, Instant};

use istiopca_acceptance::apiserver::{ApiServer, User};
use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::process::Run;
use serde_json::{Value, json};

use crate::world::{World, openssl};

impl World {
    /// kubectl as the cluster's administrator, in this story's namespace.
    pub(crate) async fn kubectl(&self, arguments: &[&str]) -> Run {
        self.cluster
            .kubectl(&[&["-n", &self.namespace], arguments].concat())
            .await
    }

    /// Changes the Secret as somebody with `kubectl patch` would.
    pub(crate) async fn patch(&self, change: &Value) {
        let change = change.to_string();
        self.kubectl(&["patch", "secret", "cacerts", "--type=merge", "-p", &change])
            .await
            .succeeds();
    }

    /// Deletes the Secret.
    pub(crate) async fn delete_secret(&self) {
        self.kubectl(&["delete", "secret", "cacerts"])
            .await
            .succeeds();
    }

    /// Makes a Secret `cacerts` of a colleague's, of that type and with these files.
    pub(crate) async fn somebody_makes(&self, type_: &str, files: &Value) {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": type_,
            "metadata": {"name": "cacerts", "namespace": self.namespace},
            "stringData": files,
        });
        self.dir.write("made.json", &secret.to_string());
        let file = self.dir.path().join("made.json");
        self.kubectl(&["create", "-f", &file.to_string_lossy()])
            .await
            .succeeds();
    }

    /// Does what istiod does with the roots that it has taken up.
    pub(crate) async fn istiod_publishes(&self, roots: &str) {
        let published = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "istio-ca-root-cert", "namespace": self.namespace},
            "data": {"root-cert.pem": roots},
        });
        self.cluster.apply(&published).await.succeeds();
    }

    /// Does what an istiod does that was started without a Secret; returns its root.
    pub(crate) async fn istiod_signs_by_itself(&self) -> String {
        let (certificate, _) = self_signed(&self.dir.path());
        self.istiod_publishes(&certificate).await;
        certificate
    }

    /// A mesh whose certificate lasts nine days: issued by the Secret itself, or by an intermediate
    /// of its own.
    pub(crate) fn configure_for_nine_days(&self, issuing: bool) {
        let validity = "validity = \"9d\"";
        self.configure(&if issuing {
            self.issuing_secret("", validity)
        } else {
            self.intermediate_and_secret(validity, "")
        });
    }

    /// The UID of the live Secret.
    pub(crate) async fn uid(&self) -> String {
        let live = self.live().await;
        live["metadata"]["uid"]
            .as_str()
            .expect("the Secret is there")
            .to_owned()
    }

    /// The names of the files in the live Secret, in order.
    pub(crate) async fn files(&self) -> Vec<String> {
        let live = self.live().await;
        live["data"]
            .as_object()
            .expect("the Secret has data")
            .keys()
            .cloned()
            .collect()
    }

    /// How many certificates were ordered so far.
    #[track_caller]
    pub(crate) fn ordered(&self, wanted: usize) {
        assert_eq!(
            self.aws.count("IssueCertificate"),
            wanted,
            "certificates ordered"
        );
    }
}

/// Both cores, each with a Secret that issues by itself and with one that does not.
pub(crate) fn either_way() -> impl Iterator<Item = (Cli, bool)> {
    let cores = Cli::both().into_iter();
    cores.flat_map(|cli| [(cli, true), (cli, false)])
}

/// Waits until the cluster acts on a rule that was just written.
pub(crate) async fn until_allowed(cluster: &ApiServer, user: &User, verb: &str, namespace: &str) {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let question = ["auth", "can-i", verb, "secrets/cacerts", "-n", namespace];
        let answer = cluster.kubectl_as(user, &question).await;
        if answer.stdout().trim() == "yes" {
            return;
        }
        assert!(Instant::now() < end, "{answer}");
    }
}

/// A self-signed CA as istiod makes one when it has no bundle: certificate and key, PEM.
pub(crate) fn self_signed(dir: &Path) -> (String, String) {
    let key = dir.join("self-signed.key");
    let request = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "3650",
        "-subj",
        "/O=cluster.local",
        "-keyout",
    ];
    let certificate = openssl(&request, &key);
    let key = std::fs::read_to_string(key).expect("openssl wrote it");
    (certificate, key)
}

/// A private key that nobody has a certificate for, PEM.
pub(crate) fn another_key(dir: &Path) -> String {
    let curve = [
        "genpkey",
        "-algorithm",
        "EC",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-out",
    ];
    let key = dir.join("another.key");
    openssl(&curve, &key);
    std::fs::read_to_string(key).expect("openssl wrote it")
}
