//! For tests: hierarchies made in a moment by rcgen, and openssl as the witness from outside.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    SerialNumber, date_time_ymd,
};

use super::{Certificate, KeyAlgorithm, PrivateKey};

/// The second in which all certificates of these tests begin: 2026-01-01T00:00:00Z.
pub(crate) const START: i64 = 1_767_225_600;
pub(crate) const DAY: i64 = 86_400;

/// What a certificate is to be like; a CA with ten years unless said otherwise.
#[derive(Clone)]
pub(crate) struct Spec {
    pub(crate) name: String,
    pub(crate) is_ca: IsCa,
    pub(crate) key_usages: Vec<KeyUsagePurpose>,
    pub(crate) roles: Vec<ExtendedKeyUsagePurpose>,
    pub(crate) key_identifiers: bool,
    pub(crate) seconds: i64,
    /// Whatever else is to be changed.
    pub(crate) tweak: fn(&mut CertificateParams),
}

impl Spec {
    pub(crate) fn ca(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            is_ca: IsCa::Ca(BasicConstraints::Unconstrained),
            key_usages: vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign],
            roles: Vec::new(),
            key_identifiers: true,
            seconds: 3650 * DAY,
            tweak: |_| {},
        }
    }

    pub(crate) fn path_length(mut self, length: u8) -> Self {
        self.is_ca = IsCa::Ca(BasicConstraints::Constrained(length));
        self
    }

    pub(crate) fn days(self, days: i64) -> Self {
        self.seconds(days * DAY)
    }

    pub(crate) fn seconds(mut self, seconds: i64) -> Self {
        self.seconds = seconds;
        self
    }

    pub(crate) fn tweak(mut self, tweak: fn(&mut CertificateParams)) -> Self {
        self.tweak = tweak;
        self
    }

    pub(crate) fn change(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn params(&self) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, &self.name);
        params.is_ca = self.is_ca;
        params.key_usages = self.key_usages.clone();
        params.extended_key_usages = self.roles.clone();
        params.use_authority_key_identifier_extension = self.key_identifiers;
        let second = |second: i64| {
            date_time_ymd(1970, 1, 1) + Duration::from_secs(u64::try_from(second).unwrap())
        };
        params.not_before = second(START);
        params.not_after = second(START + self.seconds);
        (self.tweak)(&mut params);
        params
    }
}

/// A certificate with its key, ready to sign others.
pub(crate) struct Ca {
    pub(crate) certificate: Certificate,
    pub(crate) key: PrivateKey,
    spec: Spec,
}

impl Ca {
    pub(crate) fn root(spec: Spec) -> Self {
        Self::root_with(spec, KeyAlgorithm::EcPrime256v1)
    }

    pub(crate) fn root_with(spec: Spec, algorithm: KeyAlgorithm) -> Self {
        let key = PrivateKey::generate(algorithm).unwrap();
        let made = spec.params().self_signed(&key_pair(&key)).unwrap();
        Self {
            certificate: Certificate::from_der(made.der()).unwrap(),
            key,
            spec,
        }
    }

    /// Like [`sign`](Self::sign), with a change that depends on more than the spec.
    pub(crate) fn sign_tweaked(
        &self,
        spec: Spec,
        tweak: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let key = PrivateKey::generate(KeyAlgorithm::EcPrime256v1).unwrap();
        let issuer = Issuer::new(self.spec.params(), key_pair(&self.key));
        let mut params = spec.params();
        tweak(&mut params);
        let made = params.signed_by(&key_pair(&key), &issuer).unwrap();
        Self {
            certificate: Certificate::from_der(made.der()).unwrap(),
            key,
            spec,
        }
    }

    pub(crate) fn sign(&self, spec: Spec) -> Self {
        let key = PrivateKey::generate(KeyAlgorithm::EcPrime256v1).unwrap();
        Self {
            certificate: self.certify(&spec, &key),
            key,
            spec,
        }
    }

    /// A certificate of this CA over a key that is there already.
    pub(crate) fn certify(&self, spec: &Spec, key: &PrivateKey) -> Certificate {
        let issuer = Issuer::new(self.spec.params(), key_pair(&self.key));
        let made = spec.params().signed_by(&key_pair(key), &issuer).unwrap();
        Certificate::from_der(made.der()).unwrap()
    }

    /// A list of revoked certificates of this CA as PEM, from one day to another.
    pub(crate) fn revocation_list(
        &self,
        days: std::ops::Range<u64>,
        tweak: impl FnOnce(&mut CertificateRevocationListParams),
    ) -> String {
        let start = date_time_ymd(1970, 1, 1) + Duration::from_secs(START.unsigned_abs());
        let day = |day: u64| start + Duration::from_secs(day * DAY.unsigned_abs());
        let mut params = CertificateRevocationListParams {
            this_update: day(days.start),
            next_update: day(days.end),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: vec![],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        tweak(&mut params);
        let issuer = Issuer::new(self.spec.params(), key_pair(&self.key));
        let list = params.signed_by(&issuer).unwrap().pem().unwrap();
        list.replace("\r\n", "\n")
    }

    /// A root once more over its key, as another one says.
    pub(crate) fn renewed(&self, spec: Spec) -> Self {
        Self {
            certificate: self.certify(&spec, &self.key),
            key: PrivateKey::from_pem(self.key.to_pem().expose()).unwrap(),
            spec,
        }
    }

    /// This CA's name and key once more, under another issuer.
    pub(crate) fn cross_signed_by(&self, other: &Self) -> Certificate {
        other.certify(&self.spec, &self.key)
    }
}

fn key_pair(key: &PrivateKey) -> KeyPair {
    KeyPair::from_pem(key.to_pem().expose()).unwrap()
}

/// A root, AWS-like authorities below it, and a mesh's intermediate; leafmost first.
pub(crate) fn hierarchy(authorities: u8) -> Vec<Ca> {
    let mut chain = vec![Ca::root(Spec::ca("root"))];
    for level in 0..authorities {
        let spec = Spec::ca(&format!("authority {level}")).path_length(authorities - level);
        let next = chain[chain.len() - 1].sign(spec.days(1825));
        chain.push(next);
    }
    let mesh = chain[chain.len() - 1].sign(Spec::ca("mesh").path_length(0).days(90));
    chain.push(mesh);
    chain.reverse();
    chain
}

pub(crate) fn certificates(chain: &[Ca]) -> Vec<Certificate> {
    chain.iter().map(|ca| ca.certificate.clone()).collect()
}

/// Runs openssl and insists that it succeeds; gives its standard output.
#[track_caller]
pub(crate) fn openssl(arguments: &[&str], input: impl AsRef<[u8]>) -> Vec<u8> {
    let (succeeded, output, complaint) = run_openssl(arguments, input.as_ref());
    assert!(succeeded, "openssl {arguments:?}: {complaint}");
    output
}

#[track_caller]
pub(crate) fn openssl_text(arguments: &[&str], input: impl AsRef<[u8]>) -> String {
    String::from_utf8(openssl(arguments, input)).unwrap()
}

/// Whether openssl succeeds, its standard output, and its complaint.
pub(crate) fn run_openssl(arguments: &[&str], input: &[u8]) -> (bool, Vec<u8>, String) {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl is on PATH");
    // openssl may end without reading: then only its exit status counts.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.success(), output.stdout, complaint)
}

/// A directory of its own, gone with the value.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("istiopca-pki-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Writes a file and gives its path.
    pub(crate) fn file(&self, name: &str, contents: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, contents).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
