//! What a Secret holds, and how that differs from what it should hold.

use std::collections::BTreeMap;

use super::cacerts::{Bundle, Format};
use super::certificate::{Certificate, CertificateError};
use super::chain::{Chain, ChainError, pem_of};
use super::fingerprint::{Fingerprint, PublicKey};
use super::key::{KeyError, PrivateKey};
use super::roots::RootsChange;
use super::serial::SerialNumber;

/// The data of a Secret, read without believing any of it; holds nothing secret.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    files: BTreeMap<String, File>,
}

/// One file as far as it can be read.
#[derive(Debug, Clone, PartialEq)]
enum File {
    Certificates {
        sha256: Fingerprint,
        read: Result<Vec<Certificate>, ReadError>,
    },
    Key(Result<PublicKey, ReadError>),
    Other {
        sha256: Fingerprint,
    },
}

/// Why a file of the Secret is of no use.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReadError {
    /// PEM is text.
    #[error("the file is not text")]
    NotText,
    /// There is no certificate in it, where at least one is needed.
    #[error("the file holds no certificate")]
    NoCertificate,
    /// Not certificates.
    #[error("the file does not hold certificates")]
    Certificate(#[from] CertificateError),
    /// Not a key, or none that a mesh can use.
    #[error("the file does not hold a usable private key")]
    Key(#[from] KeyError),
}

impl Live {
    /// Looks at every file; whatever cannot be read is remembered as such.
    pub fn read(files: &BTreeMap<String, Vec<u8>>) -> Self {
        let files = files
            .iter()
            .map(|(name, data)| (name.clone(), File::read(name, data)));
        Self {
            files: files.collect(),
        }
    }

    /// The layout that istiod would take, if any: where `tls.crt` is, it looks at nothing else.
    pub fn format(&self) -> Option<Format> {
        if self
            .files
            .contains_key(Format::KubernetesTls.certificate_file())
        {
            return Some(Format::KubernetesTls);
        }
        self.layouts().first().copied()
    }

    /// The layouts of which the signing certificate or the key is there; two are one too many.
    pub fn layouts(&self) -> Vec<Format> {
        let has = |file: &str| self.files.contains_key(file);
        let present = |format: &Format| has(format.certificate_file()) || has(format.key_file());
        Format::ALL.into_iter().filter(present).collect()
    }

    /// The signing certificate of the layout in force.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificates(self.format()?.certificate_file()).first()
    }

    /// The trust anchors of the layout in force; empty where there are none that can be read.
    pub fn roots(&self) -> &[Certificate] {
        self.format()
            .map_or(&[], |format| self.certificates(format.roots_file()))
    }

    /// The signing certificate with all above it, as far as the Secret's files show it.
    pub fn chain(&self) -> Result<Chain, ChainError> {
        let format = self.format().ok_or(ChainError::Empty)?;
        let certificate = self.certificate().ok_or(ChainError::Empty)?.clone();
        let above = self
            .certificates(format.chain_file())
            .iter()
            .chain(self.roots());
        Chain::among(certificate, above.cloned().collect())
    }

    /// The public half of the key in the layout in force.
    pub fn public_key(&self) -> Option<&PublicKey> {
        match self.files.get(self.format()?.key_file()) {
            Some(File::Key(Ok(key))) => Some(key),
            _ => None,
        }
    }

    /// Whether key and certificate belong together; `None` where either cannot be read.
    pub fn key_matches(&self) -> Option<bool> {
        Some(self.public_key()? == self.certificate()?.public_key())
    }

    /// Digest of every file but the private keys, whose digest is nobody's business.
    pub fn sha256(&self) -> BTreeMap<&str, Fingerprint> {
        let digest = |file: &File| match file {
            File::Certificates { sha256, .. } | File::Other { sha256 } => Some(*sha256),
            File::Key(_) => None,
        };
        let files = self.files.iter();
        files
            .filter_map(|(name, file)| Some((name.as_str(), digest(file)?)))
            .collect()
    }

    /// Names of files that belong to neither layout.
    pub fn other_files(&self) -> Vec<&str> {
        let other = |file: &File| matches!(file, File::Other { .. });
        let files = self.files.iter();
        files
            .filter(|(_, file)| other(file))
            .map(|(name, _)| name.as_str())
            .collect()
    }

    fn certificates(&self, file: &str) -> &[Certificate] {
        match self.files.get(file) {
            Some(File::Certificates {
                read: Ok(certificates),
                ..
            }) => certificates,
            _ => &[],
        }
    }
}

/// Takes the private key out of a Secret's data, from the layout that istiod would take it from.
pub fn private_key(files: &BTreeMap<String, Vec<u8>>) -> Option<Result<PrivateKey, ReadError>> {
    let format = Live::read(files).format()?;
    files.get(format.key_file()).map(|data| read_key(data))
}

/// One way in which a Secret is not as it should be.
#[derive(Debug, Clone, PartialEq)]
pub enum Difference {
    /// A file is not there.
    Missing {
        /// Its name.
        file: &'static str,
    },
    /// A file is there and of no use.
    Unreadable {
        /// Its name.
        file: &'static str,
        /// What is wrong with it.
        why: ReadError,
    },
    /// Another signing certificate.
    Certificate {
        /// Where.
        file: &'static str,
        /// Serial number of the one that should be there.
        wanted: SerialNumber,
        /// Serial number of the one that is.
        live: SerialNumber,
    },
    /// The certificates above the signing one, or their order, differ.
    Chain {
        /// Where.
        file: &'static str,
    },
    /// Other trust anchors.
    Roots {
        /// Where.
        file: &'static str,
        /// What writing would do to those that are live.
        change: RootsChange,
    },
    /// Another private key.
    Key {
        /// Where.
        file: &'static str,
        /// Digest of the public half that should be there.
        wanted: Fingerprint,
        /// Digest of the one that is.
        live: Fingerprint,
    },
    /// The same certificates in other bytes. For trust anchors even that makes istiod drop an
    /// update.
    Form {
        /// Where.
        file: &'static str,
    },
    /// A file that must not be beside ours.
    Poison {
        /// Its name.
        file: &'static str,
        /// What it does.
        why: Poison,
    },
}

/// What a file does that must not be in the Secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Poison {
    /// istiod takes the other layout and ignores ours.
    Overrules,
    /// istiod takes the Secret for its own self-signed CA.
    Generated,
    /// istiod refuses the bundle, or an update of it, unless each CA's list is in it.
    Revocations,
}

/// Everything in which `live` is not what `wanted` says, file by file.
pub fn differences(wanted: &Bundle, live: &Live) -> Vec<Difference> {
    let format = wanted.format();
    let lists = wanted.certificate_files().into_iter();
    let mut found: Vec<_> = lists
        .filter_map(|(file, list)| compare_list(wanted, file, &list, live))
        .collect();
    found.extend(compare_key(wanted, format.key_file(), live));
    found.extend(poisons(format, live));
    found
}

fn compare_list(
    wanted: &Bundle,
    file: &'static str,
    list: &[Certificate],
    live: &Live,
) -> Option<Difference> {
    let (sha256, found) = match live.files.get(file) {
        Some(File::Certificates {
            sha256,
            read: Ok(found),
        }) => (sha256, found),
        Some(File::Certificates { read: Err(why), .. }) => {
            return Some(Difference::Unreadable {
                file,
                why: why.clone(),
            });
        }
        _ => return Some(Difference::Missing { file }),
    };
    if found == list {
        let same = Fingerprint::of(pem_of(list).as_bytes()) == *sha256;
        return (!same).then_some(Difference::Form { file });
    }
    let format = wanted.format();
    if file == format.roots_file() {
        return Some(Difference::Roots {
            file,
            change: RootsChange::between(found, list),
        });
    }
    match (list.first(), found.first()) {
        (Some(wanted), Some(live)) if wanted != live && file == format.certificate_file() => {
            let (wanted, live) = (wanted.serial().clone(), live.serial().clone());
            Some(Difference::Certificate { file, wanted, live })
        }
        _ => Some(Difference::Chain { file }),
    }
}

fn compare_key(wanted: &Bundle, file: &'static str, live: &Live) -> Option<Difference> {
    let wanted = wanted.chain().certificate().public_key();
    match live.files.get(file) {
        Some(File::Key(Ok(key))) if key == wanted => None,
        Some(File::Key(Ok(key))) => Some(Difference::Key {
            file,
            wanted: wanted.sha256(),
            live: key.sha256(),
        }),
        Some(File::Key(Err(why))) => Some(Difference::Unreadable {
            file,
            why: why.clone(),
        }),
        _ => Some(Difference::Missing { file }),
    }
}

fn poisons(format: Format, live: &Live) -> impl Iterator<Item = Difference> {
    let known: &[_] = match format {
        Format::Istio => &[
            ("tls.crt", Poison::Overrules),
            ("istio-generated", Poison::Generated),
            ("ca-crl.pem", Poison::Revocations),
        ],
        Format::KubernetesTls => &[("istio-generated", Poison::Generated)],
    };
    known
        .iter()
        .filter(|(file, _)| live.files.contains_key(*file))
        .map(|(file, why)| Difference::Poison { file, why: *why })
}

impl File {
    fn read(name: &str, data: &[u8]) -> Self {
        let named =
            |file: fn(Format) -> &'static str| Format::ALL.into_iter().any(|f| file(f) == name);
        if named(Format::key_file) {
            return Self::Key(read_key(data).map(|key| key.public_key().clone()));
        }
        let sha256 = Fingerprint::of(data);
        let files = [
            Format::certificate_file,
            Format::chain_file,
            Format::roots_file,
        ];
        if files.into_iter().any(named) {
            return Self::Certificates {
                sha256,
                read: read_certificates(data),
            };
        }
        Self::Other { sha256 }
    }
}

fn read_certificates(data: &[u8]) -> Result<Vec<Certificate>, ReadError> {
    let text = str::from_utf8(data).map_err(|_| ReadError::NotText)?;
    let certificates = Certificate::parse_all(text)?;
    if certificates.is_empty() {
        Err(ReadError::NoCertificate)
    } else {
        Ok(certificates)
    }
}

fn read_key(data: &[u8]) -> Result<PrivateKey, ReadError> {
    let text = str::from_utf8(data).map_err(|_| ReadError::NotText)?;
    Ok(PrivateKey::from_pem(text)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::testing::{Ca, Spec, certificates, hierarchy};
    use crate::pki::{CaCerts, KeyAlgorithm};
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static MADE: LazyLock<Vec<Ca>> = LazyLock::new(|| hierarchy(1));

    fn bundle_of(authorities: &[Ca], format: Format) -> Bundle {
        let mut path = certificates(authorities);
        let chain = Chain::assemble(path.remove(0), path).unwrap();
        let roots = vec![chain.root().clone()];
        Bundle::new(chain, roots, true, format).unwrap()
    }

    fn bundle(format: Format) -> Bundle {
        bundle_of(&MADE, format)
    }

    type Data = BTreeMap<String, Vec<u8>>;

    fn data_of(authorities: &[Ca], format: Format) -> Data {
        let files = CaCerts::new(bundle_of(authorities, format), &authorities[0].key).unwrap();
        let files = files.files().into_iter();
        files
            .map(|(file, it)| (file.to_owned(), it.expose().as_bytes().to_vec()))
            .collect()
    }

    fn data(format: Format) -> Data {
        data_of(&MADE, format)
    }

    /// What differs once `change` was done to a Secret in Istio's layout.
    fn after(change: impl FnOnce(&mut Data)) -> Vec<Difference> {
        let mut files = data(Format::Istio);
        change(&mut files);
        differences(&bundle(Format::Istio), &Live::read(&files))
    }

    fn append(files: &mut Data, file: &str, text: &str) {
        files.get_mut(file).unwrap().extend(text.as_bytes());
    }

    #[test]
    fn what_was_written_is_read_back_without_difference() {
        for format in Format::ALL {
            let files = data(format);
            let live = Live::read(&files);
            assert_eq!(differences(&bundle(format), &live), []);
            assert_eq!(
                (live.format(), live.layouts()),
                (Some(format), vec![format])
            );
            assert_eq!(live.certificate(), Some(&MADE[0].certificate));
            assert_eq!(live.roots(), &[MADE[2].certificate.clone()]);
            assert_eq!(live.chain().unwrap(), *bundle(format).chain());
            assert_eq!(live.key_matches(), Some(true));
            let key = private_key(&files).unwrap().unwrap();
            assert_eq!(key.to_pem(), MADE[0].key.to_pem());
            assert!(live.other_files().is_empty());
            let digests: Vec<_> = live.sha256().into_keys().collect();
            let public: Vec<_> = bundle(format).public_files().into_keys().collect();
            assert_eq!(digests, public, "no digest of the key");
        }
    }

    #[test]
    fn an_empty_secret_lacks_every_file() {
        let live = Live::read(&BTreeMap::new());
        assert_eq!(
            (live.format(), live.certificate(), live.key_matches()),
            (None, None, None)
        );
        assert_eq!(live.chain(), Err(ChainError::Empty));
        assert!(private_key(&BTreeMap::new()).is_none());
        let missing = |file| Difference::Missing { file };
        assert_eq!(
            differences(&bundle(Format::Istio), &live),
            [
                "ca-cert.pem",
                "cert-chain.pem",
                "root-cert.pem",
                "ca-key.pem"
            ]
            .map(missing)
        );
        assert_eq!(
            differences(&bundle(Format::KubernetesTls), &live),
            ["ca.crt", "tls.crt", "tls.key"].map(missing)
        );
    }

    #[test]
    fn another_certificate_is_told_by_both_serial_numbers() {
        let other = hierarchy(1);
        let live = Live::read(&data_of(&other, Format::KubernetesTls));
        let found = differences(&bundle(Format::KubernetesTls), &live);
        let change = RootsChange {
            added: vec![MADE[2].certificate.clone()],
            removed: vec![other[2].certificate.clone()],
            rearranged: false,
        };
        assert_eq!(
            found,
            [
                Difference::Roots {
                    file: "ca.crt",
                    change
                },
                Difference::Certificate {
                    file: "tls.crt",
                    wanted: MADE[0].certificate.serial().clone(),
                    live: other[0].certificate.serial().clone(),
                },
                Difference::Key {
                    file: "tls.key",
                    wanted: MADE[0].key.public_key().sha256(),
                    live: other[0].key.public_key().sha256(),
                },
            ]
        );
    }

    #[test]
    fn a_key_beside_its_certificate_is_seen_to_be_anothers() {
        let other = PrivateKey::generate(KeyAlgorithm::EcPrime256v1).unwrap();
        let mut files = data(Format::Istio);
        files.insert(
            "ca-key.pem".to_owned(),
            other.to_pem().expose().as_bytes().to_vec(),
        );
        let live = Live::read(&files);
        assert_eq!(live.key_matches(), Some(false));
        assert!(matches!(
            differences(&bundle(Format::Istio), &live)[..],
            [Difference::Key {
                file: "ca-key.pem",
                ..
            }]
        ));
    }

    #[test]
    fn a_shorter_chain_and_more_roots_are_told_apart() {
        let shorter = after(|files| {
            let mesh = MADE[0].certificate.to_pem();
            files.insert("cert-chain.pem".to_owned(), mesh.into_bytes());
        });
        assert_eq!(
            shorter,
            [Difference::Chain {
                file: "cert-chain.pem"
            }]
        );
        let stranger = Ca::root(Spec::ca("stranger")).certificate;
        let more = after(|files| append(files, "root-cert.pem", &stranger.to_pem()));
        let change = RootsChange {
            removed: vec![stranger],
            ..RootsChange::default()
        };
        assert_eq!(
            more,
            [Difference::Roots {
                file: "root-cert.pem",
                change
            }]
        );
    }

    #[test]
    fn the_same_certificates_in_other_bytes_differ_in_form_only() {
        let found = after(|files| append(files, "root-cert.pem", "\n"));
        assert_eq!(
            found,
            [Difference::Form {
                file: "root-cert.pem"
            }]
        );
        let found = after(|files| {
            let key = files.get_mut("ca-key.pem").unwrap();
            key.extend(b"\n");
        });
        assert_eq!(found, [], "a key is its public half, however it is written");
    }

    #[test]
    fn a_file_of_no_use_is_told_with_its_reason() {
        let put = |file: &'static str, data: &'static [u8]| {
            move |files: &mut Data| {
                files.insert(file.to_owned(), data.to_vec());
            }
        };
        assert_eq!(
            after(put("root-cert.pem", b"\xff")),
            [Difference::Unreadable {
                file: "root-cert.pem",
                why: ReadError::NotText
            }]
        );
        assert_eq!(
            after(put("cert-chain.pem", b"")),
            [Difference::Unreadable {
                file: "cert-chain.pem",
                why: ReadError::NoCertificate
            }]
        );
        let labels = Vec::new();
        assert_eq!(
            after(put("ca-key.pem", b"")),
            [Difference::Unreadable {
                file: "ca-key.pem",
                why: ReadError::Key(KeyError::Blocks { labels })
            }]
        );
    }

    #[test]
    fn poison_is_told_by_what_it_does() {
        let found = after(|files| {
            for file in ["tls.crt", "istio-generated", "ca-crl.pem", "notes"] {
                files.insert(file.to_owned(), Vec::new());
            }
        });
        assert_eq!(
            found,
            [
                Difference::Poison {
                    file: "tls.crt",
                    why: Poison::Overrules
                },
                Difference::Poison {
                    file: "istio-generated",
                    why: Poison::Generated
                },
                Difference::Poison {
                    file: "ca-crl.pem",
                    why: Poison::Revocations
                },
            ]
        );
        let mut key_too = data(Format::Istio);
        key_too.insert("tls.key".to_owned(), Vec::new());
        assert_eq!(
            Live::read(&key_too).format(),
            Some(Format::Istio),
            "without tls.crt"
        );
        let mut both = data(Format::Istio);
        both.extend(data(Format::KubernetesTls));
        both.insert("notes".to_owned(), Vec::new());
        let live = Live::read(&both);
        assert_eq!(live.format(), Some(Format::KubernetesTls));
        assert_eq!(live.layouts(), Format::ALL);
        assert_eq!(differences(&bundle(Format::KubernetesTls), &live), []);
        assert_eq!(live.other_files(), ["notes"]);
    }

    #[test]
    fn a_chain_is_found_although_the_files_hold_more() {
        let mut files = data(Format::Istio);
        let stranger = Ca::root(Spec::ca("stranger")).certificate;
        append(&mut files, "root-cert.pem", &stranger.to_pem());
        // As TSE's recipe writes it: everything in the certificate's file too.
        append(&mut files, "ca-cert.pem", &MADE[1].certificate.to_pem());
        let live = Live::read(&files);
        assert_eq!(live.chain().unwrap().path(), certificates(&MADE));
    }

    proptest! {
        #[test]
        fn no_data_makes_the_reader_panic(
            files in prop::collection::btree_map(
                "ca-cert.pem|ca-key.pem|cert-chain.pem|root-cert.pem|tls.crt|tls.key|ca.crt|x",
                prop::collection::vec(any::<u8>(), 0..50),
                0..8,
            )
        ) {
            let live = Live::read(&files);
            let _ = (live.format(), live.layouts(), live.chain(), live.key_matches());
            let _ = private_key(&files);
            for format in Format::ALL {
                prop_assert!(!differences(&bundle(format), &live).is_empty());
            }
        }
    }
}
