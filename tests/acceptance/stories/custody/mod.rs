//! Where the mesh's key is, and who can have it: each custody from its first apply to its renewal, what can go wrong
//! with it, and the ways from one to another.

mod changes;
mod choice;
mod envelopes;
mod failing;
mod interrupted;
mod kms;
mod leaked;
mod people;
mod requested;
mod supplied;
mod thief;

use istiopca_acceptance::aws::{Call, KmsKey};
use serde_json::Value;

use crate::world::{World, openssl};

const INTERMEDIATE: &str = "istiopca_intermediate.mesh";
const SECRET: &str = "istiopca_cacerts_secret.mesh";

/// How an intermediate and its Secret have the key, in HCL.
struct Custody {
    /// What else is in the configuration.
    beside: String,
    intermediate: String,
    secret: String,
}

/// What the state holds of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Nothing,
    InClear,
    Sealed,
}

impl Custody {
    fn new(intermediate: &str, secret: &str) -> Self {
        Self {
            beside: String::new(),
            intermediate: intermediate.to_owned(),
            secret: secret.to_owned(),
        }
    }

    /// Sealed with that key, by whichever name.
    fn kms(key_id: &str) -> Self {
        Self::new(
            &format!("private_key_storage = \"kms\"\n  kms_key_id = \"{key_id}\""),
            "private_key_sealed = istiopca_intermediate.mesh.private_key_sealed",
        )
    }

    /// In clear.
    fn state() -> Self {
        Self::new(
            "private_key_storage = \"state\"",
            "private_key_pem = istiopca_intermediate.mesh.private_key_pem",
        )
    }

    /// What the variable `key` supplies to each run, under that number.
    fn supplied(version: i64) -> Self {
        let supplied = supplied("var.key", version);
        Self {
            beside: KEY_VARIABLE.to_owned(),
            ..Self::new(&supplied, &supplied)
        }
    }

    /// What is made anew in each run, under that number.
    fn ephemeral(version: i64) -> Self {
        let key = "ephemeral.istiopca_private_key.mesh.private_key_pem";
        let supplied = supplied(key, version);
        Self {
            beside: "ephemeral \"istiopca_private_key\" \"mesh\" {}".to_owned(),
            ..Self::new(&supplied, &supplied)
        }
    }

    /// The user's request; the Secret gets the key from the variable `key`.
    fn requested(request: &str) -> Self {
        let request = request.trim();
        let intermediate = format!("certificate_signing_request_pem = <<EOT\n{request}\nEOT\n");
        Self {
            beside: KEY_VARIABLE.to_owned(),
            ..Self::new(&intermediate, &supplied("var.key", 1))
        }
    }

    /// The same with more settings in both.
    fn with(&self, intermediate: &str, secret: &str) -> Self {
        Self {
            beside: self.beside.clone(),
            intermediate: format!("{}\n  {intermediate}", self.intermediate),
            secret: format!("{}\n  {secret}", self.secret),
        }
    }
}

/// A key that a run is given and that is forgotten with it.
const KEY_VARIABLE: &str = "variable \"key\" {\n  type      = string\n  ephemeral = true\n}";

fn supplied(key: &str, version: i64) -> String {
    format!("private_key_pem_wo = {key}\n  private_key_pem_wo_version = {version}")
}

impl World {
    /// The configuration of a mesh under that custody.
    fn mesh(&self, custody: &Custody) -> String {
        let beside = &custody.beside;
        let (intermediate, secret) = (
            self.intermediate("mesh", custody),
            self.secret("mesh", custody),
        );
        format!("{beside}\n{intermediate}\n{secret}")
    }

    fn intermediate(&self, name: &str, custody: &Custody) -> String {
        let (namespace, arn) = (&self.namespace, self.ca.arn());
        let keeping = &custody.intermediate;
        format!(
            r#"
resource "istiopca_intermediate" "{name}" {{
  certificate_authority_arn = "{arn}"
  subject {{
    common_name  = "istio-ca.{namespace}"
    organization = ["Example", "Mesh"]
  }}
  {keeping}
}}
"#
        )
    }

    /// The Secret, with certificate and key of the intermediate of that name.
    fn secret(&self, of: &str, custody: &Custody) -> String {
        let namespace = &self.namespace;
        let intermediate = format!("istiopca_intermediate.{of}.");
        let key = custody
            .secret
            .replace("istiopca_intermediate.mesh.", &intermediate);
        format!(
            r#"
resource "istiopca_cacerts_secret" "mesh" {{
  namespace         = "{namespace}"
  certificate       = {intermediate}certificate
  certificate_chain = {intermediate}certificate_chain
  {key}
}}
"#
        )
    }

    /// Demands that the state holds that of the key, and the Secret's as well as the intermediate's.
    async fn state_holds(&mut self, held: Held) {
        for address in [INTERMEDIATE, SECRET] {
            self.holds(address, held).await;
        }
    }

    async fn holds(&mut self, address: &str, held: Held) {
        let state = self.state(address).await;
        let clear = state["private_key_pem"].as_str();
        let sealed = state["private_key_sealed"].as_str();
        assert!(
            state["private_key_pem_wo"].is_null(),
            "it is stored nowhere"
        );
        let found = match (clear, sealed) {
            (None, None) => Held::Nothing,
            (Some(key), None) if key.starts_with("-----BEGIN PRIVATE KEY-----") => Held::InClear,
            (None, Some(key)) if key.starts_with("istiopca.sealed.v1.") => Held::Sealed,
            _ => panic!("what is this of {address}: {sealed:?}"),
        };
        assert_eq!(found, held, "{address}");
    }

    /// The calls of KMS since the book was begun: GenerateDataKey and Decrypt, refused ones too.
    #[track_caller]
    fn asked_kms(&self, data_keys: usize, opened: usize) {
        let asked = (self.aws.count("GenerateDataKey"), self.aws.count("Decrypt"));
        assert_eq!(asked, (data_keys, opened), "data keys made, keys opened");
    }

    fn calls_of(&self, operation: &str) -> Vec<Call> {
        let calls = self.aws.calls().into_iter();
        calls.filter(|call| call.operation == operation).collect()
    }

    /// One attribute of the intermediate in the state.
    async fn of_intermediate(&mut self, attribute: &str) -> Value {
        self.state(INTERMEDIATE).await[attribute].clone()
    }
}

/// A key of KMS that everybody in its account may use.
fn kms_key(world: &World) -> KmsKey {
    world.aws.kms_key().create()
}

/// A request of openssl's for the mesh's certificate with that key, PEM; more arguments may make it ask for more.
fn request_for(world: &World, key: &str, more: &[&str]) -> String {
    world.dir.write("requested.key", key);
    let subject = format!("/O=Example/O=Mesh/CN=istio-ca.{}", world.namespace);
    let arguments = ["req", "-new", "-subj", &subject];
    let file = world.dir.path().join("requested.key");
    openssl(&[&arguments, more, &["-key"]].concat(), &file)
}
