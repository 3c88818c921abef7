//! A key: what kind, in which state, with which material.

use std::sync::Arc;

use super::super::answer::Failure;
use super::super::policy::Policy;
use super::SYMMETRIC;
use super::arn::KeyArn;
use super::grant::Grant;
use super::seal::Material;

/// A key of one Region.
#[derive(Debug)]
pub(crate) struct Key {
    pub(super) arn: KeyArn,
    pub(super) kind: KeyKind,
    pub(super) state: KeyState,
    pub(super) policy: Policy,
    pub(super) grants: Vec<Grant>,
    /// Never empty; the last one seals, all of them open.
    materials: Vec<Arc<Material>>,
}

/// What a key is for, and of which spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// `ENCRYPT_DECRYPT`, `SYMMETRIC_DEFAULT`.
    Symmetric,
    /// `ENCRYPT_DECRYPT`, `RSA_2048`.
    Rsa,
    /// `SIGN_VERIFY`, `ECC_NIST_P256`.
    Signing,
    /// `GENERATE_VERIFY_MAC`, `HMAC_256`.
    Hmac,
}

/// The state of a key, `KeyState` of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It can be used.
    Enabled,
    /// Somebody switched it off.
    Disabled,
    /// It will be gone in some days.
    PendingDeletion,
    /// Its material is to be imported yet, or has expired.
    PendingImport,
}

impl Key {
    pub(super) fn new(
        arn: KeyArn,
        kind: KeyKind,
        policy: Policy,
        materials: Vec<Arc<Material>>,
    ) -> Self {
        Self {
            arn,
            kind,
            state: KeyState::Enabled,
            policy,
            grants: Vec::new(),
            materials,
        }
    }

    /// Whether it can carry the operation out: as the kind of key that it is, and as it is now.
    pub(super) fn usable(&self, operation: &str, algorithm: Option<&str>) -> Result<(), Failure> {
        let (arn, kind) = (&self.arn, self.kind);
        let misused = |words: String| Err(Failure::of("InvalidKeyUsageException", words));
        match kind {
            KeyKind::Symmetric if algorithm.is_none_or(|it| it == SYMMETRIC) => self.ready(),
            KeyKind::Symmetric | KeyKind::Rsa => misused(format!(
                "{arn} key spec is {} which is not valid for {operation}.",
                kind.spec()
            )),
            KeyKind::Signing | KeyKind::Hmac => misused(format!(
                "{arn} key usage is {} which is not valid for {operation}.",
                kind.usage()
            )),
        }
    }

    fn ready(&self) -> Result<(), Failure> {
        let (arn, invalid) = (&self.arn, "KMSInvalidStateException");
        match self.state {
            KeyState::Enabled => Ok(()),
            KeyState::Disabled => Err(Failure::of(
                "DisabledException",
                format!("{arn} is disabled."),
            )),
            KeyState::PendingDeletion => {
                Err(Failure::of(invalid, format!("{arn} is pending deletion.")))
            }
            KeyState::PendingImport => {
                Err(Failure::of(invalid, format!("{arn} is pending import.")))
            }
        }
    }

    /// What it seals with today.
    pub(super) fn material(&self) -> &Material {
        self.materials.last().expect("a key has material")
    }

    pub(super) fn material_of(&self, id: &str) -> Option<&Material> {
        self.materials
            .iter()
            .map(AsRef::as_ref)
            .find(|it| it.id() == id)
    }

    /// All of it, for a sibling.
    pub(super) fn materials(&self) -> Vec<Arc<Material>> {
        self.materials.clone()
    }

    /// Seals with other material from now on.
    pub(super) fn rotate_to(&mut self, material: Arc<Material>) {
        self.materials.push(material);
    }
}

impl KeyKind {
    fn spec(self) -> &'static str {
        match self {
            Self::Symmetric => SYMMETRIC,
            Self::Rsa => "RSA_2048",
            Self::Signing => "ECC_NIST_P256",
            Self::Hmac => "HMAC_256",
        }
    }

    fn usage(self) -> &'static str {
        match self {
            Self::Symmetric | Self::Rsa => "ENCRYPT_DECRYPT",
            Self::Signing => "SIGN_VERIFY",
            Self::Hmac => "GENERATE_VERIFY_MAC",
        }
    }
}
