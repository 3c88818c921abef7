//! Getting a CA certificate from AWS Private CA: one code for the intermediate that stands alone
//! and for the one inside the Secret.

mod examine;
mod issuer;
mod look;
mod notes;
mod obtain;
mod outputs;
mod plan;
mod preflight;
mod revoke;
mod settings;
mod stand;
#[cfg(test)]
pub(super) mod testing;

pub(super) use examine::{
    Authority, Last, Obstacle, algorithms_of, examine_status, path_length_of, path_of, prospects,
    room_below,
};
#[cfg(test)]
pub(super) use examine::{Terms, examine};
pub(super) use issuer::{Issuer, look_at_issuer};
pub(super) use look::seen;
pub(super) use notes::{Notes, Pending};
pub(super) use obtain::{Failed, Obtained, Request, TOLERANCE, obtain};
pub(super) use outputs::{CERTIFICATE_OUTPUTS, Issued, OUTPUTS};
pub(super) use plan::{Reason, Standing, renew_at};
pub(super) use preflight::{preflight, severity};
pub(super) use revoke::{revoke, to_revoke};
pub(super) use settings::{ATTRIBUTES, BLOCKS, Issuance, RULES};
pub(super) use stand::{moves, stands};
