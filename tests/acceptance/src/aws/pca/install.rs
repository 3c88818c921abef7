//! A CA's own certificate: signed by itself or by its parent.

use jiff::Timestamp;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::KeyUsages;
use x509_cert::name::Name;

use super::super::x509::certificate::{Draft, Serial};
use super::super::x509::extension::{
    authority_key_identifier, basic_constraints, key_identifier, key_usage, subject_key_identifier,
};
use super::super::x509::key::CaKey;
use super::arn::CaArn;
use super::authority::{Authorities, Installed};
use super::validity::BACKDATING;

/// Who signs: the CA itself, with an empty chain, or its parent.
pub(super) struct Signer<'a> {
    name: &'a Name,
    key: &'a CaKey,
    key_identifier: Vec<u8>,
    chain: Vec<Vec<u8>>,
}

impl<'a> Signer<'a> {
    /// The parent as it is now, or the CA itself by its name and key.
    pub(super) fn of(
        authorities: &'a Authorities,
        parent: Option<&CaArn>,
        name: &'a Name,
        key: &'a CaKey,
    ) -> Self {
        match parent.and_then(|parent| authorities.find(parent)) {
            Some(parent) => Self {
                name: &parent.subject,
                key: &parent.key,
                key_identifier: parent.installed.key_identifier.clone(),
                chain: parent.path(),
            },
            None => Self {
                name,
                key,
                key_identifier: key_identifier(&key.public_key()),
                chain: Vec::new(),
            },
        }
    }

    /// The certificate for `subject` and `key`, from an hour before `now` on.
    pub(super) fn install(
        self,
        subject: &Name,
        key: &CaKey,
        path_length: Option<u8>,
        now: Timestamp,
        not_after: Timestamp,
    ) -> Installed {
        let public_key = key.public_key();
        let own = key_identifier(&public_key);
        let draft = Draft {
            serial: Serial::random(),
            issuer: self.name,
            not_before: now - BACKDATING,
            not_after,
            subject,
            public_key: &public_key,
            extensions: self.extensions(&own, path_length),
        };
        let signed = draft.sign(self.key, self.key.usual_signing_algorithm());
        Installed {
            certificate: signed.expect("a key signs with the usual algorithm of its kind"),
            serial: draft.serial,
            not_before: draft.not_before,
            chain: self.chain,
            not_after,
            path_length,
            key_identifier: own,
        }
    }

    /// As `RootCACertificate/V1` and the subordinate templates have them.
    fn extensions(&self, own: &[u8], path_length: Option<u8>) -> Vec<Extension> {
        let usages = KeyUsages::DigitalSignature | KeyUsages::KeyCertSign | KeyUsages::CRLSign;
        let mut extensions = vec![
            basic_constraints(true, path_length, true),
            subject_key_identifier(own),
            key_usage(usages, true),
        ];
        if !self.chain.is_empty() {
            extensions.push(authority_key_identifier(&self.key_identifier));
        }
        extensions
    }
}
