//! A certificate as istiod would sign it, and what its peers would say to it.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_cert::der::asn1::{GeneralizedTime, UtcTime};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::oid::db::rfc5912::{
    ID_CE_AUTHORITY_KEY_IDENTIFIER, ID_CE_BASIC_CONSTRAINTS, ID_CE_EXT_KEY_USAGE, ID_CE_KEY_USAGE,
    ID_CE_SUBJECT_ALT_NAME, ID_KP_CLIENT_AUTH, ID_KP_SERVER_AUTH,
};
use x509_cert::der::{self, Encode};

use super::finding::Finding;
use super::line;
use super::reading::Reading;
use crate::pki::Certificate;
use crate::pki::csr::signature_algorithm;

/// The side of a connection; every workload is on both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Who is called.
    Server,
    /// Who calls.
    Client,
}

/// For whom istiod signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bearer {
    /// A pod, by its SPIFFE identity.
    Workload,
    /// istiod itself, by the name of its Service.
    Istiod,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "server",
            Self::Client => "client",
        })
    }
}

impl fmt::Display for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Workload => "a workload",
            Self::Istiod => "istiod",
        })
    }
}

/// In the namespace that Istio's own charts name.
const ISTIOD: &str = "istiod.istio-system.svc";
const WORKLOAD: &str = "spiffe://cluster.local/ns/default/sa/probe";
/// What agents ask for unless told otherwise.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24);
/// How far istiod dates a certificate back, for clocks that are behind.
const BACKDATED: SignedDuration = SignedDuration::from_mins(2);

/// Has leaves verified against the roots that they come with; the first that is refused is told of,
/// since the others would be for the same reason.
pub(super) fn judge(bundle: &Reading, now: Timestamp) -> Option<Finding> {
    let cases = [
        (Bearer::Workload, Role::Server),
        (Bearer::Workload, Role::Client),
        (Bearer::Istiod, Role::Server),
    ];
    cases.into_iter().find_map(|(bearer, role)| {
        let leaf = Leaf::sign(bundle, bearer, now);
        let good = leaf.and_then(|leaf| leaf.verify(&bundle.chain, &bundle.roots, role, now));
        good.err().map(|refusal| Finding::Leaf {
            file: bundle.format.chain_file(),
            bearer,
            role,
            refusal,
        })
    })
}

/// A certificate that lives no longer than the judgement.
///
/// It is over the CA's own public key: whoever could use it has the CA's key already, so that it
/// gives nothing away, and no other key is needed.
pub(super) struct Leaf {
    der: Vec<u8>,
    bearer: Bearer,
}

impl Leaf {
    /// Signs as istiod does; an error where that cannot be encoded, with its reason.
    pub(super) fn sign(ca: &Reading, bearer: Bearer, now: Timestamp) -> Result<Self, String> {
        let sign = || -> Result<Self, Box<dyn std::error::Error>> {
            let algorithm = signature_algorithm(ca.key.algorithm()).to_der()?;
            let signed = to_be_signed(ca, bearer, &algorithm, now)?;
            let signature = ca.key.sign(&signed)?;
            let der = tlv(
                SEQUENCE,
                &[&signed, &algorithm, &tlv(BITS, &[&[0], &signature])],
            );
            Ok(Self { der, bearer })
        };
        sign().map_err(|error| error.to_string())
    }

    /// Whether a peer that trusts `roots` takes it, presented with `chain`, in that role; if not,
    /// why.
    pub(super) fn verify(
        &self,
        chain: &[Certificate],
        roots: &[Certificate],
        role: Role,
        now: Timestamp,
    ) -> Result<(), String> {
        let verify = || -> Result<(), webpki::Error> {
            let chain: Vec<_> = chain.iter().map(der_of).collect();
            let roots: Vec<_> = roots.iter().map(der_of).collect();
            let roots = roots.iter().map(anchor_from_trusted_cert);
            let roots: Vec<TrustAnchor<'_>> = roots.collect::<Result<_, _>>()?;
            let leaf = CertificateDer::from(self.der.as_slice());
            let leaf = EndEntityCert::try_from(&leaf)?;
            let usage = match role {
                Role::Server => KeyUsage::server_auth(),
                Role::Client => KeyUsage::client_auth(),
            };
            let time = UnixTime::since_unix_epoch(since_epoch(now));
            leaf.verify_for_usage(
                ALL_VERIFICATION_ALGS,
                &roots,
                &chain,
                time,
                usage,
                None,
                None,
            )?;
            match (self.bearer, ServerName::try_from(ISTIOD)) {
                (Bearer::Istiod, Ok(name)) => leaf.verify_is_valid_for_subject_name(&name),
                _ => Ok(()),
            }
        };
        verify().map_err(|error| error.to_string())
    }
}

/// The roots to which Envoy would climb from the chain: it passes over one whose key has another
/// identifier than the certificate below names, which rustls does not look at.
pub(super) fn reachable(chain: &[Certificate], roots: &[Certificate]) -> Vec<Certificate> {
    let above = |root: &&Certificate| {
        let mut chain = chain.iter();
        chain.any(|below| below == *root || line::issued(below, root).is_ok())
    };
    roots.iter().filter(above).cloned().collect()
}

fn der_of(certificate: &Certificate) -> CertificateDer<'_> {
    CertificateDer::from(certificate.to_der())
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BITS: u8 = 0x03;
const OCTETS: u8 = 0x04;

/// TBSCertificate (RFC 5280 §4.1) with what istiod puts into it.
fn to_be_signed(
    ca: &Reading,
    bearer: Bearer,
    algorithm: &[u8],
    now: Timestamp,
) -> der::Result<Vec<u8>> {
    let until = now.saturating_add(LIFETIME).unwrap_or(Timestamp::MAX);
    let until = until.min(ca.signing.not_after());
    let from = now.saturating_sub(BACKDATED).unwrap_or(now);
    let validity = tlv(SEQUENCE, &[&time(from)?, &time(until)?]);
    Ok(tlv(
        SEQUENCE,
        &[
            &tlv(0xa0, &[&tlv(INTEGER, &[&[2]])]),
            &tlv(INTEGER, &[&[1]]),
            algorithm,
            ca.signing.subject().as_der(),
            &validity,
            &tlv(SEQUENCE, &[]),
            ca.key.public_key().as_der(),
            &tlv(0xa3, &[&extensions(ca, bearer)?]),
        ],
    ))
}

fn extensions(ca: &Reading, bearer: Bearer) -> der::Result<Vec<u8>> {
    let name = match bearer {
        Bearer::Workload => tlv(0x86, &[WORKLOAD.as_bytes()]),
        Bearer::Istiod => tlv(0x82, &[ISTIOD.as_bytes()]),
    };
    let roles = [ID_KP_SERVER_AUTH.to_der()?, ID_KP_CLIENT_AUTH.to_der()?];
    let roles = tlv(SEQUENCE, &[&roles[0], &roles[1]]);
    // digitalSignature and keyEncipherment: bits 0 and 2.
    let usage = tlv(BITS, &[&[5, 0b1010_0000]]);
    let mut all = vec![
        extension(ID_CE_KEY_USAGE, true, &usage)?,
        extension(ID_CE_EXT_KEY_USAGE, false, &roles)?,
        extension(ID_CE_BASIC_CONSTRAINTS, true, &tlv(SEQUENCE, &[]))?,
        extension(ID_CE_SUBJECT_ALT_NAME, true, &tlv(SEQUENCE, &[&name]))?,
    ];
    if let Some(identifier) = ca.signing.subject_key_identifier() {
        let identifier = tlv(SEQUENCE, &[&tlv(0x80, &[identifier])]);
        all.push(extension(
            ID_CE_AUTHORITY_KEY_IDENTIFIER,
            false,
            &identifier,
        )?);
    }
    let all: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
    Ok(tlv(SEQUENCE, &all))
}

fn extension(oid: ObjectIdentifier, critical: bool, value: &[u8]) -> der::Result<Vec<u8>> {
    let critical: &[u8] = if critical { &[0x01, 0x01, 0xff] } else { &[] };
    Ok(tlv(
        SEQUENCE,
        &[&oid.to_der()?, critical, &tlv(OCTETS, &[value])],
    ))
}

/// UTCTime up to 2049, GeneralizedTime from then on (RFC 5280 §4.1.2.5).
fn time(at: Timestamp) -> der::Result<Vec<u8>> {
    let at = since_epoch(at);
    UtcTime::from_unix_duration(at)
        .and_then(|time| time.to_der())
        .or_else(|_| GeneralizedTime::from_unix_duration(at)?.to_der())
}

/// Whole seconds; nothing that can be judged is from before 1970.
fn since_epoch(at: Timestamp) -> Duration {
    Duration::from_secs(at.as_second().try_into().unwrap_or(0))
}

/// One DER element.
pub(super) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let digits = content.len().to_be_bytes();
    let digits: Vec<u8> = digits.into_iter().skip_while(|digit| *digit == 0).collect();
    let mut element = vec![tag];
    match (content.len(), digits.len() as u8) {
        (length @ 0..0x80, _) => element.push(length as u8),
        (_, count) => {
            element.push(0x80 | count);
            element.extend(digits);
        }
    }
    element.extend(content);
    element
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::KeyAlgorithm;
    use crate::pki::testing::{Ca, START, Scratch, Spec, openssl_text};

    /// A bundle of one mesh's CA under a root.
    fn bundle(root: &Ca, mesh: Ca) -> Reading {
        Reading {
            format: crate::pki::Format::Istio,
            chain: vec![mesh.certificate.clone()],
            signing: mesh.certificate,
            key: mesh.key,
            roots: vec![root.certificate.clone()],
            revocations: None,
        }
    }

    fn text(bundle: &Reading, bearer: Bearer, hour: i64) -> String {
        let now = Timestamp::from_second(START + hour * 3600).unwrap();
        let leaf = Leaf::sign(bundle, bearer, now).unwrap();
        let pem = crate::pki::pem::encode("CERTIFICATE", &leaf.der);
        let scratch = Scratch::new();
        let root = scratch.file("root.pem", &bundle.roots[0].to_pem());
        let mesh = scratch.file("mesh.pem", &bundle.signing.to_pem());
        let at = now.as_second().to_string();
        for purpose in ["sslserver", "sslclient"] {
            let verify = [
                "verify",
                "-x509_strict",
                "-attime",
                &at,
                "-purpose",
                purpose,
                "-CAfile",
                &root,
                "-untrusted",
                &mesh,
            ];
            openssl_text(&verify, &pem);
        }
        openssl_text(&["x509", "-noout", "-text"], pem)
    }

    #[test]
    fn a_leaf_is_as_istiod_signs_it_and_good_to_openssl() {
        let root = Ca::root(Spec::ca("root"));
        let made = bundle(&root, root.sign(Spec::ca("mesh").path_length(0).days(90)));
        let text = text(&made, Bearer::Workload, 24);
        for line in [
            "Version: 3 (0x2)",
            "Signature Algorithm: ecdsa-with-SHA256",
            "Issuer: CN = mesh\n",
            "Not Before: Jan  1 23:58:00 2026 GMT",
            "Not After : Jan  3 00:00:00 2026 GMT",
            "Subject: \n",
            "X509v3 Key Usage: critical\n                Digital Signature, Key Encipherment\n",
            "TLS Web Server Authentication, TLS Web Client Authentication\n",
            "X509v3 Basic Constraints: critical\n                CA:FALSE\n",
            "X509v3 Subject Alternative Name: critical\n                \
             URI:spiffe://cluster.local/ns/default/sa/probe\n",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }

    #[test]
    fn a_leaf_does_not_outlive_its_ca() {
        let root = Ca::root(Spec::ca("root"));
        let made = bundle(&root, root.sign(Spec::ca("mesh").path_length(0).days(90)));
        assert!(
            text(&made, Bearer::Istiod, 90 * 24 - 1)
                .contains("Not After : Apr  1 00:00:00 2026 GMT")
        );
    }

    #[test]
    fn a_leaf_is_signed_with_every_kind_of_key_also_after_2049() {
        for (algorithm, name) in [
            (KeyAlgorithm::EcSecp384r1, "ecdsa-with-SHA384"),
            (KeyAlgorithm::Rsa4096, "sha256WithRSAEncryption"),
        ] {
            let root = Ca::root_with(Spec::ca("root").days(20_000), algorithm);
            let text = text(&bundle_of_root(root), Bearer::Istiod, 10_000 * 24);
            assert!(
                text.contains(&format!("Signature Algorithm: {name}")),
                "{text}"
            );
            assert!(
                text.contains("Not After : May 20 00:00:00 2053 GMT"),
                "{text}"
            );
            assert!(text.contains("DNS:istiod.istio-system.svc"), "{text}");
        }
    }

    /// A root that is plugged in itself.
    fn bundle_of_root(root: Ca) -> Reading {
        let roots = vec![root.certificate.clone()];
        Reading {
            roots,
            ..bundle(&Ca::root(Spec::ca("other")), root)
        }
    }
}
