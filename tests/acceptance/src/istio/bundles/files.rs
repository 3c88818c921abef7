//! From a draft to the files of a Secret.

use std::cell::RefCell;
use std::collections::HashMap;

use jiff::Timestamp;
use x509_cert::der::pem::{self, LineEnding};

use super::draft::Draft;
use super::recipe::{Crl, File, Item, Junk, KeyForm, Layout, Stranger};
use super::{Files, Recipe};
use crate::istio::hierarchy::{Authority, Basic, DAY};
use crate::istio::keys::{Hash, Key, KeyId, Kind, Owner};

/// The files of a recipe, and those before them.
pub(super) fn of(recipe: &Recipe, now: Timestamp) -> (Files, Option<Files>) {
    let (draft, previous) = Draft::of(recipe);
    (draft.files(now), previous.map(|draft| draft.files(now)))
}

impl Draft {
    fn files(&self, now: Timestamp) -> Files {
        let mut files = Files::new();
        if self.layout != Layout::Tls {
            self.add(&mut files, now, &ISTIO, &self.cert);
        }
        match self.layout {
            Layout::Istio => {}
            Layout::Tls => self.add(&mut files, now, &TLS, &self.cert),
            Layout::Both => self.add(&mut files, now, &TLS, &self.chain),
            Layout::BothButOther => {
                let other = self.under_the_stranger();
                let cert: Vec<Item> = (1..other.path.len()).rev().map(Item::Of).collect();
                other.add(&mut files, now, &TLS, &cert);
            }
        }
        if let Some(crl) = self.crl {
            let content = self.revocation_lists(crl, now);
            files.insert("ca-crl.pem".to_owned(), content.into_bytes());
        }
        files.extend(
            self.empty
                .iter()
                .map(|name| ((*name).to_owned(), Vec::new())),
        );
        files
    }

    fn add(&self, files: &mut Files, now: Timestamp, names: &[(File, &str)], cert: &[Item]) {
        for (file, name) in names {
            let list = |items: &[Item]| items.iter().map(|item| self.block(*item, now)).collect();
            let mut text: Option<String> = Some(match file {
                File::Cert => list(cert),
                File::Chain => list(&self.chain),
                File::Roots => list(&self.roots),
                File::Key => self.key_file(now),
            });
            for (_, noise) in self.text.iter().filter(|(which, _)| which == file) {
                text = text.and_then(|text| noise.on(&text));
            }
            files.extend(text.map(|text| ((*name).to_owned(), text.into_bytes())));
        }
    }

    fn block(&self, item: Item, now: Timestamp) -> String {
        let known = |tier: usize| tier.min(self.path.len() - 1);
        match item {
            Item::Of(tier) => self.certificate(known(tier), now, |_| {}),
            Item::Earlier(tier) => self.certificate(known(tier), now, |authority| {
                authority.serial = EARLIER;
                authority.last(-60 * DAY, 30 * DAY);
            }),
            Item::Ended(tier) => self.certificate(known(tier), now, |authority| {
                authority.serial = EARLIER;
                authority.last(-60 * DAY, -DAY);
            }),
            Item::Stranger(stranger) => self.stranger(stranger, now),
            Item::Junk(Junk::NoCertificate) => armoured(CERTIFICATE, b"this is no certificate"),
            Item::Junk(Junk::Nothing) => armoured(CERTIFICATE, b""),
            Item::Junk(Junk::Crl) => armoured(LIST, &self.path[0].revocation_list(now)),
            Item::Junk(Junk::Key) => self.own_key().pkcs8.clone(),
        }
    }

    fn certificate(&self, tier: usize, now: Timestamp, but: impl Fn(&mut Authority)) -> String {
        let mut subject = self.path[tier].clone();
        but(&mut subject);
        let issuer = &self.path[tier.saturating_sub(1)];
        made(&subject, issuer, now)
    }

    fn stranger(&self, stranger: Stranger, now: Timestamp) -> String {
        let key = |kind| KeyId {
            kind,
            owner: Owner::Stranger,
        };
        let mut root = Authority::new("Third root", key(Kind::P256));
        match stranger {
            Stranger::Root => return made(&self.stranger, &self.stranger, now),
            Stranger::EndedRoot => root.last(-60 * DAY, -DAY),
            Stranger::FutureRoot => root.last(DAY, 60 * DAY),
            Stranger::Sha1Root => root.hash = Hash::Sha1,
            Stranger::WeakRoot => root.key = key(Kind::Rsa1024),
            Stranger::Namesake => root.name.clone_from(&self.path[0].name),
            Stranger::CrossSigned => return made(&self.path[0], &self.stranger, now),
            Stranger::NoCa => {
                root.basic = Some(Basic {
                    ca: false,
                    path_length: None,
                });
            }
            Stranger::Intermediate => return made(&root, &self.stranger, now),
        }
        made(&root, &root, now)
    }

    fn own_key(&self) -> &'static Key {
        self.path[self.path.len() - 1].key.key()
    }

    fn key_file(&self, now: Timestamp) -> String {
        let key = self.own_key();
        let somebodys = |owner| {
            let kind = key.kind();
            KeyId { kind, owner }.key().pkcs8.clone()
        };
        let relabelled = |text: &str, from: &str, to: &str| text.replace(from, to);
        let old = old_label(key.kind());
        match self.key {
            KeyForm::Pkcs8 => key.pkcs8.clone(),
            KeyForm::Traditional => key.traditional.clone(),
            KeyForm::Mislabelled => relabelled(&key.pkcs8, PKCS8, old),
            KeyForm::MislabelledBack => relabelled(&key.traditional, old, PKCS8),
            KeyForm::Encrypted => key.encrypted.clone(),
            KeyForm::AfterParameters => {
                armoured("EC PARAMETERS", &P256_PARAMETERS) + &key.traditional
            }
            KeyForm::AfterCertificate => self.block(self.cert_or_own(), now) + &key.pkcs8,
            KeyForm::BeforeCertificate => key.pkcs8.clone() + &self.block(self.cert_or_own(), now),
            KeyForm::Another => somebodys(Owner::Stranger),
            KeyForm::Earlier => somebodys(Owner::EarlierIntermediate),
            KeyForm::Public => armoured("PUBLIC KEY", &key.public),
        }
    }

    fn cert_or_own(&self) -> Item {
        let own = Item::Of(self.path.len() - 1);
        self.cert.first().copied().unwrap_or(own)
    }

    fn revocation_lists(&self, crl: Crl, now: Timestamp) -> String {
        let all = self.path.len();
        let of = |authorities: &[Authority]| {
            let lists = authorities.iter().rev();
            lists
                .map(|authority| armoured(LIST, &authority.revocation_list(now)))
                .collect()
        };
        match crl {
            Crl::Complete => of(&self.path),
            Crl::WithoutIntermediate => of(&self.path[..all - 1]),
            Crl::WithoutRoot => of(&self.path[1..]),
            Crl::Foreign => of(std::slice::from_ref(&self.stranger)),
            Crl::Junk => armoured(LIST, b"this is no list"),
            Crl::Empty => String::new(),
        }
    }
}

/// A certificate as PEM. What was made once for the same moment is taken again: most bundles share
/// most of their certificates.
fn made(subject: &Authority, issuer: &Authority, now: Timestamp) -> String {
    thread_local! {
        static MADE: RefCell<HashMap<(Authority, Authority, Timestamp), String>> =
            RefCell::default();
    }
    MADE.with_borrow_mut(|made| {
        if made.len() > MANY {
            made.clear();
        }
        made.entry((subject.clone(), issuer.clone(), now))
            .or_insert_with(|| armoured(CERTIFICATE, &subject.certificate(issuer, now)))
            .clone()
    })
}

/// The names of the files, by what is in them.
const ISTIO: [(File, &str); 4] = [
    (File::Cert, "ca-cert.pem"),
    (File::Key, "ca-key.pem"),
    (File::Chain, "cert-chain.pem"),
    (File::Roots, "root-cert.pem"),
];
const TLS: [(File, &str); 3] = [
    (File::Cert, "tls.crt"),
    (File::Key, "tls.key"),
    (File::Roots, "ca.crt"),
];

const CERTIFICATE: &str = "CERTIFICATE";
const LIST: &str = "X509 CRL";
const PKCS8: &str = "PRIVATE KEY";

/// `ECParameters` that name the curve P-256, as `openssl ecparam -genkey` writes them.
const P256_PARAMETERS: [u8; 10] = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];

const EARLIER: u32 = 3;
const MANY: usize = 20_000;

fn old_label(kind: Kind) -> &'static str {
    match kind {
        Kind::Rsa1024 | Kind::Rsa2048 | Kind::Rsa4096 => "RSA PRIVATE KEY",
        Kind::P256 | Kind::P384 | Kind::P521 | Kind::Ed25519 => "EC PRIVATE KEY",
    }
}

fn armoured(label: &str, der: &[u8]) -> String {
    pem::encode_string(label, LineEnding::LF, der)
        .expect("a certificate or a key is far below the limit of PEM")
}
