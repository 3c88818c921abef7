//! How the replacement of a Deployment's pods fares, judged as `kubectl rollout status` does.

use std::fmt;

use crate::cluster::istiod::{Deployment, Pod, Waiting};

/// How far a rollout is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::resources) enum Rollout {
    /// All pods are of the present template and serve.
    Done,
    /// Its controller has not seen the change yet.
    Unseen,
    /// Changes wait until somebody resumes it.
    Paused,
    /// So many of the pods are of the present template.
    Replacing {
        /// That many.
        updated: u32,
        /// Of so many.
        wanted: u32,
    },
    /// So many old pods are on their way out.
    Ending {
        /// That many.
        old: u32,
    },
    /// So many of the new pods serve.
    Starting {
        /// That many.
        available: u32,
        /// Of so many.
        wanted: u32,
    },
    /// Its controller has given it up.
    GivenUp {
        /// In its words.
        message: String,
    },
    /// Somebody deletes it.
    Deleted,
}

impl Rollout {
    /// As a Deployment shows it.
    pub(in crate::resources) fn of(istiod: &Deployment) -> Self {
        let Deployment {
            wanted,
            replicas,
            updated,
            available,
            ..
        } = *istiod;
        let progress = istiod.condition("Progressing");
        let given_up = progress.filter(|it| it.reason == "ProgressDeadlineExceeded");
        if istiod.deleting {
            Self::Deleted
        } else if istiod.observed_generation < istiod.generation {
            Self::Unseen
        } else if let Some(given_up) = given_up {
            let message = given_up.message.clone();
            Self::GivenUp { message }
        } else if istiod.paused && updated < wanted {
            Self::Paused
        } else if updated < wanted {
            Self::Replacing { updated, wanted }
        } else if replicas > updated {
            let old = replicas - updated;
            Self::Ending { old }
        } else if available < updated {
            Self::Starting { available, wanted }
        } else {
            Self::Done
        }
    }

    /// Whether waiting may still help.
    pub(in crate::resources) fn goes_on(&self) -> bool {
        match self {
            Self::Done | Self::Paused | Self::GivenUp { .. } | Self::Deleted => false,
            Self::Unseen | Self::Replacing { .. } | Self::Ending { .. } | Self::Starting { .. } => {
                true
            }
        }
    }
}

impl fmt::Display for Rollout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("all pods are new and serve"),
            Self::Unseen => f.write_str("its controller has not seen the change yet"),
            Self::Paused => f.write_str("it is paused, and changes wait until it is resumed"),
            Self::Replacing { updated, wanted } => write!(f, "{updated} of {wanted} pods are new"),
            Self::Ending { old } => write!(f, "{old} old pods are yet to end"),
            Self::Starting { available, wanted } => {
                write!(f, "{available} of {wanted} new pods serve")
            }
            Self::GivenUp { message } => {
                write!(
                    f,
                    "its controller has given up: {}",
                    message.trim_end_matches('.')
                )
            }
            Self::Deleted => f.write_str("it is being deleted"),
        }
    }
}

/// Which pod waits for what, in words, one line a pod that is not on its way out and does not serve.
pub(in crate::resources) fn hindrances(pods: &[Pod]) -> Vec<String> {
    let held = pods.iter().filter(|pod| !pod.deleting && !pod.ready);
    let lines = held.map(|pod| {
        let waits: Vec<String> = pod.waiting.iter().map(waits).collect();
        let Pod { name, phase, .. } = pod;
        if waits.is_empty() {
            format!("{name} is {phase} and not ready")
        } else {
            format!("{name}: {}", waits.join("; "))
        }
    });
    lines.collect()
}

fn waits(waiting: &Waiting) -> String {
    let said = |reason: &str, message: &str| {
        let words = [reason, message].map(|it| it.trim().trim_end_matches('.'));
        let words: Vec<&str> = words.into_iter().filter(|it| !it.is_empty()).collect();
        words.join(": ")
    };
    match waiting {
        Waiting::Unscheduled { reason, message } => {
            format!("no node takes it ({})", said(reason, message))
        }
        Waiting::Container {
            name,
            reason,
            message,
        } => format!("container {name} does not run ({})", said(reason, message)),
        Waiting::Unready { name } => format!("container {name} runs and is not ready"),
        Waiting::Failed { reason, message } => format!("it failed ({})", said(reason, message)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::istiod::samples;

    fn of(change: impl FnOnce(&mut Value)) -> Rollout {
        Rollout::of(&samples::deployment(change))
    }

    fn counts(replicas: u32, updated: u32, available: u32) -> Rollout {
        of(|json| {
            json["status"] = json!({
                "observedGeneration": 3, "replicas": replicas, "updatedReplicas": updated,
                "availableReplicas": available,
            });
        })
    }

    #[test]
    fn a_rollout_is_done_when_all_pods_are_new_and_serve() {
        let wanted = 2;
        assert_eq!(counts(2, 2, 2), Rollout::Done);
        assert_eq!(counts(2, 1, 2), Rollout::Replacing { updated: 1, wanted });
        assert_eq!(counts(3, 2, 2), Rollout::Ending { old: 1 });
        assert_eq!(
            counts(2, 2, 1),
            Rollout::Starting {
                available: 1,
                wanted
            }
        );
        assert!(!counts(2, 2, 2).goes_on() && counts(2, 2, 1).goes_on());
    }

    #[test]
    fn what_the_controller_has_not_seen_says_nothing_yet() {
        assert_eq!(
            of(|json| json["metadata"]["generation"] = json!(4)),
            Rollout::Unseen
        );
    }

    #[test]
    fn one_that_will_not_end_by_itself_is_told_apart() {
        let message = "ReplicaSet \"istiod-5b\" has timed out progressing.".to_owned();
        let given_up = of(|json| {
            json["status"]["conditions"] = json!([{"type": "Progressing", "status": "False",
                "reason": "ProgressDeadlineExceeded", "message": message}]);
        });
        assert_eq!(given_up, Rollout::GivenUp { message });
        let paused = of(|json| {
            json["spec"]["paused"] = json!(true);
            json["status"]["updatedReplicas"] = json!(0);
        });
        assert_eq!(paused, Rollout::Paused);
        let deleted =
            of(|json| json["metadata"]["deletionTimestamp"] = json!("2026-03-01T00:00:00Z"));
        assert_eq!(deleted, Rollout::Deleted);
        for ended in [paused, deleted, given_up] {
            assert!(!ended.goes_on(), "{ended:?}");
        }
    }

    #[test]
    fn one_that_has_no_pods_is_done() {
        let none = of(|json| {
            json["spec"]["replicas"] = json!(0);
            json["status"] = json!({"observedGeneration": 3});
        });
        assert_eq!(none, Rollout::Done);
    }

    #[test]
    fn each_pod_that_does_not_serve_is_named_with_what_it_waits_for() {
        let unready =
            |name: &str, status: Value| samples::pod(name, |json| json["status"] = status);
        let waiting =
            |reason: &str| json!({"waiting": {"reason": reason, "message": "Back-off 10s."}});
        let pods = [
            samples::pod("serves", |_| {}),
            samples::pod("goes", |json| {
                json["status"] = json!({"phase": "Running"});
                json["metadata"]["deletionTimestamp"] = json!("2026-03-01T00:00:00Z");
            }),
            unready(
                "pulls",
                json!({"phase": "Pending", "containerStatuses": [
                    {"name": "discovery", "state": waiting("ImagePullBackOff")},
                ]}),
            ),
            unready(
                "floats",
                json!({"phase": "Pending", "conditions": [
                    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes fit"},
                ]}),
            ),
            unready(
                "probes",
                json!({"phase": "Running", "containerStatuses": [
                    {"name": "discovery", "ready": false, "state": {"running": {}}},
                ]}),
            ),
            unready("silent", json!({"phase": "Pending"})),
        ];
        let expected = [
            "pulls: container discovery does not run (ImagePullBackOff: Back-off 10s)",
            "floats: no node takes it (Unschedulable: 0/3 nodes fit)",
            "probes: container discovery runs and is not ready",
            "silent is Pending and not ready",
        ];
        assert_eq!(hindrances(&pods), expected);
    }
}
