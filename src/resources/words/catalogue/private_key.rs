//! What there is to tell about a key of its own.

use super::Chapter;
use crate::resources::words;

pub(super) fn chapter() -> Chapter {
    Chapter {
        title: "Keys for a run",
        about: "What the ephemeral `istiopca_private_key` has to tell.",
        messages: vec![words::no_key("could not generate a RSA_4096 key")],
    }
}
