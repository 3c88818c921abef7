//! The real `kubectl`, which finds out about the API before it uses it.

use std::path::PathBuf;

use tokio::process::Command;

use super::*;

/// Stands in for a user who changes the value `Yg==` to `eA==`.
const EDITOR: &str = "sed -i s/Yg==/eA==/";

/// A folder of its own for kubectl's configuration and its cache; removed in the end.
struct Home(PathBuf);

impl Home {
    fn of(cluster: &SandboxCluster) -> Self {
        let home = std::env::temp_dir().join(format!("istiopca-kubectl-{}", chance::uuid()));
        std::fs::create_dir(&home).unwrap();
        std::fs::write(home.join("config"), cluster.kubeconfig()).unwrap();
        Self(home)
    }

    /// What a command prints, or what it says when it fails.
    async fn run(&self, command: &[&str]) -> Result<String, String> {
        let output = Command::new("kubectl")
            .args(command)
            .args(["-n", "istio-system"])
            .env("KUBECONFIG", self.0.join("config"))
            .env("HOME", &self.0)
            .env("EDITOR", EDITOR)
            .output()
            .await
            .expect("kubectl has to be on PATH");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let succeeded = output.status.success();
        if succeeded {
            Ok(text(&output.stdout))
        } else {
            Err(text(&output.stderr))
        }
    }

    fn file(&self, object: &Value) -> String {
        let file = self.0.join("object.json");
        std::fs::write(&file, object.to_string()).unwrap();
        file.to_str().unwrap().to_owned()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

#[tokio::test]
async fn it_shows_a_secret_in_each_of_its_forms() {
    let sandbox = Sandbox::start().await;
    let keys = secret(&[("ca-cert.pem", "a"), ("ca-key.pem", "b")]);
    sandbox.apply(US, keys.clone()).await.unwrap();
    let home = Home::of(&sandbox.cluster);
    let json = home
        .run(&["get", "secret", "cacerts", "-o", "json"])
        .await
        .unwrap();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["data"], keys["data"]);
    let yaml = home
        .run(&["get", "secret", "cacerts", "-o", "yaml"])
        .await
        .unwrap();
    assert!(yaml.contains("ca-cert.pem: YQ=="), "{yaml}");
    let described = home.run(&["describe", "secret", "cacerts"]).await.unwrap();
    assert!(described.contains("ca-key.pem:   1 bytes"), "{described}");
    let listed = home.run(&["get", "secrets", "-A"]).await.unwrap();
    assert!(listed.contains("istio-system   cacerts"), "{listed}");
    assert!(
        home.run(&["get", "ns"])
            .await
            .unwrap()
            .contains("kube-system")
    );
    assert!(
        home.run(&["get", "pods,deployments"])
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn its_edits_are_seen_under_its_name() {
    let sandbox = Sandbox::start().await;
    sandbox
        .apply(US, secret(&[("ca-cert.pem", "a"), ("ca-key.pem", "b")]))
        .await
        .unwrap();
    let home = Home::of(&sandbox.cluster);
    let patch = r#"{"data":{"ca-key.pem":"eA=="}}"#;
    home.run(&["patch", "secret", "cacerts", "-p", patch])
        .await
        .unwrap();
    home.run(&["label", "secret", "cacerts", "team=mesh"])
        .await
        .unwrap();
    let live = sandbox.secrets.get("cacerts").await.unwrap();
    assert_eq!(data(&live), [("ca-cert.pem", "a"), ("ca-key.pem", "x")]);
    let edits = [("kubectl-label", "Update"), ("kubectl-patch", "Update")];
    assert_eq!(managers(&live), [&[(US, "Apply")], &edits[..]].concat());
}

#[tokio::test]
async fn a_secret_that_it_deleted_is_gone() {
    let sandbox = Sandbox::start().await;
    sandbox.apply(US, secret(&[("a", "1")])).await.unwrap();
    let home = Home::of(&sandbox.cluster);
    home.run(&["delete", "secret", "cacerts"]).await.unwrap();
    let gone = home.run(&["get", "secret", "cacerts"]).await.unwrap_err();
    let words = "Error from server (NotFound): secrets \"cacerts\" not found";
    assert!(gone.contains(words), "{gone}");
}

#[tokio::test]
async fn it_creates_a_foreign_secret_from_a_file() {
    let sandbox = Sandbox::start().await;
    let home = Home::of(&sandbox.cluster);
    let file = home.file(&secret(&[("a", "1")]));
    let create = ["create", "-f", &file];
    home.run(&create).await.unwrap();
    let live = sandbox.secrets.get("cacerts").await.unwrap();
    assert_eq!(managers(&live), [("kubectl-create", "Update")]);
    let again = home.run(&create).await.unwrap_err();
    assert!(
        again.contains("secrets \"cacerts\" already exists"),
        "{again}"
    );
}

#[tokio::test]
async fn it_applies_by_the_server_and_hears_of_conflicts() {
    let sandbox = Sandbox::start().await;
    sandbox
        .apply(US, secret(&[("ca-key.pem", "ours")]))
        .await
        .unwrap();
    let home = Home::of(&sandbox.cluster);
    let file = home.file(&secret(&[("ca-key.pem", "theirs")]));
    let apply = ["apply", "--server-side", "-f", &file];
    let refusal = home.run(&apply).await.unwrap_err();
    let words = "conflict with \"terraform-provider-istiopca\": .data.ca-key.pem";
    assert!(refusal.contains(words), "{refusal}");
    home.run(&[&apply[..], &["--force-conflicts"]].concat())
        .await
        .unwrap();
    let live = sandbox.secrets.get("cacerts").await.unwrap();
    assert_eq!(data(&live), [("ca-key.pem", "theirs")]);
    assert_eq!(managers(&live), [("kubectl", "Apply")]);
}

#[tokio::test]
async fn an_edit_in_its_editor_is_seen_under_its_name() {
    let sandbox = Sandbox::start().await;
    sandbox
        .apply(US, secret(&[("ca-key.pem", "b")]))
        .await
        .unwrap();
    let home = Home::of(&sandbox.cluster);
    home.run(&["edit", "secret", "cacerts"]).await.unwrap();
    let live = sandbox.secrets.get("cacerts").await.unwrap();
    assert_eq!(data(&live), [("ca-key.pem", "x")]);
    assert_eq!(managers(&live), [("kubectl-edit", "Update")]);
}

#[tokio::test]
async fn its_protobuf_is_refused_in_words() {
    let sandbox = Sandbox::start().await;
    let home = Home::of(&sandbox.cluster);
    let create = [
        "create",
        "secret",
        "generic",
        "cacerts",
        "--from-literal=a=1",
    ];
    let refusal = home.run(&create).await.unwrap_err();
    assert!(
        refusal.contains("the sandbox's Kubernetes API reads JSON"),
        "{refusal}"
    );
}
