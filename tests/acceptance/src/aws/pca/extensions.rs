//! Which extensions a certificate gets, and from whom: template before API before CSR.

use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::ext::Extension;

use super::super::x509::csr::Csr;
use super::super::x509::extension::{
    authority_key_identifier, crl_distribution_point, key_identifier, subject_key_identifier,
};
use super::authority::Authority;
use super::template::Template;

const SUBJECT_ALTERNATIVE_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");

/// The extensions of a certificate for `public_key` (`SubjectPublicKeyInfo`, DER); `api` is empty
/// where the template ignores `ApiPassthrough`.
pub(super) fn assembled(
    template: Template,
    authority: &Authority,
    csr: &Csr,
    public_key: &[u8],
    api: &[Extension],
) -> Vec<Extension> {
    let mut chosen = template.extensions();
    chosen.push(authority_key_identifier(
        &authority.installed.key_identifier,
    ));
    chosen.push(subject_key_identifier(&key_identifier(public_key)));
    chosen.extend(
        authority
            .crl_address()
            .and_then(|url| crl_distribution_point(&url)),
    );
    add_missing(&mut chosen, api);
    // The names in the CSR pass with every template, everything else only where the template says
    // so.
    let passes =
        |extension: &&Extension| template.csr || extension.extn_id == SUBJECT_ALTERNATIVE_NAME;
    add_missing(&mut chosen, csr.extensions.iter().filter(passes));
    chosen
}

fn add_missing<'a>(chosen: &mut Vec<Extension>, more: impl IntoIterator<Item = &'a Extension>) {
    for extension in more {
        if !chosen
            .iter()
            .any(|other| other.extn_id == extension.extn_id)
        {
            chosen.push(extension.clone());
        }
    }
}

impl Authority {
    /// Where its CRL would be, if it keeps one.
    fn crl_address(&self) -> Option<String> {
        let bucket = self.crl_bucket.as_ref()?;
        Some(format!(
            "http://{bucket}.s3.{}.amazonaws.com/crl/{}.crl",
            self.arn.region, self.arn.id
        ))
    }
}
