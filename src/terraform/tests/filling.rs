//! Ephemeral objects and data sources of random kinds, under a core that believes nothing.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;

use super::super::schema::{Schema, text};
use super::super::{Boxed, Call, Diagnostic, Dynamic, Fillable, Filled, Manner};
use super::host::{Host, THING, Trouble};
use super::oracle;
use super::random::{self, Dice, Event, Fate, Script, Sight, Spring, blueprint};
use super::veil::veiled;

fn settings(schema: &Schema, object: &Dynamic) -> Dynamic {
    let blocks = schema.body.blocks.iter().map(|block| block.name);
    let names = schema.settings().map(|setting| setting.name).chain(blocks);
    let named = names.map(|name| (name.to_owned(), object.attribute(name).clone()));
    Dynamic::Map(named.collect())
}

proptest! {
    #![proptest_config(super::cases(128))]

    #[test]
    fn no_core_has_anything_to_object_to(
        manner in select(vec![Manner::Opened, Manner::Read]),
        blueprint in blueprint(),
        seed in any::<u64>(),
        veil in any::<Option<u64>>(),
        fate in select(vec![Fate::Succeeds, Fate::Succeeds, Fate::Fails, Fate::Panics]),
    ) {
        super::life::keep_expected_panics_quiet();
        let (schema, script) = (blueprint.unstored().build(), Arc::<Script>::default());
        script.set(fate, Sight::Same);
        let dice = Dice::new(seed);
        let name = THING;
        let spring = Spring { manner, name, schema, dice, script: Arc::clone(&script) };
        let faults = Fillable::<()>::faults(&spring);
        prop_assert!(
            faults.iter().all(|fault| fault.ends_with("a list of at most one serves better")),
            "{faults:?}"
        );
        let host = Host::filling(Box::new(spring));
        let config = random::config(&schema.body, dice);
        let known = oracle::seen(&schema, &config).map_err(TestCaseError::fail)?;
        let veiled = veil.map(|veil| veiled(&schema.body, &config, Dice::new(veil)));
        let config = oracle::seen(&schema, &veiled.unwrap_or(known)).map_err(TestCaseError::fail)?;
        prop_assert_eq!(host.validate_filling(manner, &config), Ok(()));
        let filled = host.fill(manner, &config);
        let wanted = oracle::wanted(&schema.body, &config, false);
        if !config.is_wholly_known() {
            prop_assert!(matches!(filled, Err(Trouble::Told(_))), "{filled:?}");
            prop_assert_eq!(script.events(), [], "it was filled in too early");
            return Ok(());
        }
        let events = script.events();
        let [Event::Fill(shown)] = events.as_slice() else {
            return Err(TestCaseError::fail(format!("{events:?}")));
        };
        prop_assert_eq!(settings(&schema, shown), settings(&schema, &wanted));
        match fate {
            Fate::Succeeds => {
                let filled = filled.map_err(|trouble| TestCaseError::fail(format!("{trouble:?}")))?;
                prop_assert_eq!(settings(&schema, &filled), settings(&schema, &wanted));
                let expected = Spring::outputs(&schema, dice, 1);
                let expected = schema.outputs().map(|output| expected.attribute(output.name));
                let found = schema.outputs().map(|output| filled.attribute(output.name));
                prop_assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
            }
            _ => {
                let told = matches!(&filled, Err(Trouble::Told(told)) if told.len() == 1);
                prop_assert!(told, "{filled:?}");
            }
        }
        let again = host.fill(manner, &config);
        prop_assert_eq!(again.is_ok(), fate == Fate::Succeeds, "{:?}", again);
        prop_assert_eq!(script.events().len(), 1, "each time is one of its own");
    }
}

/// What breaks the contract, in one way each.
struct Leak(Manner, Dynamic);

const LEAK: Schema = Schema::new("A leak.", &[text("name").optional(), text("key")]);

impl Fillable<()> for Leak {
    fn manner(&self) -> Manner {
        self.0
    }

    fn name(&self) -> &'static str {
        THING
    }

    fn schema(&self) -> &Schema {
        &LEAK
    }

    fn mismatches(&self) -> Vec<String> {
        Vec::new()
    }

    fn fill<'a>(
        &'a self,
        _: &'a Call<'a, ()>,
        _: &'a Dynamic,
    ) -> Boxed<'a, Result<Filled<Dynamic>, Diagnostic>> {
        Box::pin(async move { Ok(Filled::new(Dynamic::from([("key", self.1.clone())]))) })
    }
}

#[test]
fn what_a_core_says_to_what_is_filled_in_wrongly_ours_says_too() {
    let config = Dynamic::from([("name", Dynamic::Null), ("key", Dynamic::Null)]);
    for manner in [Manner::Opened, Manner::Read] {
        let filled = |key| Host::filling(Box::new(Leak(manner, key))).fill(manner, &config);
        assert!(filled("k".into()).is_ok());
        assert!(filled(Dynamic::Null).is_ok());
        for broken in [Dynamic::UNKNOWN, true.into()] {
            let filled = filled(broken);
            assert!(matches!(filled, Err(Trouble::Wrong(_))), "{filled:?}");
        }
    }
    let named = Dynamic::from([("name", "other"), ("key", "k")]);
    let faults = oracle::filled(&LEAK, &config, &named);
    assert_eq!(faults, ["name: planned value for a non-computed attribute"]);
    assert!(!oracle::filled(&LEAK, &config, &Dynamic::Null).is_empty());
}
