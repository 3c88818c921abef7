//! What each certificate of the path says about those below it, and about the time.

use jiff::Timestamp;
use x509_cert::ext::pkix::AuthorityKeyIdentifier;
use x509_cert::ext::pkix::name::GeneralName;

use super::extension;
use super::finding::{Finding, Kind, Named};
use super::leaf::Role;
use super::reading::Reading;
use super::{ConstraintFault, line, names, revocation};
use crate::pki::certificate::serial_of;
use crate::pki::{
    Certificate, Chain, DistinguishedName, ExtendedKeyUsage, Format, HashAlgorithm, SerialNumber,
    SignatureAlgorithm,
};

/// What a certificate of the path does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    /// Its time has not come.
    #[error("is valid from {from} on, and now is {now}")]
    NotYetValid {
        /// Its first second.
        from: Timestamp,
        /// The moment of the judgement.
        now: Timestamp,
    },
    /// Its time is over. In the last second RFC 5280 and Go still take it, but OpenSSL does not, and
    /// istiod does not sign any more.
    #[error("ended at {at}, and now is {now}")]
    Expired {
        /// Its last second.
        at: Timestamp,
        /// The moment of the judgement.
        now: Timestamp,
    },
    /// basicConstraints do not say CA:TRUE.
    #[error("is not a CA")]
    NotACa,
    /// keyUsage lacks keyCertSign, which only rustls passes over.
    #[error("may not sign certificates: its keyUsage lacks keyCertSign")]
    MayNotSign {
        /// Whether istiod would load it: nothing above the signing certificate depends on it.
        loads: bool,
    },
    /// More CAs below than it allows, counted as Go and rustls do: self-issued ones too.
    #[error("allows {allowed} CAs below it, but there are {below}")]
    PathLength {
        /// Its path length constraint.
        allowed: u8,
        /// How many CAs a workload's certificate has below it.
        below: usize,
        /// Whether istiod would load it: it counts without the signing certificate.
        loads: bool,
    },
    /// extendedKeyUsage is there and does not name a role that every workload plays.
    ///
    /// Stricter than Go and Envoy about anyExtendedKeyUsage, which rustls does not know.
    #[error("does not let those below it be a {missing}: its extendedKeyUsage lacks that")]
    Role {
        /// The role.
        missing: Role,
        /// Whether istiod would load it: it only asks for servers.
        loads: bool,
    },
    /// Its name constraints exclude what a mesh's certificates are issued for.
    #[error("its name constraints {0}")]
    Names(#[from] ConstraintFault),
    /// It says of its issuer what is not so. Go and rustls pass over that, OpenSSL and Envoy look
    /// for another issuer.
    #[error(
        "names an issuer with the number {serial} under {issuer} by its authorityKeyIdentifier, \
         which its issuer is not"
    )]
    Issuer {
        /// The number of the issuer that it names, as far as it does.
        serial: SerialNumber,
        /// The issuer's issuer.
        issuer: DistinguishedName,
    },
    /// A signature that a part of the mesh's parts verifies.
    ///
    /// Stricter than Go and Envoy: rustls takes ECDSA with SHA-512 on P-256 and P-384 in
    /// certificates since 0.23.36, of January 2026, and on ring not at all; older ztunnels refuse
    /// every workload then.
    #[error("is signed with {algorithm}, which only new ztunnels verify")]
    Signature {
        /// How.
        algorithm: SignatureAlgorithm,
    },
    /// It has its issuer's name, and no identifiers that tell the keys apart: OpenSSL takes it for
    /// a root then.
    #[error("has the name of its issuer and no identifiers that tell their keys apart")]
    SelfIssued,
}

impl PathFault {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::NotYetValid { .. } | Self::Expired { .. } | Self::NotACa => Kind::Load,
            Self::MayNotSign { loads }
            | Self::PathLength { loads, .. }
            | Self::Role { loads, .. }
                if !loads =>
            {
                Kind::Load
            }
            _ => Kind::Peers,
        }
    }
}

/// A certificate at its place.
struct Place<'a> {
    certificate: &'a Certificate,
    file: &'static str,
    /// How many CAs are between it and a workload's certificate.
    depth: usize,
    /// Those of them that are there already, leafmost first.
    below: &'a [(&'a Certificate, &'static str)],
    above: Option<&'a Certificate>,
}

/// The chain's order, and then every certificate on the way to the root that fits best.
pub(super) fn judge(bundle: &Reading, now: Timestamp) -> Vec<Finding> {
    match line::ends(bundle) {
        Ok(roots) => {
            let judged = roots.iter().map(|root| along(bundle, root, now));
            let mut found = judged.min_by_key(Vec::len).unwrap_or_default();
            found.extend(revocation::judge(bundle, &roots, now));
            found
        }
        Err(finding) => vec![finding],
    }
}

fn along(bundle: &Reading, root: &Certificate, now: Timestamp) -> Vec<Finding> {
    let format = bundle.format;
    let signing = (&bundle.signing, format.certificate_file());
    let above = bundle.chain.iter().skip(1);
    let above = above.map(|certificate| (certificate, format.chain_file()));
    let mut path: Vec<_> = std::iter::once(signing).chain(above).collect();
    path.retain(|(certificate, _)| *certificate != root);
    path.push((root, format.roots_file()));
    walk(&path, 0, now)
}

/// The issuer of a mesh's CA that does not exist yet, and all above it.
pub(super) fn judge_issuer(issuer: &Chain, now: Timestamp) -> Vec<Finding> {
    let format = Format::default();
    let path = issuer.path().iter();
    let mut path: Vec<_> = path.map(|it| (it, format.chain_file())).collect();
    if let Some((_, file)) = path.last_mut() {
        *file = format.roots_file();
    }
    walk(&path, 1, now)
}

/// Every certificate of a path, below which there are as many CAs more.
fn walk(path: &[(&Certificate, &'static str)], more: usize, now: Timestamp) -> Vec<Finding> {
    let places = path
        .iter()
        .enumerate()
        .map(|(at, (certificate, file))| Place {
            certificate,
            file,
            depth: at + more,
            below: &path[..at],
            above: path.get(at + 1).map(|(certificate, _)| *certificate),
        });
    places.flat_map(|place| place.findings(now)).collect()
}

impl Place<'_> {
    fn findings(&self, now: Timestamp) -> Vec<Finding> {
        let checks = [
            self.check_time(now),
            self.check_powers(),
            self.check_path_length(),
            self.check_roles(),
            self.check_names(),
            self.check_issuer(),
        ];
        let faults = checks.into_iter().filter_map(Result::err);
        let found = faults.map(|fault| Finding::Path {
            of: Named::new(self.file, self.certificate),
            fault,
        });
        found.collect()
    }

    fn check_time(&self, now: Timestamp) -> Result<(), PathFault> {
        let (from, at) = (self.certificate.not_before(), self.certificate.not_after());
        if now < from {
            Err(PathFault::NotYetValid { from, now })
        } else if now >= at {
            Err(PathFault::Expired { at, now })
        } else {
            Ok(())
        }
    }

    fn check_powers(&self) -> Result<(), PathFault> {
        if !self.certificate.is_ca() {
            return Err(PathFault::NotACa);
        }
        if !self.certificate.may_sign_certificates() {
            let loads = self.depth == 0;
            return Err(PathFault::MayNotSign { loads });
        }
        Ok(())
    }

    fn check_path_length(&self) -> Result<(), PathFault> {
        let below = self.depth;
        match self.certificate.path_length() {
            Some(allowed) if below > usize::from(allowed) => Err(PathFault::PathLength {
                allowed,
                below,
                loads: below - 1 <= usize::from(allowed),
            }),
            _ => Ok(()),
        }
    }

    fn check_roles(&self) -> Result<(), PathFault> {
        let Some(listed) = self.certificate.extended_key_usage() else {
            return Ok(());
        };
        let server = listed.contains(&ExtendedKeyUsage::ServerAuth);
        let loads = server || listed.contains(&ExtendedKeyUsage::Any);
        if !server {
            return Err(PathFault::Role {
                missing: Role::Server,
                loads,
            });
        }
        if !listed.contains(&ExtendedKeyUsage::ClientAuth) {
            return Err(PathFault::Role {
                missing: Role::Client,
                loads,
            });
        }
        Ok(())
    }

    fn check_names(&self) -> Result<(), PathFault> {
        let below: Vec<_> = self.below.iter().map(|(it, _)| *it).collect();
        Ok(names::check(self.certificate, &below)?)
    }

    fn check_issuer(&self) -> Result<(), PathFault> {
        let Some(above) = self.above else {
            return Ok(());
        };
        let certificate = self.certificate;
        let identifiers = (
            certificate.authority_key_identifier(),
            certificate.subject_key_identifier(),
        );
        let apart = matches!(identifiers, (Some(issuer), Some(own)) if issuer != own);
        if certificate.subject() == certificate.issuer() && !apart {
            return Err(PathFault::SelfIssued);
        }
        let algorithm = certificate.signature_algorithm();
        if algorithm == SignatureAlgorithm::Ecdsa(HashAlgorithm::Sha512) {
            return Err(PathFault::Signature { algorithm });
        }
        check_named_issuer(certificate, above)
    }
}

/// Issuer and number of the issuer, where authorityKeyIdentifier names them.
fn check_named_issuer(certificate: &Certificate, above: &Certificate) -> Result<(), PathFault> {
    let Some(named) = extension::of::<AuthorityKeyIdentifier>(certificate) else {
        return Ok(());
    };
    let serial = named.authority_cert_serial_number.as_ref();
    let serial = serial.and_then(|serial| serial_of(serial).ok());
    let mut issuers = named.authority_cert_issuer.iter().flatten();
    let issuer = issuers.find_map(|name| match name {
        GeneralName::DirectoryName(name) => DistinguishedName::new(name).ok(),
        _ => None,
    });
    let other_serial = serial
        .as_ref()
        .is_some_and(|serial| serial != above.serial());
    let other_issuer = issuer
        .as_ref()
        .is_some_and(|issuer| issuer != above.issuer());
    if !other_serial && !other_issuer {
        return Ok(());
    }
    Err(PathFault::Issuer {
        serial: serial.unwrap_or_else(|| above.serial().clone()),
        issuer: issuer.unwrap_or_else(|| above.issuer().clone()),
    })
}
