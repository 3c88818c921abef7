//! The issuing CA as a look at a certificate finds it: until when it can issue, and whether it is
//! still the one that signed.

use super::examine::path_of;
use super::{Issuance, Issued, Notes};
use crate::clients::Clients;
use crate::pca::Until;
use crate::pki::{Certificate, Chain, Fingerprint, Horizon};
use crate::resources::words::{self, Instance};
use crate::terraform::{Call, Diagnostic};

/// What a CA's certificate has become since it signed.
#[derive(Debug, PartialEq)]
pub(in crate::resources) enum Issuer {
    /// Another certificate, for the same key.
    Reissued,
    /// Another key.
    Rekeyed,
    /// A path to another root.
    Rerooted {
        /// The root of the certificate in use.
        last: Fingerprint,
        /// The root that the CA leads to now.
        found: Fingerprint,
    },
}

/// Notes until when the CA can issue, and tells what it has become since it signed the certificate
/// whose PEM chain this is.
///
/// Where AWS does not tell, what was known stays and nothing is said: a role that may only plan
/// needs no access to the CA.
pub(in crate::resources) async fn look_at_issuer(
    call: &Call<'_, Clients>,
    instance: &Instance,
    settings: &Issuance,
    issued: &Issued,
    chain: Option<&str>,
    notes: &mut Notes,
) -> Option<Diagnostic> {
    let arn = &settings.certificate_authority_arn;
    let signer = first(chain?)?;
    let client = call.clients.authority(arn).ok()?;
    let pem = client.glimpse(Until::new(call.deadline, &call.stop)).await;
    let authority = path_of(pem?).ok()?;
    notes.horizon = Some(Horizon::of(&authority));
    let since = since(&signer, issued.root_sha256, &authority)?;
    let (former, now) = (signer.not_after(), authority.certificate().not_after());
    let renew_at = issued.renew_at;
    Some(words::issuer_changed(
        instance,
        arn,
        &since,
        (former, now),
        renew_at,
    ))
}

/// The issuing CA's own certificate in a chain as the state keeps it.
fn first(chain: &str) -> Option<Certificate> {
    Certificate::parse_all(chain).ok()?.into_iter().next()
}

/// What became of the CA that signed under that root; `None` where it is as it was.
fn since(signer: &Certificate, root: Option<Fingerprint>, authority: &Chain) -> Option<Issuer> {
    let (now, found) = (authority.certificate(), authority.root().sha256());
    if let Some(last) = root.filter(|last| *last != found) {
        return Some(Issuer::Rerooted { last, found });
    }
    if now.public_key() != signer.public_key() {
        return Some(Issuer::Rekeyed);
    }
    (now.sha256() != signer.sha256()).then_some(Issuer::Reissued)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::testing::{Ca, Spec};

    fn authority(root: &Ca, ca: &Ca) -> Chain {
        let above = vec![root.certificate.clone()];
        Chain::assemble(ca.certificate.clone(), above).expect("a chain")
    }

    fn ca(root: &Ca) -> Ca {
        root.sign(Spec::ca("authority").path_length(1))
    }

    #[test]
    fn a_ca_that_is_as_it_was_is_not_spoken_of() {
        let root = Ca::root(Spec::ca("root"));
        let (ca, sha256) = (ca(&root), root.certificate.sha256());
        let chain = authority(&root, &ca);
        assert_eq!(since(&ca.certificate, Some(sha256), &chain), None);
        let read = first(&format!(
            "{}{}",
            ca.certificate.to_pem(),
            root.certificate.to_pem()
        ));
        assert_eq!(read, Some(ca.certificate));
    }

    #[test]
    fn another_key_and_another_root_are_told_apart() {
        let (root, other) = (Ca::root(Spec::ca("root")), Ca::root(Spec::ca("root")));
        let (before, sha256) = (ca(&root), root.certificate.sha256());
        let rekeyed = authority(&root, &ca(&root));
        assert_eq!(
            since(&before.certificate, Some(sha256), &rekeyed),
            Some(Issuer::Rekeyed)
        );
        let rerooted = authority(&other, &ca(&other));
        let expected = Issuer::Rerooted {
            last: sha256,
            found: other.certificate.sha256(),
        };
        assert_eq!(
            since(&before.certificate, Some(sha256), &rerooted),
            Some(expected)
        );
    }
}
