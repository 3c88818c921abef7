//! Putting a certificate together and signing it.

use jiff::Timestamp;
use x509_cert::der::asn1::Uint;
use x509_cert::der::pem::{self, LineEnding};
use x509_cert::ext::Extension;
use x509_cert::name::Name;

use super::encoding::{bits, der, explicit, sequence, time};
use super::key::{CaKey, SigningAlgorithm};

/// What a certificate will say.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) serial: Serial,
    pub(crate) issuer: &'a Name,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) subject: &'a Name,
    /// `SubjectPublicKeyInfo`, DER.
    pub(crate) public_key: &'a [u8],
    pub(crate) extensions: Vec<Extension>,
}

/// A serial number of 127 bits whose hex form always has 32 digits, as those of AWS do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Serial([u8; 16]);

impl Draft<'_> {
    /// The certificate, DER; `None` if the key cannot sign so.
    pub(crate) fn sign(&self, key: &CaKey, algorithm: SigningAlgorithm) -> Option<Vec<u8>> {
        let signed = self.to_be_signed(algorithm);
        let signature = key.sign(algorithm, &signed)?;
        Some(sequence(&[
            signed,
            algorithm.identifier(),
            bits(&signature),
        ]))
    }

    /// `TBSCertificate` of RFC 5280 §4.1, version 3.
    fn to_be_signed(&self, algorithm: SigningAlgorithm) -> Vec<u8> {
        const VERSION_3: u8 = 2;
        sequence(&[
            explicit(0, der(&VERSION_3)),
            self.serial.to_der(),
            algorithm.identifier(),
            der(self.issuer),
            sequence(&[time(self.not_before), time(self.not_after)]),
            der(self.subject),
            self.public_key.to_vec(),
            explicit(3, der(&self.extensions)),
        ])
    }
}

impl Serial {
    pub(crate) fn random() -> Self {
        let mut bytes = [0; 16];
        aws_lc_rs::rand::fill(&mut bytes).expect("the system has randomness");
        // Positive, and no leading zero digit.
        bytes[0] = (bytes[0] & 0x7f) | 0x40;
        Self(bytes)
    }

    /// 32 lower-case digits.
    pub(crate) fn hex(self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.0))
    }

    /// As the console shows it.
    pub(crate) fn decimal(self) -> String {
        u128::from_be_bytes(self.0).to_string()
    }

    /// From hex digits of either case, with or without colons; leading zeros do not matter.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|c| *c != ':').collect();
        // from_str_radix would take a sign.
        let plain = digits.chars().all(|c| c.is_ascii_hexdigit());
        u128::from_str_radix(&digits, 16)
            .ok()
            .filter(|_| plain)
            .map(|number| Self(number.to_be_bytes()))
    }

    fn to_der(self) -> Vec<u8> {
        der(&Uint::new(&self.0).expect("sixteen bytes are an integer"))
    }
}

/// PEM as AWS gives it: lines of 64, LF, and none after the last.
pub(crate) fn armoured(certificate: &[u8]) -> String {
    let text = pem::encode_string("CERTIFICATE", LineEnding::LF, certificate)
        .expect("a certificate is far below the limit of PEM");
    text.trim_end().to_owned()
}

/// Blocks one after the other, each beginning a line.
pub(crate) fn armoured_chain(chain: &[Vec<u8>]) -> String {
    chain
        .iter()
        .map(|certificate| armoured(certificate))
        .collect::<Vec<_>>()
        .join("\n")
}
