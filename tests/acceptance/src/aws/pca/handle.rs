//! CAs looked at and changed from Rust, past the API.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::super::World;
use super::super::x509::certificate::{armoured, armoured_chain};
use super::super::x509::key::CaKey;
use super::access::RamPermission;
use super::arn::CaArn;
use super::authority::{Authority, Status, UsageMode};
use super::install::Signer;

/// A CA that exists.
#[derive(Clone, Debug)]
pub struct CaHandle {
    world: Arc<World>,
    arn: CaArn,
}

/// A certificate that a CA has issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedCertificate {
    /// The certificate's own ARN.
    pub arn: String,
    /// 32 hex digits.
    pub serial: String,
    /// The template's name with its version, such as `SubordinateCACertificate_PathLen0/V1`.
    pub template: String,
    /// The end of its validity.
    pub not_after: Timestamp,
    /// PEM, without a newline at the end.
    pub certificate_pem: String,
    /// The reason, if it has been revoked.
    pub revoked: Option<String>,
}

impl CaHandle {
    /// Its ARN.
    pub fn arn(&self) -> String {
        self.arn.to_string()
    }

    /// The account that owns it.
    pub fn account(&self) -> String {
        self.arn.account.clone()
    }

    /// The Region that it is in.
    pub fn region(&self) -> String {
        self.arn.region.clone()
    }

    /// The ARN of a template in its partition, by a name such as `EndEntityCertificate`.
    pub fn template_arn(&self, name: &str) -> String {
        format!("arn:{}:acm-pca:::template/{name}/V1", self.arn.partition)
    }

    /// Its own certificate, PEM without a newline at the end.
    pub fn certificate_pem(&self) -> String {
        self.with(|authority| armoured(&authority.installed.certificate))
    }

    /// Its parents, nearest first, PEM without a newline at the end; empty for a root.
    pub fn chain_pem(&self) -> String {
        self.with(|authority| armoured_chain(&authority.installed.chain))
    }

    /// The root that it chains to, PEM without a newline at the end.
    pub fn root_pem(&self) -> String {
        self.with(|authority| {
            authority
                .path()
                .last()
                .map(|root| armoured(root))
                .unwrap_or_default()
        })
    }

    /// The end of its certificate.
    pub fn not_after(&self) -> Timestamp {
        self.with(|authority| authority.installed.not_after)
    }

    /// What it has issued by the API, by serial number.
    pub fn issued(&self) -> Vec<IssuedCertificate> {
        self.with(|authority| {
            let issued = authority.issued.iter();
            issued
                .map(|(serial, issued)| IssuedCertificate {
                    arn: authority.arn.certificate(&serial.hex()),
                    serial: serial.hex(),
                    template: issued.template.clone(),
                    not_after: issued.not_after,
                    certificate_pem: armoured(&issued.certificate),
                    revoked: issued.revoked.clone(),
                })
                .collect()
        })
    }

    /// Puts it into a state.
    pub fn set_status(&self, status: Status) {
        let now = self.world.now();
        self.change(|authority| {
            authority.status = status;
            authority.status_changed = now;
        });
    }

    /// Changes what it is for. On AWS this is fixed for life.
    pub fn set_usage_mode(&self, usage_mode: UsageMode) {
        self.change(|authority| authority.usage_mode = usage_mode);
    }

    /// Shares it with another account; several permissions add up.
    pub fn share_with(&self, account: &str, permission: RamPermission) {
        self.change(|authority| {
            let permissions = authority.shares.entry(account.to_owned());
            permissions.or_default().push(permission);
        });
    }

    /// Takes every share from an account.
    pub fn unshare(&self, account: &str) {
        self.change(|authority| _ = authority.shares.remove(account));
    }

    /// Installs a new certificate for the same key, from now on for `lifetime`, signed by the
    /// parent as it is today.
    pub fn renew_certificate(&self, lifetime: SignedDuration) {
        let end = self.world.now() + lifetime;
        self.reinstall(None, end);
    }

    /// Gives it a new key of the same kind and a certificate for it that ends when the old one
    /// does. AWS cannot do this to a CA; it stands for one that was taken down and set up anew
    /// under an ARN that is kept elsewhere.
    pub fn rekey(&self) {
        let key = CaKey::generate(self.with(|authority| authority.key.algorithm()));
        self.reinstall(Some(key), self.not_after());
    }

    /// Removes it as if its time for restoration had passed: nobody knows it any more, and
    /// this handle must not be asked about it either.
    pub fn purge(&self) {
        self.world.authorities().remove(&self.arn);
    }

    pub(super) fn new(world: Arc<World>, arn: CaArn) -> Self {
        Self { world, arn }
    }

    pub(super) fn ca_arn(&self) -> &CaArn {
        &self.arn
    }

    /// Looks at the CA, which is there until it is purged.
    pub(super) fn with<T>(&self, look: impl FnOnce(&Authority) -> T) -> T {
        let authorities = self.world.authorities();
        look(
            authorities
                .find(&self.arn)
                .expect("a CA is there until it is purged"),
        )
    }

    fn reinstall(&self, key: Option<CaKey>, end: Timestamp) {
        let now = self.world.now();
        let mut authorities = self.world.authorities();
        let Some(mut authority) = authorities.take(&self.arn) else {
            return;
        };
        authority.key = key.unwrap_or(authority.key);
        let (subject, key) = (&authority.subject, &authority.key);
        let signer = Signer::of(&authorities, authority.parent.as_ref(), subject, key);
        let path_length = authority.installed.path_length;
        authority.installed = signer.install(subject, key, path_length, now, end);
        authorities.put_back(authority);
    }

    fn change(&self, change: impl FnOnce(&mut Authority)) {
        if let Some(authority) = self.world.authorities().find_mut(&self.arn) {
            change(authority);
        }
    }
}
