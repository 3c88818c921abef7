//! What every story starts from: an account with a CA, a namespace in a real cluster, and a
//! directory with a configuration.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use istiopca_acceptance::apiserver::{ApiServer, User};
use istiopca_acceptance::aws::{Aws, CaHandle, Clock, Credentials, KeyAlgorithm};
use istiopca_acceptance::cli::{Cli, Provider, REQUIRED_PROVIDERS, Workdir, provider_binary};
use istiopca_acceptance::host::Host;
use istiopca_acceptance::process::Run;
use istiopca_acceptance::sandbox_cluster::SandboxCluster;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// One mesh to be, and all that it needs.
pub(crate) struct World {
    pub(crate) aws: Aws,
    pub(crate) root: CaHandle,
    pub(crate) ca: CaHandle,
    pub(crate) cluster: &'static ApiServer,
    pub(crate) namespace: String,
    pub(crate) user: User,
    pub(crate) dir: Workdir,
    /// By how much the runner's clock is ahead of AWS's; only under a clock.
    pub(crate) skew: SignedDuration,
    binary: bool,
    /// Where keys are looked for: address and namespace.
    watched: HashSet<(&'static str, String)>,
}

/// So many days.
pub(crate) const fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(days * 24)
}

impl World {
    /// A world in which the CLI starts the built binary. Time runs as outside.
    pub(crate) async fn with_binary(cli: Cli, story: &str) -> Self {
        let mut world = Self::new(cli, story, Clock::running_from(Timestamp::now())).await;
        world.binary = true;
        world
            .dir
            .set_provider(Provider::DevOverride(provider_binary().to_owned()))
            .expect("the directory is writable");
        world
    }

    /// A world whose time stands still until the story moves it. It begins in the past, so that
    /// what is issued along the way is valid for those that look at the clock on the wall.
    pub(crate) async fn under_a_clock(cli: Cli, story: &str) -> Self {
        let start = Timestamp::now() - days(200);
        // Certificates know whole seconds only.
        let start = Timestamp::from_second(start.as_second()).unwrap_or(start);
        Self::new(cli, story, Clock::stopped_at(start)).await
    }

    async fn new(cli: Cli, story: &str, clock: Clock) -> Self {
        let aws = Aws::start(clock).expect("the AWS emulator starts");
        let root = aws
            .root(KeyAlgorithm::EcPrime256v1)
            .valid_for(days(3650))
            .create();
        let ca = aws
            .subordinate(&root)
            .path_length(1)
            .valid_for(days(1825))
            .create();
        let keys = aws.account(istiopca_acceptance::aws::ACCOUNT).user("ci");
        let cluster = ApiServer::shared().await;
        let namespace = cluster.namespace(story).await;
        let user = cluster.restricted(&namespace, "cacerts").await;
        let dir = Workdir::new(cli, Provider::None).expect("a directory can be made");
        let mut world = Self {
            aws,
            root,
            ca,
            cluster,
            namespace,
            user,
            dir,
            skew: SignedDuration::ZERO,
            binary: false,
            watched: HashSet::new(),
        };
        world.sign_in_as(&keys);
        world.watch();
        world
    }

    /// Has the keys that come into this namespace of this cluster looked for.
    fn watch(&mut self) {
        let namespace = self.namespace.clone();
        if self.watched.insert((self.cluster.url(), namespace.clone())) {
            self.watch_also(&namespace);
        }
    }

    /// The same for another namespace of the cluster.
    pub(crate) fn watch_also(&self, namespace: &str) {
        let (cluster, namespace) = (self.cluster, namespace.to_owned());
        self.dir.canary().watch(move || {
            let texts = cluster.secret_texts(&namespace);
            texts.map_err(|error| error.to_string())
        });
    }

    /// The same for a cluster that is a small one.
    pub(crate) fn watch_small(&self, cluster: &SandboxCluster) {
        let secrets = cluster.secret_texts();
        self.dir.canary().watch(move || Ok(secrets()));
    }

    /// Puts credentials where the configuration looks for them.
    pub(crate) fn sign_in_as(&self, keys: &Credentials) {
        let profile = format!(
            "[story]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            keys.access_key_id, keys.secret_access_key
        );
        self.dir.write("aws-credentials", &profile);
        self.dir.write("aws-config", "");
    }

    /// Writes the configuration: the provider's usual block, and this.
    pub(crate) fn configure(&self, resources: &str) {
        self.configure_with("", resources);
    }

    /// Writes the configuration with more settings of the provider.
    pub(crate) fn configure_with(&self, provider: &str, resources: &str) {
        let kubeconfig = self.cluster.kubeconfig(&self.user);
        let kubernetes = format!(
            r#"
    config_path    = "{}"
    config_context = "tests""#,
            kubeconfig.display()
        );
        self.configure_cluster(&kubernetes, provider, resources);
    }

    /// Writes the configuration with that in its `kubernetes {}` block.
    pub(crate) fn configure_cluster(&self, kubernetes: &str, provider: &str, resources: &str) {
        let here = self.sign_in_here();
        self.dir.write(
            "main.tf",
            &format!(
                r#"{REQUIRED_PROVIDERS}
provider "istiopca" {{
  {here}
  kubernetes {{
    {kubernetes}
  }}
  {provider}
}}
{resources}
"#
            ),
        );
    }

    /// What a provider block needs to find this world's AWS instead of the real one.
    pub(crate) fn sign_in_here(&self) -> String {
        let endpoint = self.aws.endpoint();
        let directory = self.dir.path();
        let path = directory.display();
        format!(
            r#"profile                  = "story"
  shared_config_files      = ["{path}/aws-config"]
  shared_credentials_files = ["{path}/aws-credentials"]
  endpoints {{
    acmpca = "{endpoint}"
    eks    = "{endpoint}"
    kms    = "{endpoint}"
    sts    = "{endpoint}"
  }}"#
        )
    }

    /// Overrides a configuration that was not made for this world, such as an example: its provider
    /// finds this AWS, and `resources` take the place of what they name. All else stays.
    pub(crate) fn override_in(&self, directory: &str, resources: &str) {
        let here = self.sign_in_here();
        self.dir.write(
            &format!("{directory}/here_override.tf"),
            &format!("provider \"istiopca\" {{\n  {here}\n}}\n{resources}"),
        );
    }

    /// The block of the Secret that issues by itself, with more settings in it.
    pub(crate) fn issuing_secret(&self, secret: &str, intermediate: &str) -> String {
        let (namespace, arn) = (&self.namespace, self.ca.arn());
        format!(
            r#"
resource "istiopca_cacerts_secret" "mesh" {{
  namespace = "{namespace}"
  intermediate {{
    certificate_authority_arn = "{arn}"
    subject {{
      common_name  = "istio-ca.{namespace}"
      organization = ["Example", "Mesh"]
    }}
    {intermediate}
  }}
  {secret}
}}
"#
        )
    }

    /// An intermediate of its own with more settings in it, and the Secret that takes it over.
    pub(crate) fn intermediate_and_secret(&self, intermediate: &str, secret: &str) -> String {
        let (namespace, arn) = (&self.namespace, self.ca.arn());
        format!(
            r#"
resource "istiopca_intermediate" "mesh" {{
  certificate_authority_arn = "{arn}"
  private_key_storage       = "state"
  subject {{
    common_name  = "istio-ca.{namespace}"
    organization = ["Example", "Mesh"]
  }}
  {intermediate}
}}
resource "istiopca_cacerts_secret" "mesh" {{
  namespace         = "{namespace}"
  certificate       = istiopca_intermediate.mesh.certificate
  certificate_chain = istiopca_intermediate.mesh.certificate_chain
  private_key_pem   = istiopca_intermediate.mesh.private_key_pem
  {secret}
}}
"#
        )
    }

    /// A provider of its own for one run, unless the built binary is meant.
    pub(crate) async fn attach(&self) -> Option<Host> {
        if self.binary {
            return None;
        }
        let (clock, skew) = (self.aws.clock(), self.skew);
        let host = Host::start(move || clock.now() + skew)
            .await
            .expect("the provider can be served");
        Some(host)
    }

    async fn run(&mut self, arguments: &[&str]) -> Run {
        self.watch();
        let host = self.attach().await;
        if let Some(host) = &host {
            self.dir
                .set_provider(Provider::Reattach(host.reattach()))
                .expect("the directory is writable");
        }
        self.dir.run(arguments).await
    }

    /// Applies a Secret that [issues by itself](Self::issuing_secret).
    pub(crate) async fn issue(&mut self, secret: &str, intermediate: &str) -> Run {
        self.configure(&self.issuing_secret(secret, intermediate));
        self.apply(&[]).await
    }

    /// `apply` without asking.
    pub(crate) async fn apply(&mut self, more: &[&str]) -> Run {
        self.run(
            &[
                &["apply", "-auto-approve", "-input=false", "-no-color"],
                more,
            ]
            .concat(),
        )
        .await
    }

    /// `plan -detailed-exitcode`: 0 for nothing to do, 2 for work.
    pub(crate) async fn plan(&mut self, more: &[&str]) -> Run {
        self.run(
            &[
                &["plan", "-detailed-exitcode", "-input=false", "-no-color"],
                more,
            ]
            .concat(),
        )
        .await
    }

    /// Reading changed nothing, private state included.
    ///
    /// Terraform 1.11 says 2 whenever a schema has a sensitive attribute, whoever wrote the
    /// provider (hashicorp/tls shows it, too), so there only the words can be held to.
    pub(crate) async fn nothing_to_refresh(&mut self) {
        let run = self.plan(&["-refresh-only"]).await;
        match self.dir.cli() {
            Cli::OpenTofu => run.exit_code(0),
            Cli::Terraform => run.says("No changes."),
        };
    }

    /// `destroy` without asking.
    pub(crate) async fn destroy(&mut self, more: &[&str]) -> Run {
        self.run(
            &[
                &["destroy", "-auto-approve", "-input=false", "-no-color"],
                more,
            ]
            .concat(),
        )
        .await
    }

    /// Anything else that needs the provider.
    pub(crate) async fn cli(&mut self, arguments: &[&str]) -> Run {
        self.run(arguments).await
    }

    /// The attributes of a resource in the state.
    pub(crate) async fn state(&mut self, address: &str) -> Value {
        let run = self.run(&["show", "-json", "-no-color"]).await;
        let shown = run.succeeds().json();
        let resources = shown["values"]["root_module"]["resources"]
            .as_array()
            .cloned();
        let found = resources.unwrap_or_default();
        let found = found
            .into_iter()
            .find(|resource| resource["address"] == address);
        found.unwrap_or_else(|| panic!("{address} is not in the state"))["values"].clone()
    }

    /// The live Secret as kubectl shows it; null where there is none.
    pub(crate) async fn live(&self) -> Value {
        let secret = [
            "get",
            "secret",
            "cacerts",
            "--ignore-not-found",
            "-o",
            "json",
        ];
        let run = self.kubectl(&secret).await;
        if run.succeeds().stdout().trim().is_empty() {
            Value::Null
        } else {
            run.json()
        }
    }

    /// One file of the live Secret, written down for a witness to look at.
    pub(crate) async fn file(&self, name: &str) -> PathBuf {
        let encoded = self.live().await["data"][name].clone();
        let encoded = encoded.as_str().expect("the Secret has this file");
        let decoded = STANDARD.decode(encoded).expect("it is in base64");
        let path = self.dir.path().join(format!("live-{name}"));
        std::fs::write(&path, decoded).expect("the directory is writable");
        path
    }

    /// The same as text.
    pub(crate) async fn file_text(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name).await).expect("it is text")
    }

    /// The story's time, as openssl's `-attime` takes it.
    pub(crate) fn seconds(&self) -> String {
        self.aws.clock().now().as_second().to_string()
    }

    /// Lets openssl judge the live bundle as a mesh would use it: key, chain and root belong
    /// together, and all is valid at the story's time.
    pub(crate) async fn openssl_accepts_the_live_bundle(&self) {
        let (certificate, key) = (
            self.file("ca-cert.pem").await,
            self.file("ca-key.pem").await,
        );
        let (chain, root) = (
            self.file("cert-chain.pem").await,
            self.file("root-cert.pem").await,
        );
        self.openssl_accepts(&certificate, &key, &chain, &root);
    }

    /// Lets openssl judge files of either layout, at the story's time.
    #[track_caller]
    pub(crate) fn openssl_accepts(
        &self,
        certificate: &Path,
        key: &Path,
        chain: &Path,
        root: &Path,
    ) {
        let verify = Command::new("openssl")
            .args([
                "verify",
                "-x509_strict",
                "-check_ss_sig",
                "-attime",
                &self.seconds(),
                "-CAfile",
            ])
            .arg(root)
            .arg("-untrusted")
            .args([chain, certificate])
            .output()
            .expect("openssl runs");
        assert!(
            verify.status.success(),
            "{}",
            String::from_utf8_lossy(&verify.stderr)
        );
        let of_certificate = openssl(&["x509", "-noout", "-pubkey", "-in"], certificate);
        let of_key = openssl(&["pkey", "-pubout", "-in"], key);
        assert_eq!(of_certificate, of_key, "the key is not the certificate's");
    }
}

/// What openssl prints of a file.
#[track_caller]
pub(crate) fn openssl(arguments: &[&str], file: &Path) -> String {
    let output = Command::new("openssl")
        .args(arguments)
        .arg(file)
        .output()
        .expect("openssl runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("openssl prints text")
}
