//! What there is to tell about a certificate.

use jiff::Timestamp;

use super::Instance;
use crate::pca::{Arn, CertificateArn};
use crate::pki::Horizon;
use crate::resources::issue::{Issued, Issuer};
use crate::terraform::Diagnostic;

/// What is there is what would be issued.
pub(in crate::resources) fn adopted(instance: &Instance, issued: &Issued) -> Diagnostic {
    let told = format!(
        "It is of the CA that is named, for what the settings say, and is good until {}. So none was issued, and its key \
         stays as it is.",
        at(issued.path_not_after)
    );
    let next = format!(
        "From {} on a plan renews it. To have a certificate whose key nobody else has seen, change `renew_triggers` once \
         this is applied.",
        at(issued.renew_at)
    );
    instance.warning(
        "the certificate that is live was taken over",
        &[&told, &next],
    )
}

/// The certificate is due.
pub(in crate::resources) fn renewal(
    instance: &Instance,
    issued: &Issued,
    planned: bool,
    now: Timestamp,
) -> Diagnostic {
    let (renew_at, end) = (at(issued.renew_at), at(issued.path_not_after));
    let ended = issued.path_not_after.is_some_and(|end| end < now);
    let told = if ended {
        format!(
            "Its path ended at {end}, and renewal is due since {renew_at}. {ENDED} Once istiod has \
             loaded a new certificate, workloads follow as they renew theirs; restart those that \
             have given up."
        )
    } else {
        format!("Its path ends at {end}, and renewal is due since {renew_at}.")
    };
    let what = if ended {
        "its certificate has expired"
    } else if planned {
        "renewal is due"
    } else {
        "renewal is due and not planned"
    };
    let remedy = match (planned, ended) {
        (true, false) => {
            "Applying this plan issues a new certificate in place; the old one stays valid until its end."
        }
        (true, true) => "Applying this plan issues a new certificate in place.",
        (false, _) => {
            "Renewals are set to `warn`: a run with `renewals = \"plan\"` must renew it before its end, or \
             the mesh goes down."
        }
    };
    instance.warning(what, &[&told, remedy])
}

const ENDED: &str = "Workloads refuse every certificate under it.";

/// The certificate is due, and a new one would serve no longer.
pub(in crate::resources) fn beyond_renewal(
    instance: &Instance,
    arn: &Arn,
    issued: &Issued,
    horizon: &Horizon,
    now: Timestamp,
) -> Diagnostic {
    let Horizon { subject, ends, .. } = horizon;
    let told = format!(
        "{subject} ends at {ends}: it is {arn} or a CA above it. The certificate in use ends at {}, and \
         a new one would end no later, so none is planned.",
        at(issued.path_not_after)
    );
    let meaning = if *ends < now {
        format!("{ENDED} The mesh is down.")
    } else {
        "At that moment the mesh goes down: workloads refuse every certificate under it.".to_owned()
    };
    let remedy = "Renew that CA's own certificate, and install it in the CA. The next plan sees that and \
                  renews this certificate. Or name another CA in `certificate_authority_arn`.";
    instance
        .warning(
            "the issuing CA ends before a renewal could help",
            &[&told, &meaning, remedy],
        )
        .at(instance.setting("certificate_authority_arn"))
}

/// The CA is not what it was when it signed the certificate in use. Its certificate then and its
/// certificate now end at `ends`.
pub(in crate::resources) fn issuer_changed(
    instance: &Instance,
    arn: &Arn,
    issuer: &Issuer,
    ends: (Timestamp, Timestamp),
    renew_at: Option<Timestamp>,
) -> Diagnostic {
    let (former, now) = ends;
    let (what, told, remedy) = match issuer {
        Issuer::Reissued => (
            "the issuing CA has another certificate since",
            format!("{arn} has a new certificate for the same key, which ends at {now}."),
            "There is nothing to do.".to_owned(),
        ),
        Issuer::Rekeyed => (
            "the issuing CA has another key since",
            format!("{arn} signs with another key now; its certificate ends at {now}."),
            format!("If the former key was given up because somebody else had it, renew now: {TRIGGER}"),
        ),
        Issuer::Rerooted { last, found } => (
            "the issuing CA leads to another root since",
            format!("{arn} leads to the root {found} now; the certificate in use leads to {last}."),
            "A renewal would change the mesh's root, and is refused until that root is trusted. Move \
             in steps before then: first add it to `additional_root_pems` of the Secret."
                .to_owned(),
        ),
    };
    let meaning = format!(
        "What is live still verifies: the chain that istiod serves holds the CA's former certificate, \
         which ends at {former}. The renewal from {} on takes the new one in.",
        at(renew_at)
    );
    instance.warning(what, &[&told, &meaning, &remedy])
}

const TRIGGER: &str = "change `renew_triggers`.";

fn at(moment: Option<Timestamp>) -> String {
    moment.map(|at| at.to_string()).unwrap_or_default()
}

/// An order that was given up.
pub(in crate::resources) fn orphan(instance: &Instance, arn: &CertificateArn) -> Diagnostic {
    instance.warning(
        "an earlier certificate was never put to use",
        &[
            &format!("{arn} was ordered by an earlier run that did not end, and another one takes its place."),
            "A key that was made for that order in the Secret's own run went with it: nobody can sign with such a \
             certificate. If the key was yours, was to stay, or was in the state, whoever has it can: then revoke the \
             certificate by its serial number.",
        ],
    )
}
