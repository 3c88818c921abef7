//! Whom an API server is known by, and whom it knows.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

use super::User;

/// The CA's certificate, in the server's directory.
pub(super) const CA_FILE: &str = "ca.pem";
pub(super) const SERVER_CERTIFICATE: &str = "server.pem";
pub(super) const SERVER_KEY: &str = "server.key";
pub(super) const ACCOUNTS_PUBLIC: &str = "accounts.pem";
pub(super) const ACCOUNTS_KEY: &str = "accounts.key";
pub(super) const USERS_FILE: &str = "users.csv";

/// How many users there are besides the administrator.
const USERS: usize = 500;

/// A CA of this server's own, so that another server is another cluster; what it serves with; what
/// it signs service accounts' tokens with.
pub(super) struct Identity {
    pub(super) ca_pem: String,
    server_pem: String,
    server_key: KeyPair,
    accounts: KeyPair,
}

impl Identity {
    pub(super) fn generate() -> Result<Self, rcgen::Error> {
        let (ca_key, server_key) = (KeyPair::generate()?, KeyPair::generate()?);
        let mut ca = CertificateParams::default();
        ca.distinguished_name
            .push(DnType::CommonName, "test cluster");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        let ca_pem = ca.self_signed(&ca_key)?.pem();
        let mut server = CertificateParams::new(["127.0.0.1".to_owned(), "localhost".to_owned()])?;
        server
            .distinguished_name
            .push(DnType::CommonName, "kube-apiserver");
        let server_pem = server
            .signed_by(&server_key, &Issuer::new(ca, ca_key))?
            .pem();
        Ok(Self {
            ca_pem,
            server_pem,
            server_key,
            accounts: KeyPair::generate()?,
        })
    }

    pub(super) fn write(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)?;
        fs::write(dir.join(CA_FILE), &self.ca_pem)?;
        fs::write(dir.join(SERVER_CERTIFICATE), &self.server_pem)?;
        fs::write(dir.join(SERVER_KEY), self.server_key.serialize_pem())?;
        fs::write(dir.join(ACCOUNTS_PUBLIC), self.accounts.public_key_pem())?;
        fs::write(dir.join(ACCOUNTS_KEY), self.accounts.serialize_pem())
    }
}

/// The administrator and the users, with tokens that no other run has.
pub(super) fn users() -> io::Result<(User, Vec<User>)> {
    let mut chance = File::open("/dev/urandom")?;
    let mut user = |name: String| {
        let mut token = [0; 16];
        chance.read_exact(&mut token)?;
        Ok::<_, io::Error>(User {
            name,
            token: format!("{:032x}", u128::from_be_bytes(token)),
        })
    };
    let users = (1..=USERS)
        .map(|number| user(format!("user-{number}")))
        .collect::<Result<_, _>>()?;
    Ok((user("admin".to_owned())?, users))
}

/// As `--token-auth-file` wants it: token, name, uid, groups.
pub(super) fn write_users(dir: &Path, admin: &User, users: &[User]) -> io::Result<()> {
    let mut lines = format!(
        "{},{},{},\"system:masters\"\n",
        admin.token, admin.name, admin.name
    );
    for User { name, token } in users {
        lines.push_str(&format!("{token},{name},{name}\n"));
    }
    fs::write(dir.join(USERS_FILE), lines)
}
