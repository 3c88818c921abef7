//! Ways to sign in to a world's cluster, and a program that prints credentials.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use istiopca_acceptance::apiserver::Audited;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::world::World;

/// Prints a credential with the token and the seconds to live that the file `current` holds, or
/// `once`, which is used up; notes each run with the credential's end, and what it was told.
pub(crate) const LOGIN: &str = r#"#!/bin/sh
set -eu
cd "$(dirname "$0")"
from=current
if [ -e once ]; then mv once used; from=used; fi
read -r token seconds < "$from"
end=$(date -u -d "+$seconds seconds" +%Y-%m-%dT%H:%M:%SZ)
echo "$end" >> runs
printf %s "$KUBERNETES_EXEC_INFO" > info
version=$(printf %s "$KUBERNETES_EXEC_INFO" | sed 's/.*"apiVersion":"\([^"]*\)".*/\1/')
printf '{"apiVersion":"%s","kind":"ExecCredential","status":{"token":"%s","expirationTimestamp":"%s"}}' \
  "$version" "$token" "$end"
"#;

impl World {
    /// Writes a program beside the configuration.
    pub(crate) fn program(&self, name: &str, text: &str) -> String {
        self.dir.write(name, text);
        let path = self.dir.path().join(name);
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(&path, executable).expect("the directory is writable");
        path.display().to_string()
    }

    /// What the program [`LOGIN`] prints from now on.
    pub(crate) fn next_token(&self, token: &str, seconds: u64) {
        // Through a rename, so that nobody reads half of it.
        self.dir.write("coming", &format!("{token} {seconds}\n"));
        let directory = self.dir.path();
        let renamed = fs::rename(directory.join("coming"), directory.join("current"));
        renamed.expect("the directory is writable");
    }

    /// The ends of all that [`LOGIN`] has printed.
    pub(crate) fn ends(&self) -> Vec<Timestamp> {
        let runs = fs::read_to_string(self.dir.path().join("runs")).unwrap_or_default();
        runs.lines()
            .map(|line| line.parse().expect("a time"))
            .collect()
    }

    /// Address and authority of the API server, with more settings of the block.
    pub(crate) fn by_host(&self, more: &str) {
        let (url, authority) = (self.cluster.url(), self.cluster.ca_pem());
        let kubernetes =
            format!("host = \"{url}\"\ncluster_ca_certificate = <<-EOT\n{authority}\nEOT\n{more}");
        self.configure_cluster(&kubernetes, "", &self.issuing_secret("", ""));
    }

    /// The same, signed in to by a program of that path.
    pub(crate) fn by_program(&self, command: &str, more: &str) {
        self.by_host(&format!(
            r#"
    exec {{
      api_version = "client.authentication.k8s.io/v1"
      command     = "{command}"
      {more}
    }}"#
        ));
    }

    /// The request that wrote this world's Secret last.
    pub(crate) async fn writing(&self, user: &str) -> Audited {
        let path = format!("/api/v1/namespaces/{}/secrets/cacerts?", self.namespace);
        let is_it = |request: &Audited| {
            let writes = request.verb == "patch" && !request.uri.contains("dryRun");
            writes && request.uri.starts_with(&path) && request.user == user
        };
        self.cluster.audited("a writing of the Secret", is_it).await
    }

    /// Kubeconfig files beside the configuration, and the block that names them in order.
    pub(crate) fn by_files(&self, files: &[(&str, Value)]) {
        let paths = files.iter().map(|(name, content)| {
            self.dir.write(name, &content.to_string());
            format!("{:?}", self.dir.path().join(name).display().to_string())
        });
        let paths: Vec<String> = paths.collect();
        let kubernetes = format!("config_paths = [{}]", paths.join(", "));
        self.configure_cluster(&kubernetes, "", &self.issuing_secret("", ""));
    }

    /// A kubeconfig's cluster, context and user in one, as other tools write them.
    pub(crate) fn kubeconfig_with(&self, user: &Value) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "mesh",
            "contexts": [{"name": "mesh", "context": {"cluster": "mesh", "user": "ci"}}],
            "clusters": [{"name": "mesh", "cluster": {
                "server": self.cluster.url(),
                "certificate-authority-data": STANDARD.encode(self.cluster.ca_pem()),
            }}],
            "users": [{"name": "ci", "user": user}],
        })
    }
}
