//! Certificate templates: what each puts into a certificate, and what it lets through from the
//! request.

use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::KeyUsages;

use super::super::answer::Failure;
use super::super::x509::extension::{basic_constraints, extended_key_usage, key_usage};
use super::arn::malformed;

/// A template, understood from its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Template {
    pub(super) kind: Kind,
    /// Whether `ApiPassthrough` counts.
    pub(super) api: bool,
    /// Whether the CSR's extensions count.
    pub(super) csr: bool,
}

/// What a template makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    EndEntity,
    ClientAuth,
    ServerAuth,
    CodeSigning,
    OcspSigning,
    BlankEndEntity { critical: bool },
    SubordinateCa { path_length: u8, blank: bool },
    RootCa,
}

/// The template of a request that names none: it makes a leaf.
pub(super) const DEFAULT: &str = "EndEntityCertificate/V1";

const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
const CODE_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3");
const OCSP_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9");

/// `Name/V1` of the template that a request asks for; its ARN must be of the CA's partition.
pub(super) fn name_in(arn: Option<&str>, partition: &str) -> Result<String, Failure> {
    let Some(arn) = arn else {
        return Ok(DEFAULT.to_owned());
    };
    arn.strip_prefix(&format!("arn:{partition}:acm-pca:::template/"))
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .ok_or_else(|| malformed(arn))
}

impl Template {
    /// The template of that name.
    pub(super) fn named(name: &str) -> Result<Self, Failure> {
        Self::understood(name).ok_or_else(|| {
            Failure::of(
                "InvalidArgsException",
                format!("The certificate template {name} does not exist."),
            )
        })
    }

    fn understood(name: &str) -> Option<Self> {
        let (base, api, csr) = passthrough(name.strip_suffix("/V1")?);
        let kind = Kind::named(base)?;
        let possible = match kind {
            Kind::BlankEndEntity { .. } | Kind::SubordinateCa { blank: true, .. } => api || csr,
            Kind::RootCa => !csr,
            _ => true,
        };
        possible.then_some(Self { kind, api, csr })
    }

    /// The extensions that the template itself defines.
    pub(super) fn extensions(self) -> Vec<Extension> {
        use KeyUsages::{CRLSign, DigitalSignature, KeyCertSign, KeyEncipherment};
        let leaf = || basic_constraints(false, None, false);
        let transport = || key_usage(DigitalSignature | KeyEncipherment, true);
        match self.kind {
            Kind::EndEntity => vec![
                leaf(),
                transport(),
                extended_key_usage(&[SERVER_AUTH, CLIENT_AUTH], false),
            ],
            Kind::ClientAuth => vec![
                leaf(),
                transport(),
                extended_key_usage(&[CLIENT_AUTH], false),
            ],
            Kind::ServerAuth => vec![
                leaf(),
                transport(),
                extended_key_usage(&[SERVER_AUTH], false),
            ],
            Kind::CodeSigning => vec![
                leaf(),
                key_usage(DigitalSignature, true),
                extended_key_usage(&[CODE_SIGNING], true),
            ],
            Kind::OcspSigning => vec![
                leaf(),
                key_usage(DigitalSignature, true),
                extended_key_usage(&[OCSP_SIGNING], true),
            ],
            Kind::BlankEndEntity { critical } => vec![basic_constraints(false, None, critical)],
            Kind::SubordinateCa {
                path_length,
                blank: true,
            } => vec![basic_constraints(true, Some(path_length), true)],
            Kind::SubordinateCa {
                path_length,
                blank: false,
            } => certificate_authority(Some(path_length), DigitalSignature | KeyCertSign | CRLSign),
            Kind::RootCa => certificate_authority(None, DigitalSignature | KeyCertSign | CRLSign),
        }
    }
}

impl Kind {
    fn named(base: &str) -> Option<Self> {
        Some(match base {
            "EndEntityCertificate" => Self::EndEntity,
            "EndEntityClientAuthCertificate" => Self::ClientAuth,
            "EndEntityServerAuthCertificate" => Self::ServerAuth,
            "CodeSigningCertificate" => Self::CodeSigning,
            "OCSPSigningCertificate" => Self::OcspSigning,
            "BlankEndEntityCertificate" => Self::BlankEndEntity { critical: false },
            "BlankEndEntityCertificate_CriticalBasicConstraints" => {
                Self::BlankEndEntity { critical: true }
            }
            "RootCACertificate" => Self::RootCa,
            _ => Self::subordinate(base)?,
        })
    }

    fn subordinate(base: &str) -> Option<Self> {
        let (family, digit) = base.split_once("CACertificate_PathLen")?;
        let path_length = match digit {
            "0" => 0,
            "1" => 1,
            "2" => 2,
            "3" => 3,
            _ => return None,
        };
        match family {
            "Subordinate" => Some(Self::SubordinateCa {
                path_length,
                blank: false,
            }),
            "BlankSubordinate" => Some(Self::SubordinateCa {
                path_length,
                blank: true,
            }),
            _ => None,
        }
    }
}

/// The name without its passthrough suffix, and what the suffix lets through: (API, CSR).
fn passthrough(name: &str) -> (&str, bool, bool) {
    let suffixes = [
        ("_APICSRPassthrough", true, true),
        ("_APIPassthrough", true, false),
        ("_CSRPassthrough", false, true),
    ];
    let found = suffixes
        .iter()
        .find_map(|(suffix, api, csr)| Some((name.strip_suffix(suffix)?, *api, *csr)));
    found.unwrap_or((name, false, false))
}

fn certificate_authority(
    path_length: Option<u8>,
    usages: x509_cert::der::flagset::FlagSet<KeyUsages>,
) -> Vec<Extension> {
    vec![
        basic_constraints(true, path_length, true),
        key_usage(usages, true),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_a_template_makes_and_lets_through() {
        let blank =
            Template::named("BlankSubordinateCACertificate_PathLen3_APICSRPassthrough/V1").unwrap();
        assert_eq!(
            blank,
            Template {
                kind: Kind::SubordinateCa {
                    path_length: 3,
                    blank: true
                },
                api: true,
                csr: true
            }
        );
        let base = Template::named("SubordinateCACertificate_PathLen0/V1").unwrap();
        assert_eq!(
            base,
            Template {
                kind: Kind::SubordinateCa {
                    path_length: 0,
                    blank: false
                },
                api: false,
                csr: false
            }
        );
        let csr = Template::named("EndEntityServerAuthCertificate_CSRPassthrough/V1").unwrap();
        assert_eq!(
            csr,
            Template {
                kind: Kind::ServerAuth,
                api: false,
                csr: true
            }
        );
    }

    #[test]
    fn a_template_that_aws_does_not_have_is_refused() {
        for name in [
            "SubordinateCACertificate_PathLen4/V1",
            "SubordinateCACertificate/V1",
            "BlankSubordinateCACertificate_PathLen0/V1",
            "BlankEndEntityCertificate/V1",
            "RootCACertificate_CSRPassthrough/V1",
            "EndEntityCertificate/V2",
            "EndEntityCertificate",
            "",
        ] {
            assert_eq!(
                Template::named(name).unwrap_err().code,
                "InvalidArgsException",
                "{name}"
            );
        }
    }

    #[test]
    fn a_template_of_another_partition_is_no_template_of_this_ca() {
        let arn = Some("arn:aws:acm-pca:::template/CodeSigningCertificate/V1");
        assert_eq!(name_in(arn, "aws").unwrap(), "CodeSigningCertificate/V1");
        let refused = name_in(arn, "aws-us-gov").unwrap_err();
        assert_eq!(refused.code, "InvalidArnException");
        assert_eq!(name_in(None, "aws-us-gov").unwrap(), DEFAULT);
    }
}
