//! Grants: permissions of a key beside its policy.
//!
//! <https://docs.aws.amazon.com/kms/latest/developerguide/grants.html>

use std::collections::BTreeMap;

use super::super::accounts::Principal;
use super::Context;
use super::access::Wish;

/// Somebody who may do something with a key.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) grantee: String,
    pub(super) operations: Vec<String>,
    pub(super) constraint: GrantConstraint,
}

/// What must be in the encryption context for a grant to count; the case of names does not matter, that of
/// values does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantConstraint {
    /// Anything.
    None,
    /// These pairs, and maybe others.
    Subset(BTreeMap<String, String>),
    /// These pairs alone.
    Equals(BTreeMap<String, String>),
}

impl Grant {
    pub(super) fn allows(&self, caller: &Principal, wish: &Wish<'_>) -> bool {
        let is_grantee = self.grantee == caller.arn || Some(&self.grantee) == caller.role.as_ref();
        is_grantee
            && self.operations.iter().any(|known| known == wish.operation)
            && self.constraint.takes(wish.context)
    }
}

impl GrantConstraint {
    fn takes(&self, context: &Context) -> bool {
        let context = lowered(context);
        match self {
            Self::None => true,
            Self::Subset(wanted) => lowered(wanted).iter().all(|pair| context.contains(pair)),
            Self::Equals(wanted) => {
                let mut wanted = lowered(wanted);
                let mut context = context;
                wanted.sort();
                context.sort();
                wanted == context
            }
        }
    }
}

fn lowered(context: &Context) -> Vec<(String, String)> {
    let pairs = context.iter();
    pairs
        .map(|(name, value)| (name.to_lowercase(), value.clone()))
        .collect()
}
