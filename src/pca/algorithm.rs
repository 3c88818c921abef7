//! How a CA signs: PCA's names, and which of them a CA's key can use.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The kind of key that a CA signs with, `KeyAlgorithm` of DescribeCertificateAuthority.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub enum CaKeyAlgorithm {
    Rsa2048,
    Rsa3072,
    Rsa4096,
    EcPrime256v1,
    EcSecp384r1,
    EcSecp521r1,
    /// Nothing is known in a mesh that could verify its signatures: ML-DSA, SM2, or newer than this
    /// provider.
    Unsupported(String),
}

/// What the signature's algorithm must share with the CA's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Family {
    Rsa,
    Ecdsa,
}

/// `SigningAlgorithm` of IssueCertificate, those that a mesh can verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[expect(missing_docs, reason = "the names are those of the API")]
pub enum SigningAlgorithm {
    Sha256WithEcdsa,
    Sha384WithEcdsa,
    Sha512WithEcdsa,
    Sha256WithRsa,
    Sha384WithRsa,
    Sha512WithRsa,
    Sha256WithRsaPss,
    Sha384WithRsaPss,
    Sha512WithRsaPss,
}

/// Why a CA or an algorithm cannot be used for a mesh.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AlgorithmError {
    /// The CA signs with something that no data plane verifies.
    #[error("expected a CA with an RSA or EC key, got {0}")]
    CaKey(String),
    /// Not a name of PCA's, or one that no data plane verifies.
    #[error("expected one of {names}, got {0:?}", names = NAMES.map(|(_, name)| name).join(", "))]
    Name(String),
    /// An RSA algorithm for an EC key, or the other way round.
    #[error("{asked} cannot be used by a CA with an {ca} key")]
    Family {
        /// What was asked for.
        asked: SigningAlgorithm,
        /// The CA's key.
        ca: CaKeyAlgorithm,
    },
}

impl CaKeyAlgorithm {
    /// Which signatures a CA with this key can make; `None` where none is of use to a mesh.
    pub fn family(&self) -> Option<Family> {
        match self {
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => Some(Family::Rsa),
            Self::EcPrime256v1 | Self::EcSecp384r1 | Self::EcSecp521r1 => Some(Family::Ecdsa),
            Self::Unsupported(_) => None,
        }
    }

    /// PCA's name of it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Rsa2048 => "RSA_2048",
            Self::Rsa3072 => "RSA_3072",
            Self::Rsa4096 => "RSA_4096",
            Self::EcPrime256v1 => "EC_prime256v1",
            Self::EcSecp384r1 => "EC_secp384r1",
            Self::EcSecp521r1 => "EC_secp521r1",
            Self::Unsupported(name) => name,
        }
    }
}

impl From<&str> for CaKeyAlgorithm {
    fn from(name: &str) -> Self {
        match name {
            "RSA_2048" => Self::Rsa2048,
            "RSA_3072" => Self::Rsa3072,
            "RSA_4096" => Self::Rsa4096,
            "EC_prime256v1" => Self::EcPrime256v1,
            "EC_secp384r1" => Self::EcSecp384r1,
            "EC_secp521r1" => Self::EcSecp521r1,
            other => Self::Unsupported(other.to_owned()),
        }
    }
}

impl fmt::Display for CaKeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl SigningAlgorithm {
    /// The algorithm as strong as the CA's key: the hash of the curve's size, since newer regions
    /// accept no other for EC, and PKCS #1 for RSA, which every TLS stack verifies.
    pub fn for_ca_key(key: &CaKeyAlgorithm) -> Result<Self, AlgorithmError> {
        match key {
            CaKeyAlgorithm::EcPrime256v1 => Ok(Self::Sha256WithEcdsa),
            CaKeyAlgorithm::EcSecp384r1 => Ok(Self::Sha384WithEcdsa),
            CaKeyAlgorithm::EcSecp521r1 => Ok(Self::Sha512WithEcdsa),
            CaKeyAlgorithm::Rsa2048 | CaKeyAlgorithm::Rsa3072 => Ok(Self::Sha256WithRsa),
            CaKeyAlgorithm::Rsa4096 => Ok(Self::Sha384WithRsa),
            CaKeyAlgorithm::Unsupported(name) => Err(AlgorithmError::CaKey(name.clone())),
        }
    }

    /// Which keys can make such a signature.
    pub fn family(self) -> Family {
        match self {
            Self::Sha256WithEcdsa | Self::Sha384WithEcdsa | Self::Sha512WithEcdsa => Family::Ecdsa,
            _ => Family::Rsa,
        }
    }

    /// Whether keys of that family can make such a signature.
    pub fn fits(self, family: Family) -> bool {
        self.family() == family
    }

    /// The algorithm to ask a CA for: the one that the user names, if the CA's key can make it,
    /// else the one that follows from the key.
    pub fn choose(asked: Option<Self>, key: &CaKeyAlgorithm) -> Result<Self, AlgorithmError> {
        let derived = Self::for_ca_key(key)?;
        match asked {
            Some(asked) if !asked.fits(derived.family()) => Err(AlgorithmError::Family {
                asked,
                ca: key.clone(),
            }),
            Some(asked) => Ok(asked),
            None => Ok(derived),
        }
    }

    /// All that keys of that family can make.
    pub fn of_family(family: Family) -> impl Iterator<Item = Self> {
        let all = NAMES.into_iter().map(|(algorithm, _)| algorithm);
        all.filter(move |algorithm| algorithm.fits(family))
    }

    /// PCA's name of it, such as `SHA256WITHECDSA`.
    pub fn as_str(self) -> &'static str {
        let row = NAMES.iter().find(|(algorithm, _)| *algorithm == self);
        row.map(|(_, name)| *name)
            .expect("the table names every algorithm")
    }
}

const NAMES: [(SigningAlgorithm, &str); 9] = [
    (SigningAlgorithm::Sha256WithEcdsa, "SHA256WITHECDSA"),
    (SigningAlgorithm::Sha384WithEcdsa, "SHA384WITHECDSA"),
    (SigningAlgorithm::Sha512WithEcdsa, "SHA512WITHECDSA"),
    (SigningAlgorithm::Sha256WithRsa, "SHA256WITHRSA"),
    (SigningAlgorithm::Sha384WithRsa, "SHA384WITHRSA"),
    (SigningAlgorithm::Sha512WithRsa, "SHA512WITHRSA"),
    (SigningAlgorithm::Sha256WithRsaPss, "SHA256WITHRSA_PSS"),
    (SigningAlgorithm::Sha384WithRsaPss, "SHA384WITHRSA_PSS"),
    (SigningAlgorithm::Sha512WithRsaPss, "SHA512WITHRSA_PSS"),
];

impl FromStr for SigningAlgorithm {
    type Err = AlgorithmError;

    fn from_str(text: &str) -> Result<Self, AlgorithmError> {
        let row = NAMES.iter().find(|(_, name)| *name == text);
        row.map(|(algorithm, _)| *algorithm)
            .ok_or_else(|| AlgorithmError::Name(text.to_owned()))
    }
}

impl fmt::Display for SigningAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for SigningAlgorithm {
    type Error = AlgorithmError;

    fn try_from(text: String) -> Result<Self, AlgorithmError> {
        text.parse()
    }
}

impl From<SigningAlgorithm> for String {
    fn from(algorithm: SigningAlgorithm) -> Self {
        algorithm.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_as_strong_as_the_cas_key() {
        for (key, expected) in [
            ("EC_prime256v1", "SHA256WITHECDSA"),
            ("EC_secp384r1", "SHA384WITHECDSA"),
            ("EC_secp521r1", "SHA512WITHECDSA"),
            ("RSA_2048", "SHA256WITHRSA"),
            ("RSA_3072", "SHA256WITHRSA"),
            ("RSA_4096", "SHA384WITHRSA"),
        ] {
            let key = CaKeyAlgorithm::from(key);
            let derived = SigningAlgorithm::for_ca_key(&key).unwrap();
            assert_eq!(derived.as_str(), expected);
            assert!(derived.fits(key.family().unwrap()));
        }
    }

    #[test]
    fn cas_that_no_mesh_verifies_are_refused_by_name() {
        for name in ["ML_DSA_44", "ML_DSA_65", "ML_DSA_87", "SM2", "FALCON"] {
            let key = CaKeyAlgorithm::from(name);
            assert_eq!(key.family(), None);
            let error = SigningAlgorithm::for_ca_key(&key).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("expected a CA with an RSA or EC key, got {name}")
            );
        }
    }

    #[test]
    fn an_algorithm_of_the_users_must_be_of_the_keys_family() {
        let p256 = CaKeyAlgorithm::EcPrime256v1;
        let choose = |name: &str| SigningAlgorithm::choose(Some(name.parse().unwrap()), &p256);
        assert_eq!(
            choose("SHA512WITHECDSA").unwrap(),
            SigningAlgorithm::Sha512WithEcdsa
        );
        assert_eq!(
            choose("SHA256WITHRSA").unwrap_err().to_string(),
            "SHA256WITHRSA cannot be used by a CA with an EC_prime256v1 key"
        );
        assert_eq!(
            SigningAlgorithm::choose(None, &p256).unwrap(),
            SigningAlgorithm::Sha256WithEcdsa
        );
    }

    #[test]
    fn names_are_pcas_and_others_are_refused() {
        for (algorithm, name) in NAMES {
            assert_eq!(name.parse::<SigningAlgorithm>().unwrap(), algorithm);
            assert_eq!(serde_json::to_value(algorithm).unwrap(), name);
            assert_eq!(
                aws_sdk_acmpca::types::SigningAlgorithm::from(name).as_str(),
                name
            );
            assert!(
                aws_sdk_acmpca::types::SigningAlgorithm::values().contains(&name),
                "{name}"
            );
        }
        for other in ["sha256withrsa", "SM3WITHSM2", "ML_DSA_44", ""] {
            assert!(
                matches!(other.parse::<SigningAlgorithm>(), Err(AlgorithmError::Name(it)) if it == other)
            );
        }
    }
}
