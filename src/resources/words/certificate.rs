//! What there is to tell about a certificate.

use super::Instance;
use crate::pca::CertificateArn;
use crate::resources::issue::Issued;
use crate::terraform::{Diagnostic, Path};

/// Said once, when the resource is made.
pub(in crate::resources) fn key_in_state(instance: &Instance) -> Diagnostic {
    instance
        .warning(
            "its private key is kept in the state, in clear",
            &[
                "Who can read the state can sign certificates that the whole mesh trusts.",
                "Encrypt the state and let few read it, or use the block `intermediate {}` of \
                 `istiopca_cacerts_secret`, with which the key is in the cluster's Secret alone.",
            ],
        )
        .at(Path::from("private_key_storage"))
}

/// The certificate is due.
pub(in crate::resources) fn renewal(
    instance: &Instance,
    issued: &Issued,
    planned: bool,
) -> Diagnostic {
    let at = |moment: Option<jiff::Timestamp>| moment.map(|at| at.to_string()).unwrap_or_default();
    let (renew_at, end) = (at(issued.renew_at), at(issued.path_not_after));
    let told = format!("Its path ends at {end}, and renewal is due since {renew_at}.");
    let what = if planned {
        "renewal is due"
    } else {
        "renewal is due and not planned"
    };
    let remedy = if planned {
        "Applying this plan issues a new certificate in place; the old one stays valid until its end."
    } else {
        "Renewals are set to `warn`: a run with `renewals = \"plan\"` must renew it before its end, or \
         the mesh goes down."
    };
    instance.warning(what, &[&told, remedy])
}

/// An order that was given up.
pub(in crate::resources) fn orphan(instance: &Instance, arn: &CertificateArn) -> Diagnostic {
    instance.warning(
        "an earlier certificate was never put to use",
        &[
            &format!("{arn} was ordered by an earlier run that did not end, and its key is gone."),
            "It is harmless: nobody can sign with it. It can be revoked by its serial number.",
        ],
    )
}
