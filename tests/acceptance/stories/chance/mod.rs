//! Resources whose schemas and behaviour fall at random, under the real cores.
//!
//! The property tests of the framework judge by our own reading of what a core demands. Here the
//! cores judge for themselves, over the same random resources: a whole provider of them at once.

mod configuration;
mod framework {
    pub(super) use istiopca::terraform::*;
}
mod happenings;
#[path = "../../../../src/terraform/tests/random/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "the property tests use more of it"
)]
mod random;

use std::sync::Arc;

use istiopca::terraform::plugin::serve_reattach;
use istiopca::terraform::schema::Schema;
use istiopca::terraform::{Configured, Fillable, Managed, Manner, Provider, Service, wall_clock};
use istiopca_acceptance::cli::{self, Cli, Workdir};
use istiopca_acceptance::process::{Outcome, Run};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use configuration::{Known, written};
use happenings::{as_stored, asked, same};
use random::{Blueprint, Dice, Event, Fate, Model, Script, Sight, Spring, blueprint};

const SOURCE: &str = "registry.terraform.io/istiopca/chance";

/// So many resource types make one provider, with so many ephemeral ones and so many data sources.
const TYPES: usize = 16;
const EPHEMERALS: usize = 6;
const DATA_SOURCES: usize = 6;

/// What a core says of a provider that breaks the protocol's rules, and what it says when the
/// provider is gone.
const REPROACHES: &[&str] = &[
    "Provider produced",
    "Provider returned",
    "Plugin did not respond",
    "Failed to load plugin schemas",
    "Unrecognized remote plugin message",
    "plugin crashed",
    "panic:",
];

/// One of the provider's resources, and its user's wishes.
struct Thing {
    name: &'static str,
    blueprint: Blueprint,
    schema: Schema,
    dice: Dice,
    script: Arc<Script>,
    config: framework::Dynamic,
    creates_first: bool,
}

/// One of its ephemeral objects or data sources; nothing ever befalls them, so that all else happens
/// as it is told.
struct Pool {
    manner: Manner,
    name: &'static str,
    schema: Schema,
    dice: Dice,
    script: Arc<Script>,
    config: framework::Dynamic,
}

/// A provider of random resources, and somebody who uses all of them at once.
struct Round {
    dir: Workdir,
    things: Vec<Thing>,
    pools: Vec<Pool>,
}

#[tokio::test(flavor = "multi_thread")]
async fn no_core_objects_to_what_falls_at_random_terraform() {
    lives(Cli::Terraform).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_core_objects_to_what_falls_at_random_opentofu() {
    lives(Cli::OpenTofu).await;
}

async fn lives(cli: Cli) {
    for seed in seeds() {
        println!("{cli}, ISTIOPCA_SEED={seed}");
        let mut round = Round::new(cli, seed);
        round.begins(seed).await;
        round.changes(seed + 1).await;
        round.drifts().await;
        for accident in [seed + 2, seed + 3] {
            round.suffers(accident).await;
        }
        round.starts_over().await;
        round.ends().await;
    }
}

/// The same ones each time, or the one that is being looked into.
fn seeds() -> Vec<u64> {
    match std::env::var("ISTIOPCA_SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => vec![1000, 2000, 3000],
    }
}

impl Round {
    fn new(cli: Cli, seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let things = (0..TYPES).map(|number| {
            let blueprint = blueprint().new_tree(&mut runner).unwrap().current();
            Thing::new(number, blueprint, Dice::new(seed).nth(number))
        });
        let things = things.collect();
        let manners = [Manner::Opened; EPHEMERALS].into_iter();
        let manners = manners.chain([Manner::Read; DATA_SOURCES]);
        let pools = manners.enumerate().map(|(number, manner)| {
            let blueprint = blueprint().new_tree(&mut runner).unwrap().current();
            let dice = Dice::new(seed).of("pool").nth(number);
            Pool::new(manner, number, &blueprint, dice)
        });
        Self {
            things,
            pools: pools.collect(),
            dir: Workdir::new(cli, cli::Provider::None).unwrap(),
        }
    }

    /// Everything is made, at first with much that only the apply will tell.
    async fn begins(&mut self, seed: u64) {
        self.write(&Known::in_part(Dice::new(seed)));
        self.run(&["validate", "-no-color"]).await.succeeds();
        self.apply(&[]).await.succeeds();
        for thing in &self.things {
            let created = asked(&thing.script);
            assert!(
                matches!(&created[..], [Event::Create(_)]),
                "{}: {created:?}",
                thing.name
            );
        }
        self.are_filled_as_asked();
        self.is_settled().await;
        self.is_stored_as_asked().await;
    }

    /// Each ephemeral object was opened in the apply, and in the plan where that knew enough; each data
    /// source was read once, in the plan or in the apply; and all as they were configured.
    fn are_filled_as_asked(&self) {
        for pool in &self.pools {
            let times = pool.script.events();
            let most = if pool.manner == Manner::Opened { 2 } else { 1 };
            assert!(
                (1..=most).contains(&times.len()),
                "{}: {times:?}",
                pool.name
            );
            let wanted = as_stored(&pool.schema, &pool.config);
            for time in times {
                let Event::Fill(shown) = time else {
                    panic!("{}: {time:?}", pool.name)
                };
                let shown = serde_json::from_str(&random::json(&shown)).unwrap();
                same(pool.name, &shown, &wanted);
            }
        }
    }

    /// The user changes his mind, and applies a plan that was saved.
    async fn changes(&mut self, seed: u64) {
        self.edit(Dice::new(seed));
        self.write(&Known::in_part(Dice::new(seed).of("later")));
        let planned = self.plan(&["-out=saved"]).await;
        assert!(
            matches!(planned.outcome(), Outcome::Exited(0 | 2)),
            "{planned}"
        );
        self.run(&["apply", "-input=false", "-no-color", "saved"])
            .await
            .succeeds();
        self.is_settled().await;
        self.is_stored_as_asked().await;
    }

    /// Others change what was made, or take it away.
    async fn drifts(&mut self) {
        for sight in [Sight::Drifted, Sight::Elsewhere, Sight::Gone] {
            self.set(|thing| {
                let met = thing.dice.of("met").of(&format!("{sight:?}")).one_in(2);
                (Fate::Succeeds, if met { sight } else { Sight::Same })
            });
            self.plan(&["-out=seen"]).await;
            self.calm_down();
            self.run(&["apply", "-input=false", "-no-color", "seen"])
                .await
                .succeeds();
            self.is_settled().await;
        }
    }

    /// Changes of which some fail, stop halfway or hit a bug; the next apply sets it right.
    async fn suffers(&mut self, seed: u64) {
        let dice = Dice::new(seed);
        self.edit(dice);
        self.write(&Known::wholly());
        self.set(|thing| {
            let fate = dice.of(thing.name).pick(&[
                Fate::Succeeds,
                Fate::Fails,
                Fate::StopsHalfway,
                Fate::Panics,
            ]);
            (fate, Sight::Same)
        });
        self.apply(&[]).await;
        self.set(|thing| {
            let sight = dice.of("look").of(thing.name);
            (Fate::Succeeds, sight.pick(&[Sight::Fails, Sight::Panics]))
        });
        self.plan(&[]).await.fails();
        self.calm_down();
        self.apply(&[]).await.succeeds();
        self.is_settled().await;
        self.is_stored_as_asked().await;
    }

    /// Everything is replaced.
    async fn starts_over(&mut self) {
        let flags: Vec<String> = self
            .things
            .iter()
            .map(|thing| format!("-replace={}.it", thing.name))
            .collect();
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        self.apply(&flags).await.succeeds();
        for thing in &self.things {
            let mut happened = asked(&thing.script);
            if thing.creates_first {
                happened.reverse();
            }
            assert!(
                matches!(&happened[..], [Event::Delete(_), Event::Create(_)]),
                "{}: {happened:?}",
                thing.name
            );
        }
        self.is_settled().await;
    }

    async fn ends(&mut self) {
        self.run(&["destroy", "-auto-approve", "-input=false", "-no-color"])
            .await
            .succeeds();
        let listed = self.run(&["state", "list"]).await;
        assert_eq!(listed.succeeds().stdout().trim(), "");
    }

    /// Nothing is left to do.
    async fn is_settled(&mut self) {
        self.plan(&[]).await.exit_code(0);
        for thing in &self.things {
            asked(&thing.script);
        }
    }

    /// What the core stores is the configuration, and what the resource has made of it.
    async fn is_stored_as_asked(&mut self) {
        let shown = self.run(&["show", "-json", "-no-color"]).await;
        let state = shown.succeeds().json();
        for thing in &self.things {
            let address = format!("{}.it", thing.name);
            let resources = state["values"]["root_module"]["resources"].as_array();
            let stored = resources
                .and_then(|all| all.iter().find(|one| one["address"] == address))
                .unwrap_or_else(|| panic!("{address} is not in the state"));
            let wanted = as_stored(&thing.schema, &thing.config);
            same(&address, &stored["values"], &wanted);
        }
    }

    fn edit(&mut self, dice: Dice) {
        for thing in &mut self.things {
            thing.edit(dice.of(thing.name));
        }
    }

    fn calm_down(&self) {
        self.set(|_| (Fate::Succeeds, Sight::Same));
    }

    fn set(&self, what: impl Fn(&Thing) -> (Fate, Sight)) {
        for thing in &self.things {
            let (fate, sight) = what(thing);
            thing.script.set(fate, sight);
        }
    }

    fn write(&self, known: &Known) {
        let things = self.things.iter();
        let things = things.map(|thing| {
            (
                thing.name,
                &thing.schema.body,
                &thing.config,
                thing.creates_first,
            )
        });
        let pools = self.pools.iter();
        let pools = pools.map(|pool| (pool.manner, pool.name, &pool.schema.body, &pool.config));
        let text = written(SOURCE, things, pools, known);
        self.dir.write("main.tf.json", &text);
    }

    async fn plan(&mut self, more: &[&str]) -> Run {
        let plan = ["plan", "-detailed-exitcode", "-input=false", "-no-color"];
        self.run(&[&plan, more].concat()).await
    }

    async fn apply(&mut self, more: &[&str]) -> Run {
        let apply = ["apply", "-auto-approve", "-input=false", "-no-color"];
        self.run(&[&apply, more].concat()).await
    }

    /// One run of the core, with a provider of its own; whatever comes of it, the core finds
    /// nothing to reproach the provider with.
    async fn run(&mut self, arguments: &[&str]) -> Run {
        let resources = self.things.iter().map(Thing::resource);
        let (ephemerals, data_sources) = self
            .pools
            .iter()
            .map(Pool::spring)
            .partition(|spring| spring.manner() == Manner::Opened);
        let provider = Provider {
            name: "chance",
            schema: Schema::new("Chance.", &[]),
            resources: resources.collect(),
            ephemerals,
            data_sources,
            configure: |_| {
                Ok(Configured {
                    clients: (),
                    policy: (),
                })
            },
        };
        let served = serve_reattach(Service::new(provider, Arc::new(wall_clock)))
            .await
            .unwrap();
        let attached = cli::Provider::Reattach(served.json(SOURCE));
        self.dir.set_provider(attached).unwrap();
        let run = self.dir.run(arguments).await;
        for reproach in REPROACHES {
            run.never_says(reproach);
        }
        run
    }
}

impl Pool {
    fn new(manner: Manner, number: usize, blueprint: &Blueprint, dice: Dice) -> Self {
        let schema = blueprint.unstored().build();
        Self {
            manner,
            name: Box::leak(format!("chance_e{number}").into_boxed_str()),
            schema,
            dice,
            script: Arc::default(),
            config: random::config(&schema.body, dice),
        }
    }

    fn spring(&self) -> Box<dyn Fillable<()>> {
        Box::new(Spring {
            manner: self.manner,
            name: self.name,
            schema: self.schema,
            dice: self.dice,
            script: Arc::clone(&self.script),
        })
    }
}

impl Thing {
    fn new(number: usize, blueprint: Blueprint, dice: Dice) -> Self {
        let schema = blueprint.build();
        Self {
            name: Box::leak(format!("chance_t{number}").into_boxed_str()),
            blueprint,
            schema,
            dice,
            script: Arc::default(),
            config: random::config(&schema.body, dice),
            creates_first: dice.of("creates first").one_in(3),
        }
    }

    fn resource(&self) -> Box<dyn Managed<(), ()>> {
        Box::new(Model {
            name: self.name,
            schema: self.schema,
            promised: self.blueprint.promised(),
            dice: self.dice,
            script: Arc::clone(&self.script),
        })
    }

    /// About half of the configuration becomes another one.
    fn edit(&mut self, dice: Dice) {
        let fresh = random::config(&self.schema.body, dice);
        let (framework::Dynamic::Map(config), framework::Dynamic::Map(fresh)) =
            (&mut self.config, fresh)
        else {
            return;
        };
        let changed = fresh
            .into_iter()
            .filter(|(name, _)| dice.of("edit").of(name).one_in(2));
        config.extend(changed);
    }
}
