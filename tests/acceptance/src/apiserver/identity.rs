//! Whom an API server is known by, and whom it knows.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};

use super::User;

/// The CA's certificate, in the server's directory.
pub(super) const CA_FILE: &str = "ca.pem";
/// The certificate of the CA whose clients are known, in the server's directory.
pub(super) const CLIENT_CA_FILE: &str = "client-ca.pem";
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
    pub(super) clients: ClientCa,
}

/// The CA whose clients the API server knows by their certificates.
pub(super) struct ClientCa {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A client certificate, and its key.
#[derive(Clone)]
pub struct ClientCertificate {
    /// PEM.
    pub certificate_pem: String,
    /// PKCS#8 in PEM.
    pub key_pem: String,
}

impl Identity {
    pub(super) fn generate() -> Result<Self, rcgen::Error> {
        let (ca_key, server_key) = (KeyPair::generate()?, KeyPair::generate()?);
        let ca = authority("test cluster");
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
            clients: ClientCa::generate()?,
        })
    }

    pub(super) fn write(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)?;
        fs::write(dir.join(CA_FILE), &self.ca_pem)?;
        fs::write(dir.join(CLIENT_CA_FILE), &self.clients.pem)?;
        fs::write(dir.join(SERVER_CERTIFICATE), &self.server_pem)?;
        fs::write(dir.join(SERVER_KEY), self.server_key.serialize_pem())?;
        fs::write(dir.join(ACCOUNTS_PUBLIC), self.accounts.public_key_pem())?;
        fs::write(dir.join(ACCOUNTS_KEY), self.accounts.serialize_pem())
    }
}

impl ClientCa {
    fn generate() -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate()?;
        let ca = authority("clients of the test cluster");
        Ok(Self {
            pem: ca.self_signed(&key)?.pem(),
            issuer: Issuer::new(ca, key),
        })
    }

    /// A certificate for a user, whose name is the common name and whose groups are organizations.
    pub(super) fn issue(
        &self,
        user: &str,
        group: Option<&str>,
    ) -> Result<ClientCertificate, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut client = CertificateParams::default();
        client.distinguished_name = DistinguishedName::new();
        client.distinguished_name.push(DnType::CommonName, user);
        if let Some(group) = group {
            client
                .distinguished_name
                .push(DnType::OrganizationName, group);
        }
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        Ok(ClientCertificate {
            certificate_pem: client.signed_by(&key, &self.issuer)?.pem(),
            key_pem: key.serialize_pem(),
        })
    }
}

/// Whose it is is in the certificate; the key is nobody's business.
impl std::fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ClientCertificate")
            .field(&self.certificate_pem)
            .finish()
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut ca = CertificateParams::default();
    ca.distinguished_name.push(DnType::CommonName, name);
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    ca
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
