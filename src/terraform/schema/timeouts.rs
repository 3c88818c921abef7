//! The `timeouts {}` block, which the framework reads so that no resource has to.

use std::time;

use super::{Block, Body, Nesting, Touches, text};
use crate::terraform::{Duration, Dynamic};

/// How long each operation may take where the user does not say otherwise.
#[derive(Clone, Copy)]
pub struct Timeouts {
    /// For creating.
    pub create: time::Duration,
    /// For updating.
    pub update: time::Duration,
    /// For deleting.
    pub delete: time::Duration,
}

/// What is done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It comes into being.
    Create,
    /// It is changed in place.
    Update,
    /// It goes.
    Delete,
}

impl Timeouts {
    /// The block; a schema lists it among its blocks.
    pub const BLOCK: Block = Block {
        name: "timeouts",
        nesting: Nesting::Single,
        description: "How long each operation may take as a whole, such as `\"5m\"`.",
        body: Body::new(&[
            text("create")
                .optional()
                .parses::<Duration>()
                .says("For creating."),
            text("update")
                .optional()
                .parses::<Duration>()
                .says("For updating."),
            text("delete")
                .optional()
                .parses::<Duration>()
                .says("For deleting."),
        ]),
        touches: Touches::Only(&[]),
    };

    /// How long an operation on an object may take.
    pub fn limit(&self, operation: Operation, object: &Dynamic) -> time::Duration {
        let (name, fallback) = match operation {
            Operation::Create => ("create", self.create),
            Operation::Update => ("update", self.update),
            Operation::Delete => ("delete", self.delete),
        };
        let said = object.attribute(Self::BLOCK.name).attribute(name).as_str();
        let said = said.and_then(|text| text.parse::<Duration>().ok());
        said.map_or(fallback, |duration| duration.unsigned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_says_bounds_an_operation_and_else_the_default() {
        let second = time::Duration::from_secs(1);
        let timeouts = Timeouts {
            create: second,
            update: second,
            delete: second,
        };
        let said = Dynamic::from([("create", Dynamic::from("2m")), ("update", Dynamic::Null)]);
        let object = Dynamic::from([("timeouts", said)]);
        assert_eq!(
            timeouts.limit(Operation::Create, &object),
            time::Duration::from_secs(120)
        );
        assert_eq!(timeouts.limit(Operation::Update, &object), second);
        assert_eq!(timeouts.limit(Operation::Delete, &Dynamic::Null), second);
    }
}
