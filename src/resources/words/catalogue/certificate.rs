//! What there is to tell about a certificate.

use super::secret::ROOT;
use super::{CA, Chapter, intermediate, moment, ordered, secret};
use crate::pki::{Fingerprint, Horizon};
use crate::resources::issue::{Issued, Issuer};
use crate::resources::words;

pub(super) fn chapter() -> Chapter {
    let issued = Issued {
        renew_at: Some(moment("2026-03-02T00:00:00Z")),
        path_not_after: Some(moment("2026-04-01T00:00:00Z")),
        ..Issued::default()
    };
    let (before, after) = (
        moment("2026-03-05T00:00:00Z"),
        moment("2026-04-02T00:00:00Z"),
    );
    let arn = CA.parse().expect("an ARN");
    let renewal = |planned, now| words::renewal(&intermediate(), &issued, planned, now);
    let horizon = Horizon {
        subject: ROOT.subject().to_string(),
        ends: moment("2026-04-01T00:00:00Z"),
        latest: moment("2026-03-31T23:59:59Z"),
    };
    let rerooted = Issuer::Rerooted {
        last: Fingerprint::of(b"last"),
        found: Fingerprint::of(b"found"),
    };
    let beyond = |now| words::beyond_renewal(&intermediate(), &arn, &issued, &horizon, now);
    let changed = |issuer: &Issuer| {
        let ends = (
            moment("2026-09-01T00:00:00Z"),
            moment("2031-09-01T00:00:00Z"),
        );
        words::issuer_changed(&intermediate(), &arn, issuer, ends, issued.renew_at)
    };
    Chapter {
        title: "Certificates",
        about: "Told while planning, or when a certificate has been issued.",
        messages: vec![
            renewal(true, before),
            renewal(false, before),
            renewal(true, after),
            beyond(before),
            beyond(after),
            changed(&Issuer::Reissued),
            changed(&Issuer::Rekeyed),
            changed(&rerooted),
            words::orphan(&secret(), &ordered()),
            words::adopted(&secret(), &issued),
        ],
    }
}
