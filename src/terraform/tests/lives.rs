//! Objects of random resources, from create to destroy, under a core that believes nothing.

use proptest::prelude::*;
use proptest::sample::select;

use super::cores::Core;
use super::life::{Life, Run, Way};
use super::random::{Fate, Sight, blueprint};

fn run() -> impl Strategy<Value = Run> {
    let fate = select(vec![
        Fate::Succeeds,
        Fate::Succeeds,
        Fate::StopsHalfway,
        Fate::Fails,
        Fate::Panics,
    ]);
    let sight = select(vec![
        None,
        Some(Sight::Same),
        Some(Sight::Same),
        Some(Sight::Drifted),
        Some(Sight::Elsewhere),
        Some(Sight::Gone),
        Some(Sight::Fails),
        Some(Sight::Panics),
    ]);
    let way = prop_oneof![
        6 => Just(Way::Apply),
        1 => Just(Way::Replace),
        1 => Just(Way::ReplaceCreatingFirst),
        1 => Just(Way::Destroy),
    ];
    let parts = (any::<u64>(), any::<Option<u64>>(), sight, fate, way);
    parts.prop_map(|(config, veil, sight, fate, way)| Run {
        config,
        veil,
        sight,
        fate,
        way,
    })
}

proptest! {
    #![proptest_config(super::cases(192))]

    #[test]
    fn no_core_has_anything_to_object_to(
        core in select(Core::ALL),
        blueprint in blueprint(),
        seed in any::<u64>(),
        runs in prop::collection::vec(run(), 1..7),
    ) {
        let mut life = Life::under(core, &blueprint, seed);
        for run in &runs {
            life.run(run).map_err(TestCaseError::fail)?;
        }
        life.end().map_err(TestCaseError::fail)?;
    }
}

proptest! {
    #![proptest_config(super::cases(64))]

    /// The schemas are sound, but for single blocks, which real ones avoid.
    #[test]
    fn the_self_check_finds_nothing_in_schemas_that_no_core_objects_to(blueprint in blueprint()) {
        let faults = blueprint.build().faults();
        let avoidable = |fault: &String| fault.ends_with("a list of at most one serves better");
        prop_assert!(faults.iter().all(avoidable), "{faults:?}");
    }
}
