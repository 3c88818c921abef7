//! What happens to a mesh, at random.

use std::fmt;

use proptest::prelude::*;
use proptest::sample::select;

use super::authority::{CaName, HOUR, Root};
use super::cluster::Habits;
use super::istiod::Version;
use super::mesh::{Broken, Mesh};
use super::provider::Fixed;
use super::rules::Rules;
use super::write::Interruption;

/// A mesh, and what happens to it.
#[derive(Clone, Debug)]
pub(super) struct History {
    pub(super) habits: Vec<Habits>,
    pub(super) ca: CaName,
    pub(super) events: Vec<Event>,
    /// Whether each cluster looks at what the others trust.
    pub(super) peering: bool,
}

/// Something that happens to one cluster after a pause.
#[derive(Clone)]
pub(super) struct Event {
    /// In units of two hours.
    pub(super) pause: i64,
    pub(super) cluster: usize,
    pub(super) deed: Deed,
}

/// On one line.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            pause,
            cluster,
            deed,
        } = self;
        write!(f, "after {} h, in {cluster}: {deed:?}", 2 * pause)
    }
}

/// What somebody does.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    Apply(Option<Interruption>),
    /// Another CA and other additional roots, applied at once.
    Change(CaName, Vec<Root>, Option<Interruption>),
    /// The same into a plan.
    PlanChange(CaName, Vec<Root>),
    Label(u8),
    Plan,
    ApplySaved(Option<Interruption>),
    LoseSecret,
    LoseState,
    Restart,
    /// AWS's CAs that end are renewed.
    RenewCa,
    /// The fleet goes a step on, or back.
    Walk {
        back: bool,
    },
    /// One cluster goes a step on, or back, and applies.
    WalkAlone {
        back: bool,
    },
    /// `allow_root_replacement`, for this apply and on.
    Allow,
}

impl History {
    /// What breaks, if anything does.
    pub(super) fn run(&self, rules: Rules) -> Result<(), Broken> {
        let mut mesh = Mesh::new(rules, &self.habits, self.ca);
        mesh.peering = self.peering;
        for event in &self.events {
            mesh.pass(event.pause * 2 * HOUR)?;
            mesh.suffer(event.cluster % self.habits.len(), &event.deed);
            mesh.check()?;
        }
        mesh.pass(40 * HOUR)
    }
}

impl Mesh {
    fn suffer(&mut self, cluster: usize, deed: &Deed) {
        let (around, now) = (self.around, self.now);
        self.look_at_peers(cluster);
        if let Deed::WalkAlone { back } = deed {
            self.walk_alone(cluster, *back);
        }
        let one = &mut self.clusters[cluster];
        match deed {
            Deed::Apply(interruption) => one.apply(around, *interruption, now),
            Deed::Change(ca, extra, interruption) => {
                one.wish_for(*ca, extra);
                one.apply(around, *interruption, now);
            }
            Deed::PlanChange(ca, extra) => {
                one.wish_for(*ca, extra);
                one.save_plan(around, now);
            }
            Deed::Label(label) => one.operator.wish.label = *label,
            Deed::Plan => one.save_plan(around, now),
            Deed::ApplySaved(interruption) => one.apply_saved(around, *interruption, now),
            Deed::LoseSecret => one.lose_secret(now),
            Deed::LoseState => one.operator.kept = None,
            Deed::Restart => one.start_istiod(now),
            Deed::RenewCa => self.around.renewed = true,
            Deed::Walk { back } => self.walk(*back),
            Deed::WalkAlone { .. } => one.apply(around, None, now),
            Deed::Allow => {
                one.operator.wish.allow = true;
                one.apply(around, None, now);
            }
        }
    }
}

impl super::cluster::Cluster {
    fn wish_for(&mut self, ca: CaName, extra: &[Root]) {
        let wish = &mut self.operator.wish;
        (wish.ca, wish.extra) = (ca, extra.to_vec());
    }
}

/// One cluster in the hands of somebody who does what comes to mind.
pub(super) fn of_one_cluster() -> impl Strategy<Value = History> {
    let events = prop::collection::vec(event(any_deed()), 1..22);
    (habits(), select(&CAS), events).prop_map(|(habits, ca, events)| History {
        habits: vec![habits],
        ca,
        events,
        peering: false,
    })
}

/// Several clusters, whose operators take each step of a walk together.
pub(super) fn of_a_fleet() -> impl Strategy<Value = History> {
    let events = prop::collection::vec(event(fleet_deed()), 1..24);
    let habits = habits().prop_map(|habits| Habits {
        self_signed: false,
        ..habits
    });
    let habits = prop::collection::vec(habits, 2..4);
    (habits, events).prop_map(|(habits, events)| History {
        habits,
        ca: CaName::A,
        events,
        peering: false,
    })
}

/// Several clusters, each of which walks at its own pace and looks at what the others trust.
pub(super) fn of_peers() -> impl Strategy<Value = History> {
    let deed = prop_oneof![
        3 => Just(Deed::Apply(None)),
        8 => prop::bool::weighted(0.2).prop_map(|back| Deed::WalkAlone { back }),
        1 => (0..3_u8).prop_map(Deed::Label),
        2 => Just(Deed::Restart),
        1 => Just(Deed::LoseSecret),
    ];
    let habits = habits().prop_map(|habits| Habits {
        self_signed: false,
        nightly: true,
        ..habits
    });
    let habits = prop::collection::vec(habits, 2..4);
    let events = prop::collection::vec(event(deed), 8..32);
    (habits, events).prop_map(|(habits, events)| History {
        habits,
        ca: CaName::A,
        events,
        peering: true,
    })
}

/// One cluster whose operator likes to plan first and apply later.
pub(super) fn of_saved_plans() -> impl Strategy<Value = History> {
    let deed = prop_oneof![
        (0..3_u8).prop_map(Deed::Label),
        Just(Deed::Plan),
        Just(Deed::ApplySaved(None)),
    ];
    let event = (0..8_i64, deed).prop_map(|(pause, deed)| Event {
        pause,
        cluster: 0,
        deed,
    });
    let habits = habits().prop_map(|habits| Habits {
        self_signed: false,
        nightly: false,
        ..habits
    });
    let events = prop::collection::vec(event, 20..40);
    (habits, events).prop_map(|(habits, events)| History {
        habits: vec![habits],
        ca: CaName::A,
        events,
        peering: false,
    })
}

/// One cluster below CAs that end, or are renewed in time, with a run each night.
pub(super) fn of_ending_cas() -> impl Strategy<Value = History> {
    let deed = prop_oneof![
        1 => Just(Deed::RenewCa),
        3 => Just(Deed::Apply(None)),
        1 => Just(Deed::Restart),
    ];
    let habits = habits().prop_map(|habits| Habits {
        self_signed: false,
        nightly: true,
        ..habits
    });
    let ca = select(&[CaName::Ending, CaName::BelowEnding, CaName::A][..]);
    let events = prop::collection::vec(event(deed), 8..24);
    (habits, ca, events).prop_map(|(habits, ca, events)| History {
        habits: vec![habits],
        ca,
        events,
        peering: false,
    })
}

const CAS: [CaName; 6] = [
    CaName::A,
    CaName::A,
    CaName::B,
    CaName::Ending,
    CaName::BelowEnding,
    CaName::ShortLived,
];

fn event(deed: impl Strategy<Value = Deed>) -> impl Strategy<Value = Event> {
    let pause = prop_oneof![0..3_i64, 5..8_i64, 10..16_i64, 16..40_i64];
    let event = (pause, 0..3_usize, deed);
    event.prop_map(|(pause, cluster, deed)| Event {
        pause,
        cluster,
        deed,
    })
}

fn habits() -> impl Strategy<Value = Habits> {
    let istiod = (
        select(&[Version::V1_27, Version::V1_29, Version::V1_30][..]),
        any::<bool>(),
        0..=90_i64,
        prop::bool::weighted(0.1),
    );
    let hands = (
        prop::bool::weighted(0.6),
        150..4 * HOUR,
        select(&["10d", "7d"][..]),
    );
    (istiod, hands, any::<bool>()).prop_map(|(istiod, hands, clamp)| {
        let (version, multi_root, kubelet, self_signed) = istiod;
        let (nightly, restarts_after, validity) = hands;
        Habits {
            version,
            multi_root,
            kubelet,
            self_signed,
            nightly,
            restarts_after,
            fixed: Fixed {
                validity,
                clamp,
                overlap: "24h",
            },
        }
    })
}

fn interruption() -> impl Strategy<Value = Option<Interruption>> {
    prop_oneof![
        4 => Just(None),
        1 => select(&[Interruption::Issued, Interruption::Refused, Interruption::Written][..])
            .prop_map(Some),
    ]
}

fn change() -> impl Strategy<Value = (CaName, Vec<Root>)> {
    let ca = prop_oneof![
        6 => select(&[CaName::A, CaName::B][..]),
        1 => select(&[CaName::C, CaName::Ending, CaName::BelowEnding, CaName::ShortLived][..]),
    ];
    let extra = prop_oneof![
        5 => prop::sample::subsequence(vec![0, 1], 0..=2),
        1 => prop::sample::subsequence(vec![0, 1, 2], 0..=3).prop_shuffle(),
    ];
    (ca, extra)
}

fn any_deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => interruption().prop_map(Deed::Apply),
        8 => (change(), interruption()).prop_map(|((ca, extra), it)| Deed::Change(ca, extra, it)),
        1 => change().prop_map(|(ca, extra)| Deed::PlanChange(ca, extra)),
        4 => accident(),
    ]
}

fn fleet_deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => interruption().prop_map(Deed::Apply),
        6 => prop::bool::weighted(0.2).prop_map(|back| Deed::Walk { back }),
        3 => accident(),
    ]
}

fn accident() -> impl Strategy<Value = Deed> {
    prop_oneof![
        3 => (0..3_u8).prop_map(Deed::Label),
        3 => Just(Deed::Plan),
        4 => interruption().prop_map(Deed::ApplySaved),
        4 => Just(Deed::LoseSecret),
        1 => Just(Deed::LoseState),
        4 => Just(Deed::Restart),
        1 => Just(Deed::RenewCa),
        1 => Just(Deed::Allow),
    ]
}
