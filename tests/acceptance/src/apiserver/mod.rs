//! A real Kubernetes API server with etcd behind it and RBAC on, for the stories.
//!
//! There are no nodes and no pods that run, and no controllers unless [`Controllers`] are started
//! beside it: objects are stored, validated, owned and refused exactly as in a cluster, and nothing
//! else happens to them.

mod audit;
mod controllers;
mod identity;
mod launch;
mod programs;
mod rbac;
mod secrets;
mod webhook;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::aws::Authenticator;
use crate::parts;
use crate::process::{Daemon, Run, clean, guarded, run};

pub use audit::Audited;
pub use controllers::{Controllers, ControllersError};
pub use identity::ClientCertificate;
pub use launch::StartError;
pub use rbac::{minimal_rules, namespace_rule};
pub use webhook::Admission;

pub(crate) use secrets::texts;

use identity::ClientCa;
use webhook::Webhook;

/// A running API server; both programs and their files go when it is dropped, or when the test
/// process dies.
pub struct ApiServer {
    url: String,
    ca_pem: String,
    clients: ClientCa,
    webhook: Webhook,
    dir: PathBuf,
    kubectl: PathBuf,
    admin: User,
    users: Vec<User>,
    handed_out: AtomicUsize,
    named: AtomicUsize,
    controllers: OnceCell<Result<Controllers, ControllersError>>,
    // By name, in the order in which they end.
    daemons: [(&'static str, Daemon); 2],
}

/// Somebody whom the API server knows by a bearer token.
#[derive(Clone)]
pub struct User {
    /// The name that RBAC and error messages know.
    pub name: String,
    /// The bearer token.
    pub token: String,
}

/// What one call of kubectl may take.
const KUBECTL: Duration = Duration::from_secs(60);

/// How long a new rule may take to be in force, and an answer to be in the audit log.
const RULES: Duration = Duration::from_secs(30);

impl ApiServer {
    /// The one that all stories of a test process share, each in a namespace of its own; started by
    /// whoever is first.
    ///
    /// # Panics
    ///
    /// When it cannot be started, with the reason in words, in every test that asks for it.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<Result<ApiServer, StartError>> = OnceCell::const_new();
        let start = || async {
            let dir = parts::target_dir()
                .join("stories")
                .join(format!("apiserver-{}", process::id()));
            Self::start(&dir).await
        };
        match SHARED.get_or_init(start).await {
            Ok(server) => server,
            Err(error) => panic!("there is no API server to test with: {error}"),
        }
    }

    /// Starts etcd and the API server on free loopback ports and waits until it is ready; `dir` is
    /// made, and removed in the end.
    ///
    /// # Errors
    ///
    /// When a part cannot be had, or the programs do not come up: then with the end of their log.
    pub async fn start(dir: &Path) -> Result<Self, StartError> {
        launch::start(dir).await
    }

    /// `https://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The certificate of the CA that signed its serving certificate, of this server alone.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The user whom nothing is refused (group `system:masters`).
    pub fn admin(&self) -> &User {
        &self.admin
    }

    /// The administrator's bearer token.
    pub fn admin_token(&self) -> &str {
        &self.admin.token
    }

    /// A user whom no one else was given, without any right.
    ///
    /// # Panics
    ///
    /// When all of them have been handed out: the server reads its list of tokens at its start
    /// only.
    pub fn user(&self) -> User {
        let next = self.handed_out.fetch_add(1, Ordering::Relaxed);
        match self.users.get(next) {
            Some(user) => user.clone(),
            None => panic!(
                "all {} users of the test cluster have been handed out",
                self.users.len()
            ),
        }
    }

    /// A certificate by which the server knows `user`, and as a member of `group` if it is to be.
    ///
    /// # Panics
    ///
    /// When no key can be made.
    pub fn client_certificate(&self, user: &str, group: Option<&str>) -> ClientCertificate {
        match self.clients.issue(user, group) {
            Ok(certificate) => certificate,
            Err(error) => panic!("no client certificate can be made for {user}: {error}"),
        }
    }

    /// Lets in whoever shows a token that the authenticator takes: this server is that cluster of
    /// EKS for as long as the admission is kept. It may be several at once.
    ///
    /// A token that was taken is known for ten more seconds without a question, as it is on EKS.
    #[must_use = "tokens are refused again once it is dropped"]
    pub fn admit(&self, authenticator: &Authenticator) -> Admission {
        self.webhook.admit(authenticator)
    }

    /// Every request that was answered so far, oldest first.
    pub fn audit(&self) -> Vec<Audited> {
        audit::read(&self.dir)
    }

    /// Waits until a request of this kind is in the audit log, which is written after the answer,
    /// and returns the first.
    ///
    /// # Panics
    ///
    /// When none comes.
    pub async fn audited(&self, what: &str, is_it: impl Fn(&Audited) -> bool) -> Audited {
        let end = Instant::now() + RULES;
        loop {
            if let Some(found) = self.audit().into_iter().find(|request| is_it(request)) {
                return found;
            }
            assert!(
                Instant::now() < end,
                "the audit log should have {what} by now"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A user with exactly the [minimal rights](minimal_rules) for the Secret `namespace`/`secret`
    /// and [for the namespace](namespace_rule); the namespace must be there.
    ///
    /// # Panics
    ///
    /// When the rights cannot be given.
    pub async fn restricted(&self, namespace: &str, secret: &str) -> User {
        let user = self.user();
        let in_it = rbac::grant(&user.name, Some(namespace), &minimal_rules(secret));
        let itself = rbac::grant(&user.name, None, &[namespace_rule(namespace)]);
        self.apply(&list(&[in_it, itself].concat()))
            .await
            .succeeds();
        self.until_granted(&user, namespace, secret).await;
        user
    }

    /// As [`restricted`](Self::restricted) for a namespace that is not there yet: the same rules,
    /// but in every namespace, since a Role cannot exist before its namespace.
    ///
    /// # Panics
    ///
    /// When the rights cannot be given.
    pub async fn restricted_before_the_namespace(&self, namespace: &str, secret: &str) -> User {
        let user = self.user();
        let mut rules = minimal_rules(secret);
        rules.push(namespace_rule(namespace));
        self.grant(&user, None, &rules).await;
        self.until_granted(&user, namespace, secret).await;
        user
    }

    /// Gives a user these rules in one namespace, or in the whole cluster; they are in force a
    /// moment later.
    ///
    /// # Panics
    ///
    /// When the server refuses them.
    pub async fn grant(&self, user: &User, namespace: Option<&str>, rules: &[Value]) {
        self.apply(&list(&rbac::grant(&user.name, namespace, rules)))
            .await
            .succeeds();
    }

    /// Waits until the server acts on rules that were just written.
    async fn until_granted(&self, user: &User, namespace: &str, secret: &str) {
        let (secret, itself) = (
            format!("secrets/{secret}"),
            format!("namespaces/{namespace}"),
        );
        for question in [
            ["patch", &secret, "-n", namespace],
            ["patch", &itself, "-n", ""],
        ] {
            let end = Instant::now() + RULES;
            loop {
                let answer = self
                    .kubectl_as(user, &[&["auth", "can-i"], &question[..]].concat())
                    .await;
                if answer.stdout().trim() == "yes" {
                    break;
                }
                assert!(
                    Instant::now() < end,
                    "{answer}\n{} should be allowed by now",
                    user.name
                );
            }
        }
    }

    /// Makes a namespace that no one else uses and returns its name, which begins with `story`.
    ///
    /// # Panics
    ///
    /// When the server refuses it, for instance because the name is none.
    pub async fn namespace(&self, story: &str) -> String {
        let name = self.unused_name(story);
        self.kubectl(&["create", "namespace", &name])
            .await
            .succeeds();
        name
    }

    /// A name that begins with `story` and that nobody else was given, of a namespace that is not
    /// there yet.
    pub fn unused_name(&self, story: &str) -> String {
        format!("{story}-{}", self.named.fetch_add(1, Ordering::Relaxed))
    }

    /// Runs kubectl as the administrator.
    pub async fn kubectl(&self, args: &[&str]) -> Run {
        self.kubectl_as(&self.admin, args).await
    }

    /// Runs kubectl as `user`.
    ///
    /// # Panics
    ///
    /// When the user's kubeconfig cannot be written.
    pub async fn kubectl_as(&self, user: &User, args: &[&str]) -> Run {
        let mut command = guarded(&self.kubectl, None);
        clean(&mut command, &self.dir);
        command
            .arg("--kubeconfig")
            .arg(self.kubeconfig(user))
            .args(args);
        run(command, &format!("kubectl {}", args.join(" ")), KUBECTL).await
    }

    /// Runs `kubectl apply` as the administrator with an object, or a `List` of them.
    ///
    /// # Panics
    ///
    /// When the file for kubectl cannot be written.
    pub async fn apply(&self, object: &Value) -> Run {
        let file = self.dir.join(self.unused_name("object"));
        self.write(&file, object);
        self.kubectl(&["apply", "-f", &file.to_string_lossy()])
            .await
    }

    /// A kubeconfig with which `user` reaches this server, in its context `tests`.
    ///
    /// # Panics
    ///
    /// When it cannot be written.
    pub fn kubeconfig(&self, user: &User) -> PathBuf {
        let file = self.dir.join(format!("{}.kubeconfig", user.name));
        if !file.exists() {
            self.write(&file, &self.kubeconfig_of(user));
        }
        file
    }

    fn kubeconfig_of(&self, user: &User) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "tests",
            "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": user.name}}],
            "clusters": [{"name": "tests", "cluster": {
                "server": self.url,
                "certificate-authority": self.dir.join(identity::CA_FILE),
            }}],
            "users": [{"name": user.name, "user": {"token": user.token}}],
        })
    }

    /// Through a rename, so that no one reads half a file.
    fn write(&self, file: &Path, value: &Value) {
        let unfinished = self.dir.join(self.unused_name("unfinished"));
        let written =
            fs::write(&unfinished, value.to_string()).and_then(|()| fs::rename(&unfinished, file));
        if let Err(error) = written {
            panic!("{} cannot be written: {error}", file.display());
        }
    }
}

/// Several objects as one document.
fn list(items: &[Value]) -> Value {
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

/// Its address alone.
impl fmt::Debug for ApiServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ApiServer").field(&self.url).finish()
    }
}

/// The name alone.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("User").field(&self.name).finish()
    }
}

#[cfg(test)]
mod tests;
