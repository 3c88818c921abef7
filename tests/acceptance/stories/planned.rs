//! A plan that was saved, and what it says as JSON: what a pipeline decides by.

use istiopca_acceptance::process::Run;
use serde_json::Value;

use crate::world::World;

/// A plan in a file.
pub(crate) struct Planned {
    /// The run that made it.
    pub(crate) run: Run,
    shown: Value,
}

/// The plan's file in the working directory.
const FILE: &str = "saved.tfplan";

impl Planned {
    /// Plans with `-detailed-exitcode` and reads what was planned; a plan that fails, fails the
    /// story.
    pub(crate) async fn make(world: &mut World, more: &[&str]) -> Self {
        let out = format!("-out={FILE}");
        let run = world.plan(&[&[out.as_str()], more].concat()).await;
        let shown = world.cli(&["show", "-json", FILE]).await;
        let shown = shown.succeeds().json();
        Self { run, shown }
    }

    /// Applies it.
    pub(crate) async fn apply(world: &mut World) -> Run {
        world
            .cli(&["apply", "-input=false", "-no-color", FILE])
            .await
    }

    /// Everything that it says, but for the moment at which it was made.
    pub(crate) fn timeless(&self) -> String {
        let mut shown = self.shown.clone();
        let all = shown.as_object_mut().expect("a plan is an object");
        all.remove("timestamp").expect("a plan is dated");
        shown.to_string()
    }

    /// What becomes of one resource: `actions`, `before`, `after`, `after_unknown`.
    #[track_caller]
    pub(crate) fn change(&self, address: &str) -> &Value {
        let changes = self.shown["resource_changes"].as_array();
        let found = changes
            .into_iter()
            .flatten()
            .find(|change| change["address"] == address);
        let Some(found) = found else {
            panic!("{}\n{address} is not in the plan", self.run)
        };
        &found["change"]
    }

    /// Demands that a resource is changed in place, and says what is known of it afterwards.
    #[track_caller]
    pub(crate) fn in_place(&self, address: &str) -> Change<'_> {
        let change = self.change(address);
        assert_eq!(
            change["actions"],
            serde_json::json!(["update"]),
            "{}\n{address}",
            self.run
        );
        Change(change)
    }

    /// Demands that a resource is made.
    #[track_caller]
    pub(crate) fn made(&self, address: &str) -> Change<'_> {
        let change = self.change(address);
        let actions = &change["actions"];
        assert_eq!(
            *actions,
            serde_json::json!(["create"]),
            "{}\n{address}",
            self.run
        );
        Change(change)
    }

    /// Demands that a resource stays as it is.
    #[track_caller]
    pub(crate) fn untouched(&self, address: &str) {
        let actions = &self.change(address)["actions"];
        assert_eq!(
            *actions,
            serde_json::json!(["no-op"]),
            "{}\n{address}",
            self.run
        );
    }
}

/// One change of a plan.
#[derive(Clone, Copy)]
pub(crate) struct Change<'a>(&'a Value);

impl Change<'_> {
    /// Demands that `issue_reason` is known, and this.
    #[track_caller]
    pub(crate) fn because(self, reason: &str) -> Self {
        assert_eq!(
            self.0["after"]["issue_reason"], reason,
            "{:#}",
            self.0["after_unknown"]
        );
        self
    }

    /// Demands that these attributes are known only after the apply.
    #[track_caller]
    pub(crate) fn opens(self, attributes: &[&str]) -> Self {
        for attribute in attributes {
            assert_eq!(
                self.0["after_unknown"][*attribute], true,
                "{attribute} should be unknown"
            );
        }
        self
    }

    /// Demands that these attributes are known, and what they were.
    #[track_caller]
    pub(crate) fn keeps(self, attributes: &[&str]) -> Self {
        for attribute in attributes {
            let (before, after) = (&self.0["before"][*attribute], &self.0["after"][*attribute]);
            assert!(!before.is_null(), "{attribute} was nothing before");
            assert_eq!(before, after, "{attribute} should stay and be known");
        }
        self
    }

    /// Demands that these attributes are known to be null.
    #[track_caller]
    pub(crate) fn lacks(self, attributes: &[&str]) -> Self {
        for attribute in attributes {
            let (after, unknown) = (&self.0["after"], &self.0["after_unknown"]);
            assert_ne!(unknown[*attribute], true, "{attribute} should be known");
            assert!(after[*attribute].is_null(), "{attribute} should be null");
        }
        self
    }

    /// The value that an attribute will have; null where that is not known.
    pub(crate) fn after(self, attribute: &str) -> String {
        self.0["after"][attribute]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}
