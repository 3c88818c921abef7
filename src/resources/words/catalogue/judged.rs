//! What the judge finds.

use super::secret::ROOT;
use super::{CA, Chapter, intermediate, moment, secret};
use crate::pki::judge::{Finding, FormFault, Named, PathFault, RevocationFault, Role};
use crate::pki::roots::RootsChange;
use crate::resources::words;

pub(super) fn chapter() -> Chapter {
    let instance = secret();
    let arn = CA.parse().expect("an ARN");
    let of = |file| Named {
        file,
        subject: ROOT.subject().clone(),
        serial: ROOT.serial().clone(),
    };
    let path = |file, fault| Finding::Path {
        of: of(file),
        fault,
    };
    let expired = PathFault::Expired {
        at: moment("2026-04-01T00:00:00Z"),
        now: moment("2026-04-02T00:00:00Z"),
    };
    let too_short = PathFault::PathLength {
        allowed: 0,
        below: 1,
        loads: true,
    };
    let no_list = RevocationFault::Missing {
        subject: ROOT.subject().clone(),
        loads: false,
    };
    let server_only = PathFault::Role {
        missing: Role::Client,
        loads: true,
    };
    let form = Finding::Form {
        file: "ca-crl.pem",
        fault: FormFault::Empty,
    };
    let old_leaves = Finding::OldLeaves {
        file: "root-cert.pem",
        root: ROOT.subject().clone(),
        sha256: ROOT.sha256(),
    };
    let change = RootsChange {
        added: vec![ROOT.clone()],
        ..RootsChange::default()
    };
    let bytes = Finding::RootsBytes {
        file: "root-cert.pem",
        change,
    };
    let load = [
        path("cert-chain.pem", expired),
        Finding::Generated,
        Finding::Revocation { fault: no_list },
        form,
    ];
    let peers = [
        path("cert-chain.pem", too_short.clone()),
        path("ca-cert.pem", server_only),
        Finding::NotARoot {
            of: of("root-cert.pem"),
        },
    ];
    Chapter {
        title: "What the judge finds",
        about: "Before each write all files of the Secret are judged as istiod loads them and as \
                workloads verify what it signs with them. A refusal lists everything that was found.",
        messages: vec![
            words::unsound(&instance, &load),
            words::unsound(&instance, &peers),
            words::unsound(&instance, &[old_leaves]),
            words::unfit_issuer(&intermediate(), &arn, &[path("cert-chain.pem", too_short)]),
            words::restart_needed(&instance, &bytes),
        ],
    }
}
