//! What the judge finds.

use super::secret::ROOT;
use super::{CA, Chapter, intermediate, moment, secret};
use crate::pki::judge::{Finding, FormFault, Named, PathFault, RevocationFault, Role};
use crate::pki::roots::RootsChange;
use crate::resources::issue::Obstacle;
use crate::resources::words;

pub(super) fn chapter() -> Chapter {
    let instance = secret();
    let arn = CA.parse().expect("an ARN");
    let too_short = path("cert-chain.pem", too_short());
    let old_leaves = Finding::OldLeaves {
        file: "root-cert.pem",
        root: ROOT.subject().clone(),
        sha256: ROOT.sha256(),
    };
    let bytes = Finding::RootsBytes {
        file: "root-cert.pem",
        change: RootsChange {
            added: vec![ROOT.clone()],
            ..RootsChange::default()
        },
    };
    Chapter {
        title: "What the judge finds",
        about: "Before each write all files of the Secret are judged as istiod loads them and as \
                workloads verify what it signs with them. A refusal lists everything that was found.",
        messages: vec![
            words::unsound(&instance, &not_loaded()),
            words::unsound(&instance, &refused_by_peers()),
            words::unsound(&instance, &[old_leaves]),
            words::obstacle(&intermediate(), &arn, &Obstacle::Unfit(vec![too_short])),
            words::restart_needed(&instance, &bytes),
            words::unwatched(&instance),
        ],
    }
}

fn not_loaded() -> [Finding; 4] {
    let expired = PathFault::Expired {
        at: moment("2026-04-01T00:00:00Z"),
        now: moment("2026-04-02T00:00:00Z"),
    };
    let no_list = RevocationFault::Missing {
        subject: ROOT.subject().clone(),
        loads: false,
    };
    let form = Finding::Form {
        file: "ca-crl.pem",
        fault: FormFault::Empty,
    };
    [
        path("cert-chain.pem", expired),
        Finding::Generated,
        Finding::Revocation { fault: no_list },
        form,
    ]
}

fn refused_by_peers() -> [Finding; 3] {
    let server_only = PathFault::Role {
        missing: Role::Client,
        loads: true,
    };
    [
        path("cert-chain.pem", too_short()),
        path("ca-cert.pem", server_only),
        Finding::NotARoot {
            of: of("root-cert.pem"),
        },
    ]
}

fn too_short() -> PathFault {
    PathFault::PathLength {
        allowed: 0,
        below: 1,
        loads: true,
    }
}

fn path(file: &'static str, fault: PathFault) -> Finding {
    Finding::Path {
        of: of(file),
        fault,
    }
}

fn of(file: &'static str) -> Named {
    Named {
        file,
        subject: ROOT.subject().clone(),
        serial: ROOT.serial().clone(),
    }
}
