//! What there is to tell about a certificate.

use super::{Chapter, intermediate, moment, ordered, secret};
use crate::resources::issue::Issued;
use crate::resources::words;

pub(super) fn chapter() -> Chapter {
    let issued = Issued {
        renew_at: Some(moment("2026-03-02T00:00:00Z")),
        path_not_after: Some(moment("2026-04-01T00:00:00Z")),
        ..Issued::default()
    };
    Chapter {
        title: "Certificates",
        about: "Told while planning, or when a certificate has been issued.",
        messages: vec![
            words::renewal(&intermediate(), &issued, true),
            words::renewal(&intermediate(), &issued, false),
            words::key_in_state(&intermediate()),
            words::orphan(&secret(), &ordered()),
        ],
    }
}
