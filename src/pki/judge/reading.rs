//! The files of a Secret, taken apart as istiod does it.

use std::collections::BTreeMap;

use super::certificate::CertificateFault;
use super::finding::{Finding, Kind};
use super::{form, revocation};
use crate::pki::{Certificate, Format, KeyError, Live, PrivateKey, private_key};

const CERTIFICATE: &str = "CERTIFICATE";
const PRIVATE_KEY: &str = "PRIVATE KEY";
/// The mark that istiod leaves in a Secret of its own making.
const GENERATED: &str = "istio-generated";

/// What is wrong with a key by itself.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum KeyFault {
    /// Damaged, or of a kind that not every part of a mesh takes.
    #[error(transparent)]
    Unfit(#[from] KeyError),
    /// Sound, but not in the one form that PKCS#8 has for it.
    ///
    /// Stricter than istiod, which also reads SEC1 and PKCS#1: these, and PKCS#8 with more in it
    /// than is needed, have parts that one reader believes and another passes over.
    #[error("the key is not in the plain form of PKCS#8")]
    Form,
}

impl KeyFault {
    pub(super) fn kind(&self) -> Kind {
        match self {
            // Go signs with it, and some peers refuse what it signed.
            Self::Unfit(KeyError::Unsupported { .. }) => Kind::Peers,
            Self::Unfit(_) | Self::Form => Kind::Load,
        }
    }
}

/// What istiod takes out of the files of the layout that it sees.
pub(super) struct Reading {
    pub(super) format: Format,
    pub(super) signing: Certificate,
    pub(super) key: PrivateKey,
    /// What is presented behind each leaf. The roots, which istiod appends to it in the layout
    /// with `tls.crt` and agents in both, are left out: they change nothing.
    pub(super) chain: Vec<Certificate>,
    pub(super) roots: Vec<Certificate>,
    /// The lists of revoked certificates, in the one layout in which istiod looks for them; a file
    /// without a byte is none to it.
    pub(super) revocations: Option<Vec<u8>>,
}

type Data = BTreeMap<String, Vec<u8>>;

/// The layout that istiod takes: where `tls.crt` is, it looks at nothing else.
pub(super) fn format(files: &Data) -> Format {
    if files.contains_key(Format::KubernetesTls.certificate_file()) {
        Format::KubernetesTls
    } else {
        Format::Istio
    }
}

/// What can be said of the names of the files.
pub(super) fn layout(files: &Data) -> Vec<Finding> {
    let mut found = Vec::new();
    if files.contains_key(GENERATED) {
        // Only with USE_CACERTS_FOR_SELF_SIGNED_CA does istiod heed it; then our intermediate would
        // be published as the root. Without it the file says what is not so.
        found.push(Finding::Generated);
    }
    if format(files) == Format::KubernetesTls {
        let passed_over = [Format::Istio.certificate_file(), Format::Istio.key_file()];
        let beside = passed_over
            .into_iter()
            .find(|file| files.contains_key(*file));
        found.extend(beside.map(|file| Finding::BothLayouts { file }));
    }
    found
}

impl Reading {
    /// Reads what everybody reads alike, and nothing else.
    pub(super) fn strict(files: &Data) -> Result<Self, Vec<Finding>> {
        let format = format(files);
        let missing = [
            format.certificate_file(),
            format.key_file(),
            format.chain_file(),
            format.roots_file(),
        ]
        .into_iter()
        .filter(|file| !files.contains_key(*file));
        let missing: Vec<_> = missing.map(|file| Finding::Missing { file }).collect();
        if !missing.is_empty() {
            return Err(missing);
        }
        let signing = certificates(files, format.certificate_file());
        let chain = certificates(files, format.chain_file());
        let key = read_key(files, format.key_file());
        let roots = certificates(files, format.roots_file());
        let (signing, chain, key, roots) = all(signing, chain, key, roots)?;
        let Some(signing) = signing.into_iter().next() else {
            return Err(Vec::new());
        };
        check_pair(format.key_file(), &signing, &key).map_err(|finding| vec![finding])?;
        Ok(Self {
            format,
            signing,
            key,
            chain,
            roots,
            revocations: revocations(files, format),
        })
    }

    /// Reads what istiod may have loaded, of whoever's making; `None` where it could not.
    pub(super) fn lenient(files: &Data) -> Option<Self> {
        let live = Live::read(files);
        let format = live.format()?;
        let key = private_key(files)?.ok()?;
        let signing = live.certificate()?.clone();
        if signing.public_key() != key.public_key() {
            return None;
        }
        let text = str::from_utf8(files.get(format.chain_file())?).ok()?;
        Some(Self {
            format,
            signing,
            key,
            chain: Certificate::parse_all(text).ok()?,
            roots: live.roots().to_vec(),
            revocations: revocations(files, format),
        })
    }
}

fn revocations(files: &Data, format: Format) -> Option<Vec<u8>> {
    let lists = files
        .get(revocation::FILE)
        .filter(|lists| !lists.is_empty());
    lists.filter(|_| format == Format::Istio).cloned()
}

/// Everything, or everything that is wrong, once.
fn all<A, B, C, D>(
    a: Result<A, Finding>,
    b: Result<B, Finding>,
    c: Result<C, Finding>,
    d: Result<D, Finding>,
) -> Result<(A, B, C, D), Vec<Finding>> {
    match (a, b, c, d) {
        (Ok(a), Ok(b), Ok(c), Ok(d)) => Ok((a, b, c, d)),
        (a, b, c, d) => {
            let faults = [a.err(), b.err(), c.err(), d.err()];
            let mut faults: Vec<_> = faults.into_iter().flatten().collect();
            faults.dedup();
            Err(faults)
        }
    }
}

/// At least one certificate.
fn certificates(files: &Data, file: &'static str) -> Result<Vec<Certificate>, Finding> {
    let data = files.get(file).map_or(&[][..], Vec::as_slice);
    let blocks = form::blocks(data, CERTIFICATE);
    let blocks = blocks.map_err(|fault| Finding::Form { file, fault })?;
    let read = blocks.iter().zip(1..).map(|(der, block)| {
        Certificate::from_der(der).map_err(|_| Finding::Certificate {
            file,
            block,
            fault: CertificateFault::Unreadable,
        })
    });
    read.collect()
}

fn read_key(files: &Data, file: &'static str) -> Result<PrivateKey, Finding> {
    let data = files.get(file).map_or(&[][..], Vec::as_slice);
    let der = form::one_block(data, PRIVATE_KEY);
    let der = der.map_err(|fault| Finding::Form { file, fault })?;
    let key = PrivateKey::from_pkcs8(&der);
    let key = key.map_err(|error| Finding::Key {
        file,
        fault: error.into(),
    })?;
    if key.is_written_as(&der) {
        Ok(key)
    } else {
        Err(Finding::Key {
            file,
            fault: KeyFault::Form,
        })
    }
}

fn check_pair(
    file: &'static str,
    certificate: &Certificate,
    key: &PrivateKey,
) -> Result<(), Finding> {
    let (certificate, key) = (certificate.public_key(), key.public_key());
    if certificate == key {
        return Ok(());
    }
    Err(Finding::OtherKey {
        file,
        certificate: certificate.sha256(),
        key: key.sha256(),
    })
}
