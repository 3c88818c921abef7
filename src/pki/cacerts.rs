//! The files of the Secret that istiod loads its CA from.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::certificate::Certificate;
use super::chain::{Chain, pem_of};
use super::dn::DistinguishedName;
use super::fingerprint::Fingerprint;
use super::key::PrivateKey;
use super::secret::SecretPem;

/// The two sets of file names that istiod knows; where `tls.crt` is, it looks at nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// `ca-cert.pem`, `ca-key.pem`, `cert-chain.pem`, `root-cert.pem`.
    #[default]
    Istio,
    /// `tls.crt`, `tls.key`, `ca.crt`; read since Istio 1.15.
    KubernetesTls,
}

/// A name that is no [`Format`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("got {got:?}, expected istio or kubernetes_tls")]
pub struct FormatError {
    /// What was given.
    pub got: String,
}

impl Format {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Istio, Self::KubernetesTls];

    /// The configuration's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Istio => "istio",
            Self::KubernetesTls => "kubernetes_tls",
        }
    }

    /// The file whose first block is the signing certificate.
    pub const fn certificate_file(self) -> &'static str {
        match self {
            Self::Istio => "ca-cert.pem",
            Self::KubernetesTls => "tls.crt",
        }
    }

    /// The file of the private key.
    pub const fn key_file(self) -> &'static str {
        match self {
            Self::Istio => "ca-key.pem",
            Self::KubernetesTls => "tls.key",
        }
    }

    /// The file that begins with the signing certificate and goes on to the CAs above it.
    pub const fn chain_file(self) -> &'static str {
        match self {
            Self::Istio => "cert-chain.pem",
            Self::KubernetesTls => "tls.crt",
        }
    }

    /// The file of the trust anchors.
    pub const fn roots_file(self) -> &'static str {
        match self {
            Self::Istio => "root-cert.pem",
            Self::KubernetesTls => "ca.crt",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|format| format.name() == text);
        found.ok_or_else(|| FormatError {
            got: text.to_owned(),
        })
    }
}

/// Everything that istiod loads but the key: known at plan, and compared with what is live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    chain: Chain,
    roots: Vec<Certificate>,
    include_root_in_chain: bool,
    format: Format,
}

/// Why a chain and roots cannot be a mesh's CA.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// A root cannot be put into a cluster: every cluster gets an intermediate of its own.
    #[error("{subject} is self-signed, expected an intermediate below a root")]
    SelfSigned {
        /// The certificate.
        subject: DistinguishedName,
    },
    /// An end-entity certificate.
    #[error("{subject} is not a CA")]
    NotACa {
        /// The certificate.
        subject: DistinguishedName,
    },
    /// istiod would load it, and every peer would refuse what it signs.
    #[error("{subject} may not sign certificates: its keyUsage lacks keyCertSign")]
    MayNotSign {
        /// The certificate.
        subject: DistinguishedName,
    },
    /// The chain ends in a root that is not among the trusted ones.
    #[error("the chain's root {root} is not among the roots to be trusted")]
    RootNotTrusted {
        /// The root.
        root: DistinguishedName,
    },
    /// A trust anchor that is no root: trusting it would trust more, or less, than meant.
    #[error("{subject} is no root, expected self-signed CA certificates as roots")]
    NotARoot {
        /// The certificate.
        subject: DistinguishedName,
    },
}

impl Bundle {
    /// Checks that istiod can load it and that peers will trust what it signs.
    ///
    /// `roots` are the trust anchors in their final order, see
    /// [`roots::merge`](super::roots::merge).
    pub fn new(
        chain: Chain,
        roots: Vec<Certificate>,
        include_root_in_chain: bool,
        format: Format,
    ) -> Result<Self, BundleError> {
        let certificate = chain.certificate();
        let subject = || certificate.subject().clone();
        if chain.path().len() == 1 {
            return Err(BundleError::SelfSigned { subject: subject() });
        }
        if !certificate.is_ca() {
            return Err(BundleError::NotACa { subject: subject() });
        }
        if !certificate.may_sign_certificates() {
            return Err(BundleError::MayNotSign { subject: subject() });
        }
        if let Some(other) = roots
            .iter()
            .find(|root| !root.is_ca() || !root.is_self_signed())
        {
            return Err(BundleError::NotARoot {
                subject: other.subject().clone(),
            });
        }
        if !roots.contains(chain.root()) {
            return Err(BundleError::RootNotTrusted {
                root: chain.root().subject().clone(),
            });
        }
        Ok(Self {
            chain,
            roots,
            include_root_in_chain,
            format,
        })
    }

    /// The signing certificate with all above it.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The trust anchors in order.
    pub fn roots(&self) -> &[Certificate] {
        &self.roots
    }

    /// Which file names it has.
    pub fn format(&self) -> Format {
        self.format
    }

    /// File names and contents, all but the key's.
    pub fn public_files(&self) -> BTreeMap<&'static str, String> {
        let lists = self.certificate_files().into_iter();
        lists
            .map(|(file, certificates)| (file, pem_of(&certificates)))
            .collect()
    }

    /// The certificates of each file, in order.
    pub(super) fn certificate_files(&self) -> BTreeMap<&'static str, Vec<Certificate>> {
        let format = self.format;
        let mut files = BTreeMap::from([(format.roots_file(), self.roots.clone())]);
        files.insert(
            format.certificate_file(),
            vec![self.chain.certificate().clone()],
        );
        files.insert(format.chain_file(), self.presented());
        files
    }

    /// What istiod sends behind each certificate that it signs: the signing certificate first.
    fn presented(&self) -> Vec<Certificate> {
        let path = self.chain.path();
        // istiod itself appends ca.crt to tls.crt: there the root would be sent twice.
        let with_root = self.include_root_in_chain && self.format == Format::Istio;
        let end = if with_root {
            path.len()
        } else {
            path.len() - 1
        };
        path[..end].to_vec()
    }
}

/// A key that is not the certificate's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the private key's public half is {key}, expected the certificate's, {certificate}")]
pub struct KeyMismatch {
    /// Digest of the certificate's public key.
    pub certificate: Fingerprint,
    /// Digest of the private key's public half.
    pub key: Fingerprint,
}

/// All that istiod loads, the key with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaCerts {
    bundle: Bundle,
    key: SecretPem,
}

/// What is in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// Certificates.
    Public(String),
    /// The private key.
    Secret(SecretPem),
}

impl CaCerts {
    /// Adds the key, which must be the certificate's.
    pub fn new(bundle: Bundle, key: &PrivateKey) -> Result<Self, KeyMismatch> {
        let certificate = bundle.chain.certificate().public_key();
        if certificate != key.public_key() {
            return Err(KeyMismatch {
                certificate: certificate.sha256(),
                key: key.public_key().sha256(),
            });
        }
        Ok(Self {
            bundle,
            key: key.to_pem(),
        })
    }

    /// Everything but the key.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// File names and contents.
    pub fn files(&self) -> BTreeMap<&'static str, Contents> {
        let public = self.bundle.public_files().into_iter();
        let mut files: BTreeMap<_, _> = public
            .map(|(file, text)| (file, Contents::Public(text)))
            .collect();
        files.insert(
            self.bundle.format.key_file(),
            Contents::Secret(self.key.clone()),
        );
        files
    }
}

impl Contents {
    /// The file's text, for the one place that writes it.
    pub fn expose(&self) -> &str {
        match self {
            Self::Public(text) => text,
            Self::Secret(pem) => pem.expose(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::KeyAlgorithm;
    use crate::pki::roots;
    use crate::pki::testing::{
        Ca, Scratch, Spec, certificates, hierarchy, openssl_text, run_openssl,
    };
    use rcgen::{IsCa, KeyUsagePurpose};

    fn chain_of(authorities: &[Ca]) -> Chain {
        let mut path = certificates(authorities);
        Chain::assemble(path.remove(0), path).unwrap()
    }

    fn made(authorities: &[Ca], include_root: bool, format: Format) -> CaCerts {
        let chain = chain_of(authorities);
        let roots = vec![chain.root().clone()];
        let bundle = Bundle::new(chain, roots, include_root, format).unwrap();
        CaCerts::new(bundle, &authorities[0].key).unwrap()
    }

    /// The subjects in each public file, read by openssl.
    fn subjects(caches: &CaCerts) -> Vec<(&'static str, Vec<String>)> {
        let read = |pem: String| {
            let arguments = ["crl2pkcs7", "-nocrl", "-certfile", "/dev/stdin"];
            let list = openssl_text(&arguments, pem);
            let text = openssl_text(&["pkcs7", "-print_certs", "-noout"], list);
            let subjects = text
                .lines()
                .filter_map(|line| line.strip_prefix("subject=CN = "));
            subjects.map(str::to_owned).collect()
        };
        let files = caches.bundle().public_files().into_iter();
        files.map(|(file, pem)| (file, read(pem))).collect()
    }

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn istios_layout_begins_the_chain_with_the_intermediate() {
        let authorities = hierarchy(1);
        assert_eq!(
            subjects(&made(&authorities, true, Format::Istio)),
            [
                ("ca-cert.pem", list(&["mesh"])),
                ("cert-chain.pem", list(&["mesh", "authority 0", "root"])),
                ("root-cert.pem", list(&["root"])),
            ]
        );
        let without = subjects(&made(&authorities, false, Format::Istio));
        assert_eq!(
            without[1],
            ("cert-chain.pem", list(&["mesh", "authority 0"]))
        );
    }

    #[test]
    fn the_tls_layout_leaves_the_root_to_its_own_file() {
        let authorities = hierarchy(1);
        for include_root in [true, false] {
            assert_eq!(
                subjects(&made(&authorities, include_root, Format::KubernetesTls)),
                [
                    ("ca.crt", list(&["root"])),
                    ("tls.crt", list(&["mesh", "authority 0"]))
                ]
            );
        }
    }

    #[test]
    fn below_a_root_the_chain_still_holds_the_intermediate() {
        let authorities = hierarchy(0);
        let files = subjects(&made(&authorities, false, Format::Istio));
        assert_eq!(files[1], ("cert-chain.pem", list(&["mesh"])));
        let files = subjects(&made(&authorities, true, Format::Istio));
        assert_eq!(files[1], ("cert-chain.pem", list(&["mesh", "root"])));
    }

    #[test]
    fn a_workload_signed_with_the_files_is_verified_with_the_files() {
        for (levels, include_root) in [(0, false), (0, true), (2, false), (2, true)] {
            let authorities = hierarchy(levels);
            let files = made(&authorities, include_root, Format::Istio).files();
            let scratch = Scratch::new();
            let path = |name: &str| scratch.file(name, files[name].expose());
            let request = openssl_text(
                &[
                    "req",
                    "-new",
                    "-key",
                    &path("ca-key.pem"),
                    "-subj",
                    "/CN=w",
                    "-config",
                    &scratch.file("c", "[req]\ndistinguished_name=d\n[d]\n"),
                ],
                "",
            );
            let arguments = [
                "x509",
                "-req",
                "-CA",
                &path("ca-cert.pem"),
                "-CAkey",
                &path("ca-key.pem"),
                "-CAcreateserial",
                "-CAserial",
                &scratch.file("serial", "01"),
                "-days",
                "1",
            ];
            let workload = scratch.file("workload", &openssl_text(&arguments, request));
            // Valid from now on by openssl's clock: the CAs' own dates are not the question here.
            let verify = [
                "verify",
                "-no_check_time",
                "-CAfile",
                &path("root-cert.pem"),
                "-untrusted",
                &path("cert-chain.pem"),
                &workload,
            ];
            let (verified, _, complaint) = run_openssl(&verify, b"");
            assert!(verified, "{levels} {include_root}: {complaint}");
        }
    }

    #[test]
    fn only_the_key_is_secret_and_debug_hides_it() {
        let made = made(&hierarchy(0), true, Format::Istio);
        let secret: Vec<_> = made
            .files()
            .into_iter()
            .filter(|(_, contents)| matches!(contents, Contents::Secret(_)))
            .map(|(file, contents)| (file, contents.expose().to_owned()))
            .collect();
        let [(file, pem)] = &secret[..] else {
            panic!("one secret file: {}", secret.len())
        };
        assert_eq!(*file, "ca-key.pem");
        let shown = format!("{made:?} {:?}", made.files());
        assert!(
            pem.lines()
                .all(|line| line.starts_with("-----") || !shown.contains(line))
        );
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let authorities = hierarchy(0);
        let chain = chain_of(&authorities);
        let roots = vec![chain.root().clone()];
        let bundle = Bundle::new(chain, roots, true, Format::Istio).unwrap();
        let other = PrivateKey::generate(KeyAlgorithm::EcPrime256v1).unwrap();
        let mismatch = CaCerts::new(bundle, &other).unwrap_err();
        assert_eq!(mismatch.key, other.public_key().sha256());
        assert_eq!(
            mismatch.certificate,
            authorities[0].key.public_key().sha256()
        );
    }

    #[test]
    fn roots_are_kept_in_the_order_given_and_must_be_roots() {
        let authorities = hierarchy(1);
        let old = Ca::root(Spec::ca("old")).certificate;
        let chain = chain_of(&authorities);
        let merged = roots::merge(
            std::slice::from_ref(&old),
            &[chain.root().clone(), old.clone()],
        );
        let bundle = Bundle::new(chain.clone(), merged, true, Format::Istio).unwrap();
        let expected = old.to_pem() + &chain.root().to_pem();
        assert_eq!(bundle.public_files()["root-cert.pem"], expected);

        let refused = |roots: Vec<Certificate>| {
            Bundle::new(chain.clone(), roots, true, Format::Istio)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            refused(vec![old]),
            "the chain's root CN=root is not among the roots to be trusted"
        );
        assert_eq!(
            refused(vec![chain.root().clone(), chain.issuer().clone()]),
            "CN=authority 0 is no root, expected self-signed CA certificates as roots"
        );
    }

    #[test]
    fn what_cannot_sign_for_a_mesh_is_refused() {
        let root = Ca::root(Spec::ca("root"));
        let refused = |certificate: &Certificate| {
            let above = vec![root.certificate.clone()];
            let chain = Chain::assemble(certificate.clone(), above.clone()).unwrap();
            Bundle::new(chain, above, true, Format::Istio)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            refused(&root.certificate),
            "CN=root is self-signed, expected an intermediate below a root"
        );
        let leaf = root.sign(Spec::ca("leaf").change(|spec| spec.is_ca = IsCa::ExplicitNoCa));
        assert_eq!(refused(&leaf.certificate), "CN=leaf is not a CA");
        let mute = Spec::ca("mute")
            .change(|spec| spec.key_usages = vec![KeyUsagePurpose::DigitalSignature]);
        assert_eq!(
            refused(&root.sign(mute).certificate),
            "CN=mute may not sign certificates: its keyUsage lacks keyCertSign"
        );
    }

    #[test]
    fn formats_have_the_configurations_names() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
            assert_eq!(serde_json::to_value(format).unwrap(), format.name());
        }
        assert_eq!(
            "tls".parse::<Format>().unwrap_err().to_string(),
            "got \"tls\", expected istio or kubernetes_tls"
        );
    }
}
