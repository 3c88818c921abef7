//! A small resource written by hand, as one writes them: for tests that tell a story.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::super::schema::{Block, Check, Fallback, Rule, Schema, Timeouts, number, text};
use super::super::{
    Ask, Call, Clock, Configured, Diagnostic, Done, Dynamic, Ending, Intent, Opener, Path, Planned,
    Provider, Reader, Reading, Resource, Service, Slot, State, Unfinished, Verdict,
};
use super::flame::Flame;
use super::gauge::Gauge;

/// A lamp: its name is its identity, and says how its operations end.
pub(in crate::terraform) struct Lamp;

/// What the lamps of a run have done.
#[derive(Default)]
pub(in crate::terraform) struct Bench(Mutex<Vec<String>>);

impl Bench {
    /// Notes what has been done.
    pub(in crate::terraform) fn note(&self, event: String) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(event);
    }

    /// What has been done since the last time.
    pub(in crate::terraform) fn done(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(in crate::terraform) struct Settings {
    pub(in crate::terraform) name: String,
    pub(in crate::terraform) watts: u32,
    pub(in crate::terraform) note: Option<String>,
    pub(in crate::terraform) token_wo: Option<String>,
    pub(in crate::terraform) mount: Vec<Mount>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(in crate::terraform) struct Mount {
    pub(in crate::terraform) wall: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::terraform) struct Outputs {
    pub(in crate::terraform) id: Option<String>,
    pub(in crate::terraform) current: Option<String>,
    pub(in crate::terraform) state: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::terraform) struct Notes {
    pub(in crate::terraform) switched: u32,
    pub(in crate::terraform) stolen: bool,
}

const CURRENT: &[&str] = &["current"];
const NOTHING: &[&str] = &[];

fn short(text: &str) -> Result<(), String> {
    if text.len() < 20 {
        Ok(())
    } else {
        Err("Must be short.".to_owned())
    }
}

/// Its schema.
pub(in crate::terraform) const SCHEMA: Schema = Schema::new(
    "A lamp.",
    &[
        text("name")
            .required()
            .replaces()
            .check(Check::Format(short))
            .says("Which lamp."),
        number("watts")
            .or(Fallback::Integer(5))
            .touches(CURRENT)
            .says("How bright."),
        text("note").optional().touches(NOTHING).says("Anything."),
        text("token_wo")
            .optional()
            .write_only()
            .says("What lets one in."),
        text("id").says("Which lamp it is in the world."),
        text("current").says("What flows."),
        text("state").says("On or off."),
    ],
)
.blocks(&[
    Block::optional("mount", &[text("wall").required().says("Which wall.")])
        .says("Where it hangs."),
    Timeouts::BLOCK,
])
.rules(&[Rule::AtMostOne {
    of: &["note", "mount"],
    why: "A lamp on a wall needs no note.",
}]);

/// A configuration of a lamp in the hall, with changes.
pub(in crate::terraform) fn config(changes: &[(&str, Dynamic)]) -> Dynamic {
    let mut config = Dynamic::from([
        ("name", Dynamic::from("hall")),
        ("watts", Dynamic::Null),
        ("note", Dynamic::Null),
        ("token_wo", Dynamic::Null),
        ("id", Dynamic::Null),
        ("current", Dynamic::Null),
        ("state", Dynamic::Null),
        ("mount", Dynamic::List(Vec::new())),
        ("timeouts", Dynamic::Null),
    ]);
    if let Dynamic::Map(entries) = &mut config {
        entries.extend(
            changes
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone())),
        );
    }
    config
}

/// That lamp, lit.
pub(in crate::terraform) fn lit() -> Dynamic {
    config(&[
        ("watts", 5.into()),
        ("id", "lamp-1".into()),
        ("current", "5 W".into()),
        ("state", "on".into()),
    ])
}

/// An operation that may take a minute.
pub(in crate::terraform) fn call(bench: &Bench) -> Call<'_, Bench> {
    Call {
        clients: bench,
        now: Timestamp::UNIX_EPOCH,
        deadline: Instant::now() + Duration::from_secs(60),
        stop: CancellationToken::new(),
    }
}

/// A provider of lamps, which its settings may forbid, flames and gauges.
pub(in crate::terraform) fn service() -> Service<Bench, bool> {
    const SCHEMA: Schema = Schema::new(
        "A house.",
        &[text("lamps")
            .or(Fallback::Text("allowed"))
            .check(Check::OneOf(&["allowed", "forbidden", "bug"]))
            .says("Whether there are lamps.")],
    );
    let provider = Provider {
        name: "house",
        schema: SCHEMA,
        resources: vec![Slot::<Lamp>::boxed()],
        ephemerals: vec![Opener::<Flame>::boxed()],
        data_sources: vec![Reader::<Gauge>::boxed()],
        configure: |configuration| match configuration.settings.attribute("lamps").as_str() {
            Some("bug") => panic!("a bug in the house"),
            lamps => Ok(Configured {
                clients: Bench::default(),
                policy: lamps != Some("forbidden"),
            }),
        },
    };
    let clock: Clock = Arc::new(|| Timestamp::UNIX_EPOCH);
    Service::new(provider, clock)
}

impl Resource for Lamp {
    type Clients = Bench;
    type Policy = bool;
    type Settings = Settings;
    type Outputs = Outputs;
    type Private = Notes;

    const NAME: &'static str = "house_lamp";
    const SCHEMA: Schema = SCHEMA;
    const TIMEOUTS: Timeouts = Timeouts {
        create: Duration::from_secs(60),
        update: Duration::from_secs(60),
        delete: Duration::from_secs(60),
    };
    const PROMISED: &'static [(&'static str, &'static str)] = &[("state", "on")];

    fn plan_create(ask: &Ask<'_, bool>, settings: &Settings) -> Verdict {
        let mut verdict = Verdict::keep();
        verdict.becomes("current", current(settings.watts));
        if !ask.policy {
            verdict.tell(Diagnostic::error("No lamps", "The policy forbids them."));
        }
        verdict
    }

    fn plan_update(_: &Ask<'_, bool>, prior: &State<Self>, settings: &Settings) -> Verdict {
        let mut verdict = Verdict::keep();
        if prior.settings.watts != settings.watts {
            verdict.becomes("current", current(settings.watts));
        }
        if prior.settings.mount != settings.mount {
            verdict.unknown(&["state"]);
        }
        if settings
            .mount
            .iter()
            .any(|mount| mount.wall.contains("note"))
        {
            verdict.depend_on("note", &["id"]);
        }
        if prior.private.stolen {
            verdict.replace("id");
        }
        verdict
    }

    fn plan_destroy(_: &Ask<'_, bool>, _: &State<Self>) -> Vec<Diagnostic> {
        vec![Diagnostic::warning(
            "It will be dark",
            "This was the last lamp.",
        )]
    }

    async fn preflight(call: &Call<'_, Bench>, intent: Intent<'_, Self>) -> Vec<Diagnostic> {
        let what = match intent {
            Intent::Create { settings } => format!("create {}", settings.name),
            Intent::Update {
                prior,
                settings,
                planned,
            } => format!(
                "update {} to {} W, current {:?}",
                prior.settings.name,
                settings.watts,
                planned.text("current"),
            ),
        };
        call.clients.note(format!("may {what}?"));
        Vec::new()
    }

    async fn create(
        call: &Call<'_, Bench>,
        settings: &Settings,
        planned: &Planned,
    ) -> Result<Done<Self>, Unfinished<Self>> {
        let token = settings.token_wo.as_deref();
        call.clients
            .note(format!("create {} with {token:?}", settings.name));
        let outputs = Outputs {
            id: Some("lamp-1".to_owned()),
            current: planned.text("current").map(str::to_owned),
            state: planned.text("state").map(str::to_owned),
        };
        match settings.name.as_str() {
            "slow" => {
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
                call.clients.note("made slowly".to_owned());
            }
            "patient" => call.stop.cancelled().await,
            "timed" => {
                let left = call.deadline - Instant::now();
                call.clients.note(format!("{} s left", left.as_secs()));
            }
            _ => {}
        }
        match settings.name.as_str() {
            "broken" => Err(failure().into()),
            "half" | "patient" => Err(Unfinished {
                left: Some((outputs, Notes::default())),
                diagnostics: vec![failure()],
            }),
            "mute" => Err(Unfinished {
                left: None,
                diagnostics: Vec::new(),
            }),
            "bug" => panic!("a bug in the lamp"),
            _ => Ok(Done::new(
                outputs,
                Notes {
                    switched: 1,
                    stolen: false,
                },
            )),
        }
    }

    async fn read(call: &Call<'_, Bench>, state: State<Self>) -> Result<Reading<Self>, Diagnostic> {
        call.clients.note("read".to_owned());
        let State {
            settings,
            mut outputs,
            private,
        } = state;
        match settings.note.as_deref() {
            Some("gone") => Ok(Reading::Gone {
                warnings: vec![failure()],
            }),
            Some("unreachable") => Err(failure()),
            Some("bug") => panic!("a bug in the lamp"),
            Some("off") => {
                outputs.state = Some("off".to_owned());
                let private = Notes {
                    switched: private.switched + 1,
                    ..private
                };
                Ok(Reading::Here(Done::new(outputs, private)))
            }
            _ => Ok(Reading::Here(Done::new(outputs, private))),
        }
    }

    async fn update(
        call: &Call<'_, Bench>,
        prior: State<Self>,
        settings: &Settings,
        planned: &Planned,
    ) -> Result<Done<Self>, Unfinished<Self>> {
        call.clients.note(format!("update {}", settings.name));
        let State {
            outputs, private, ..
        } = prior;
        let done = Outputs {
            current: planned.text("current").map(str::to_owned),
            state: Some("on".to_owned()),
            ..outputs.clone()
        };
        let private = Notes {
            switched: private.switched + 1,
            ..private
        };
        match settings.note.as_deref() {
            Some("broken") => Err(failure().into()),
            Some("half") => Err(Unfinished {
                left: Some((done, private)),
                diagnostics: vec![failure()],
            }),
            Some("mute") => Err(Unfinished {
                left: Some((done, private)),
                diagnostics: Vec::new(),
            }),
            Some("flickers") => Ok(Done {
                outputs: done,
                private,
                warnings: vec![failure()],
            }),
            _ => Ok(Done::new(done, private)),
        }
    }

    async fn delete(
        call: &Call<'_, Bench>,
        state: State<Self>,
        ending: Ending,
    ) -> Result<Vec<Diagnostic>, Diagnostic> {
        call.clients
            .note(format!("delete {}: {ending:?}", state.settings.name));
        if state.settings.name == "stuck" {
            Err(failure())
        } else {
            Ok(Vec::new())
        }
    }
}

fn current(watts: u32) -> String {
    format!("{watts} W")
}

fn failure() -> Diagnostic {
    Diagnostic::error("The lamp did not obey", "Nobody knows why.").at(Path::from("name"))
}
