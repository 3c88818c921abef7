//! AWS KMS, as far as envelopes need it: GenerateDataKey and Decrypt with symmetric keys.
//!
//! Sealed bytes are AES-256-GCM under material that only the emulator has; the encryption context is bound to
//! them. Who may use a key is decided by its policy, its grants and the policy of who asks, as AWS decides.
//! Where AWS's words for a refusal are known they are used; where only the code is documented the sentence is
//! our own.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::World;
use super::answer::Failure;
use super::caller::Caller;

mod access;
mod arn;
mod builder;
mod grant;
mod handle;
mod key;
mod keys;
mod seal;

pub use builder::KmsKeyBuilder;
pub use grant::GrantConstraint;
pub use handle::KmsKey;
pub use key::{KeyKind, KeyState};

pub(crate) use keys::Keys;

use access::Wish;
use key::Key;
use seal::Sealed;

/// Names and values that a sealing is bound to, in one order.
type Context = BTreeMap<String, String>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GenerateDataKey {
    key_id: Option<String>,
    key_spec: Option<String>,
    number_of_bytes: Option<usize>,
    encryption_context: Option<Context>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Decrypt {
    ciphertext_blob: Option<String>,
    key_id: Option<String>,
    encryption_context: Option<Context>,
    encryption_algorithm: Option<String>,
}

const SYMMETRIC: &str = "SYMMETRIC_DEFAULT";

/// Carries out one operation on a request that has been authenticated.
pub(crate) fn operate(
    world: &World,
    caller: &Caller,
    operation: &str,
    request: &Value,
) -> Result<Value, Failure> {
    let unreadable =
        |error: serde_json::Error| Failure::of("SerializationException", error.to_string());
    match operation {
        "GenerateDataKey" => {
            let request = serde_json::from_value(request.clone()).map_err(unreadable)?;
            data_key(&world.keys(), caller, request)
        }
        "Decrypt" => {
            let request = serde_json::from_value(request.clone()).map_err(unreadable)?;
            decrypt(&world.keys(), caller, request)
        }
        _ => Err(Failure::of("UnknownOperationException", "")),
    }
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html>
fn data_key(keys: &Keys, caller: &Caller, request: GenerateDataKey) -> Result<Value, Failure> {
    let named = request.key_id.ok_or_else(|| Failure::absent("KeyId"))?;
    let length = match (request.key_spec.as_deref(), request.number_of_bytes) {
        (Some("AES_256"), None) => 32,
        (Some("AES_128"), None) => 16,
        (None, Some(length @ 1..=1024)) => length,
        (Some(spec), None) => {
            let constraint = "satisfy enum value set: [AES_256, AES_128]";
            return Err(Failure::unfit("KeySpec", spec, constraint));
        }
        _ => {
            let words = "Please specify either number of bytes or key spec.";
            return Err(Failure::validation(words));
        }
    };
    let context = bound(request.encryption_context)?;
    let wish = Wish {
        operation: "GenerateDataKey",
        context: &context,
    };
    let key = keys.admitted(caller, &named, &wish)?;
    key.usable(wish.operation, None)?;
    let mut plaintext = vec![0; length];
    aws_lc_rs::rand::fill(&mut plaintext).expect("the system has randomness");
    let material = key.material();
    Ok(json!({
        "CiphertextBlob": STANDARD.encode(Sealed::seal(&key.arn.id, material, &context, &plaintext)),
        "Plaintext": STANDARD.encode(&plaintext),
        "KeyId": key.arn.to_string(),
        "KeyMaterialId": material.id(),
    }))
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html>
fn decrypt(keys: &Keys, caller: &Caller, request: Decrypt) -> Result<Value, Failure> {
    let blob = request.ciphertext_blob;
    let blob = blob.ok_or_else(|| Failure::absent("CiphertextBlob"))?;
    let blob = STANDARD.decode(blob);
    let blob = blob.map_err(|error| Failure::of("SerializationException", error.to_string()))?;
    let context = bound(request.encryption_context)?;
    let wish = Wish {
        operation: "Decrypt",
        context: &context,
    };
    let sealed = Sealed::read(&blob);
    let key = match &request.key_id {
        Some(named) => keys.admitted(caller, named, &wish)?,
        None => {
            let sealed = sealed.as_ref().ok_or_else(unsealable)?;
            keys.admitted(caller, &sealed.key_id, &wish)?
        }
    };
    let algorithm = request.encryption_algorithm.as_deref();
    key.usable(wish.operation, Some(algorithm.unwrap_or(SYMMETRIC)))?;
    let sealed = sealed.ok_or_else(unsealable)?;
    opened(key, &sealed, &context)
}

fn opened(key: &Key, sealed: &Sealed, context: &Context) -> Result<Value, Failure> {
    if sealed.key_id != key.arn.id {
        return Err(Failure::of(
            "IncorrectKeyException",
            "The key ID in the request does not identify a CMK that can perform this operation.",
        ));
    }
    let material = key
        .material_of(&sealed.material_id)
        .ok_or_else(unsealable)?;
    let plaintext = sealed.open(material, context).ok_or_else(unsealable)?;
    Ok(json!({
        "KeyId": key.arn.to_string(),
        "Plaintext": STANDARD.encode(plaintext),
        "EncryptionAlgorithm": SYMMETRIC,
        "KeyMaterialId": material.id(),
    }))
}

/// The context that a request binds to.
fn bound(context: Option<Context>) -> Result<Context, Failure> {
    let context = context.unwrap_or_default();
    let empty = |(name, value): (&String, &String)| name.is_empty() || value.is_empty();
    match context.iter().any(empty) {
        true => Err(Failure::validation("Invalid EncryptionContext")),
        false => Ok(context),
    }
}

/// AWS says no more than the code.
fn unsealable() -> Failure {
    Failure::of("InvalidCiphertextException", "")
}
