//! Sealing for real, under material that never leaves.
//!
//! Sealed bytes, in a form of the emulator's own: a version, the id of the key and of its material, each behind
//! its length, a nonce of 12 bytes, ciphertext and tag of AES-256-GCM.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;

use super::super::random;
use super::Context;

/// What a key seals with.
pub(crate) struct Material {
    id: String,
    key: LessSafeKey,
}

/// Sealed bytes, taken apart.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) key_id: String,
    pub(super) material_id: String,
    nonce: [u8; NONCE_LEN],
    ciphertext: Vec<u8>,
}

const VERSION: u8 = 1;

impl Material {
    pub(super) fn fresh() -> Self {
        let key = random::octets::<32>();
        let key = UnboundKey::new(&AES_256_GCM, &key).expect("AES-256 takes 32 bytes");
        Self {
            // 64 digits, as `KeyMaterialId` has them.
            id: random::hex(&random::octets::<32>()),
            key: LessSafeKey::new(key),
        }
    }

    /// `KeyMaterialId` of the API.
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Material({})", self.id)
    }
}

impl Sealed {
    /// The sealed bytes of a plaintext.
    pub(super) fn seal(
        key_id: &str,
        material: &Material,
        context: &Context,
        plaintext: &[u8],
    ) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).expect("the system has randomness");
        let mut sealed = vec![VERSION];
        push(&mut sealed, key_id);
        push(&mut sealed, &material.id);
        sealed.extend(nonce);
        let mut text = plaintext.to_vec();
        let (nonce, bound) = (Nonce::assume_unique_for_key(nonce), bound(key_id, context));
        let done = material
            .key
            .seal_in_place_append_tag(nonce, Aad::from(bound), &mut text);
        done.expect("a plaintext of KMS is short");
        sealed.extend(text);
        sealed
    }

    /// `None` for what is not sealed by this KMS.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&[VERSION])?;
        let (key_id, rest) = pop(rest)?;
        let (material_id, rest) = pop(rest)?;
        let (nonce, ciphertext) = rest.split_first_chunk()?;
        Some(Self {
            key_id,
            material_id,
            nonce: *nonce,
            ciphertext: ciphertext.to_vec(),
        })
    }

    /// `None` if it was sealed under another context, or tampered with.
    pub(super) fn open(&self, material: &Material, context: &Context) -> Option<Vec<u8>> {
        let nonce = Nonce::assume_unique_for_key(self.nonce);
        let bound = Aad::from(bound(&self.key_id, context));
        let mut text = self.ciphertext.clone();
        let opened = material.key.open_in_place(nonce, bound, &mut text).ok()?;
        Some(opened.to_vec())
    }
}

/// What goes in beside the plaintext: key and context, each text behind its length so that no two contexts
/// look alike.
fn bound(key_id: &str, context: &Context) -> Vec<u8> {
    let mut bound = Vec::new();
    push(&mut bound, key_id);
    for (name, value) in context {
        push(&mut bound, name);
        push(&mut bound, value);
    }
    bound
}

fn push(bytes: &mut Vec<u8>, text: &str) {
    let length = u32::try_from(text.len()).expect("a request of 1 MiB holds no longer text");
    bytes.extend(length.to_be_bytes());
    bytes.extend(text.as_bytes());
}

fn pop(bytes: &[u8]) -> Option<(String, &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (text, rest) = rest.split_at_checked(length)?;
    Some((String::from_utf8(text.to_vec()).ok()?, rest))
}
