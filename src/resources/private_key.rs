//! `ephemeral "istiopca_private_key"`: a key for as long as a run lasts.

use std::collections::BTreeMap;
use std::panic::resume_unwind;

use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use super::custody;
use super::words::{self, Instance};
use crate::clients::Clients;
use crate::kms::KeyId;
use crate::pki::{self, Fingerprint, KeyAlgorithm, KeyError, SealedKey, SecretPem};
use crate::terraform::schema::{Check, Rule, Schema, text, text_map};
use crate::terraform::{Call, Diagnostic, Ephemeral, Filled};

/// See the module.
pub(super) struct PrivateKey;

/// Where the key comes from.
#[derive(Deserialize)]
pub(super) struct Settings {
    /// What a fresh key is made for. It has no default in the schema, so that it can be told from
    /// one that was written: a key that exists already has an algorithm of its own.
    key_algorithm: Option<KeyAlgorithm>,
    private_key_sealed: Option<SealedKey>,
    kms_key_id: Option<KeyId>,
    kms_encryption_context: Option<BTreeMap<String, String>>,
}

/// The key and what is public of it.
#[derive(Deserialize, Serialize)]
pub(super) struct Outputs {
    private_key_pem: SecretPem,
    public_key_pem: String,
    public_key_sha256: Fingerprint,
}

impl Ephemeral for PrivateKey {
    type Clients = Clients;
    type Settings = Settings;
    type Outputs = Outputs;

    const NAME: &'static str = "istiopca_private_key";
    const SCHEMA: Schema = Schema::new(
        "A private key that is in no state and no plan: a new one each time that it is opened, which \
         is in every plan and again in every apply, or one that KMS has sealed.",
        &[
            text("key_algorithm").optional().check(Check::OneOf(&KeyAlgorithm::NAMES)).says(
                "Algorithm of a new key, in AWS Private CA's names. Left out, it is `EC_prime256v1`.",
            ),
            text("private_key_sealed").optional().parses::<SealedKey>().says(
                "A key to open by KMS instead of making a new one: `private_key_sealed` of an \
                 `istiopca_intermediate`.",
            ),
            text("kms_key_id").optional().parses::<KeyId>().says(
                "The KMS key that opens it, where it is not the one that sealed it: a replica of a \
                 multi-region key.",
            ),
            text_map("kms_encryption_context").optional().says(
                "The encryption context under which it must have been sealed. Left out, it is taken \
                 from the sealed key.",
            ),
            text("private_key_pem").sensitive().says("The private key as PEM (PKCS #8)."),
            text("public_key_pem").says("The public key as PEM (SubjectPublicKeyInfo)."),
            text("public_key_sha256").says(
                "SHA-256 of the public key (SubjectPublicKeyInfo), in hex: what the resources' own \
                 outputs of this name are compared with.",
            ),
        ],
    )
    .rules(&[
        Rule::AtMostOne {
            of: &["key_algorithm", "private_key_sealed"],
            why: "A sealed key has an algorithm of its own.",
        },
        Rule::Holds(custody::something_to_open),
        Rule::Holds(custody::context),
    ]);

    async fn open(
        call: &Call<'_, Clients>,
        settings: &Settings,
    ) -> Result<Filled<Outputs>, Diagnostic> {
        let key = match &settings.private_key_sealed {
            Some(sealed) => sealed_key(call, settings, sealed).await?,
            None => {
                let made = fresh(settings.key_algorithm.unwrap_or_default()).await;
                made.map_err(|error| words::no_key(&error.to_string()))?
            }
        };
        Ok(Filled::new(Outputs::of(&key)))
    }
}

async fn sealed_key(
    call: &Call<'_, Clients>,
    settings: &Settings,
    sealed: &SealedKey,
) -> Result<pki::PrivateKey, Diagnostic> {
    let Settings {
        kms_key_id,
        kms_encryption_context,
        ..
    } = settings;
    let instance = Instance::private_key();
    let context = kms_encryption_context.as_ref();
    match custody::bound_otherwise(&instance, sealed, context) {
        Some(problem) => Err(problem),
        None => custody::open(call, &instance, sealed, kms_key_id.as_ref()).await,
    }
}

impl Outputs {
    fn of(key: &pki::PrivateKey) -> Self {
        let public = key.public_key();
        Self {
            private_key_pem: key.to_pem(),
            public_key_pem: public.to_pem(),
            public_key_sha256: public.sha256(),
        }
    }
}

/// Large RSA keys take a second or more, in which other calls of the host must be answered.
async fn fresh(algorithm: KeyAlgorithm) -> Result<pki::PrivateKey, KeyError> {
    let made = spawn_blocking(move || pki::PrivateKey::generate(algorithm)).await;
    made.unwrap_or_else(|ended| resume_unwind(ended.into_panic()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::testing::{openssl, openssl_text};
    use crate::terraform::Dynamic;
    use crate::terraform::value::{Fields as _, Written as _};

    async fn made(algorithm: Option<KeyAlgorithm>) -> Outputs {
        let made = fresh(algorithm.unwrap_or_default()).await;
        Outputs::of(&made.expect("a key"))
    }

    #[tokio::test]
    async fn what_is_public_of_a_key_is_what_openssl_finds_in_it() {
        for algorithm in KeyAlgorithm::ALL {
            let outputs = made(Some(algorithm)).await;
            let private = outputs.private_key_pem.expose();
            let read = pki::PrivateKey::from_pem(private).expect("a key");
            assert_eq!(read.algorithm(), algorithm);
            let public = openssl_text(&["pkey", "-pubout"], private);
            assert_eq!(outputs.public_key_pem, public, "{algorithm}");
            let der = openssl(&["pkey", "-pubout", "-outform", "DER"], private);
            assert_eq!(outputs.public_key_sha256, Fingerprint::of(&der));
        }
    }

    #[tokio::test]
    async fn no_key_is_made_twice() {
        let (one, other) = (made(None).await, made(None).await);
        assert!(one.private_key_pem != other.private_key_pem);
        assert_ne!(one.public_key_sha256, other.public_key_sha256);
    }

    #[test]
    fn the_algorithm_can_be_told_from_none() {
        let settings = |said: Dynamic| {
            let read = Settings::read(&Dynamic::from([("key_algorithm", said)]));
            read.expect("settings").key_algorithm
        };
        assert_eq!(settings(Dynamic::Null), None);
        assert_eq!(settings("RSA_3072".into()), Some(KeyAlgorithm::Rsa3072));
        assert_eq!(KeyAlgorithm::default().name(), "EC_prime256v1");
    }

    #[tokio::test]
    async fn the_outputs_are_texts() {
        let outputs = made(None).await;
        let written = outputs.write().expect("texts");
        for name in ["private_key_pem", "public_key_pem", "public_key_sha256"] {
            let text = written.attribute(name).as_str();
            assert!(text.is_some_and(|text| text.len() >= 64), "{name}");
        }
    }
}
