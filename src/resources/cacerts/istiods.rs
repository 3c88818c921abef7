//! What each istiod beside the Secret says that it uses.

use tokio::task::JoinSet;

use crate::cluster::istiod::{Expiries, Pod};
use crate::cluster::{Cluster, Error, NamespaceName, Problem, SecretName};
use crate::resources::words::{self, Instance};
use crate::terraform::Diagnostic;

/// A pod, and its gauges where they could be read; else why not.
pub(super) struct Istiod {
    pub(super) pod: Pod,
    pub(super) gauges: Result<Expiries, String>,
}

/// The istiods that were found.
pub(super) struct Seen {
    pub(super) istiods: Vec<Istiod>,
    /// What nobody lets us see.
    pub(super) unseen: Option<Unseen>,
}

/// Why not all is known: one cause, however many pods there are.
pub(super) enum Unseen {
    /// Which pods there are.
    Pods(Error),
    /// What they say.
    Gauges(Error),
}

impl Unseen {
    pub(super) fn told(&self, instance: &Instance) -> Diagnostic {
        match self {
            Self::Pods(error) => words::pods_not_read(instance, error),
            Self::Gauges(error) => words::gauges_unseen(instance, error),
        }
    }
}

/// Finds all pods of istiod in the Secret's namespace and asks all of them at once: one that does not
/// answer keeps its API server waiting for half a minute.
pub(super) async fn look(cluster: &Cluster, at: &SecretName) -> Seen {
    let namespace = NamespaceName::of(at);
    let pods = match cluster.istiod_pods(&namespace).await {
        Ok(pods) => pods.into_iter().filter(|pod| !pod.deleting),
        Err(error) => {
            return Seen {
                istiods: Vec::new(),
                unseen: Some(Unseen::Pods(error)),
            };
        }
    };
    let mut asking = JoinSet::new();
    for pod in pods {
        let (cluster, namespace) = (cluster.clone(), namespace.clone());
        asking.spawn(async move {
            let gauges = match pod.phase.as_str() {
                "Running" => Some(cluster.istiod_expiries(&namespace, &pod).await),
                _ => None,
            };
            (pod, gauges)
        });
    }
    let mut asked = asking.join_all().await;
    asked.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
    seen(asked)
}

/// A right that is missing is told once; whatever else keeps a pod from answering is its own affair.
fn seen(asked: Vec<(Pod, Option<Result<Expiries, Error>>)>) -> Seen {
    let mut unseen = None;
    let istiods = asked.into_iter().map(|(pod, gauges)| {
        let gauges = match gauges {
            None => Err(format!("it is {}", pod.phase)),
            Some(Ok(gauges)) => Ok(gauges),
            Some(Err(error)) => {
                let said = error.problem.to_string();
                if matches!(error.problem, Problem::Forbidden { .. }) {
                    unseen.get_or_insert(Unseen::Gauges(error));
                }
                Err(said)
            }
        };
        Istiod { pod, gauges }
    });
    let istiods = istiods.collect();
    Seen { istiods, unseen }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::istiod::samples;
    use crate::cluster::{Action, Object, Verb};

    fn failed(problem: Problem) -> Error {
        let object = Object::Metrics("istio-system/istiod-1".to_owned());
        let verb = Verb::Read;
        Error {
            action: Box::new(Action { verb, object }),
            problem,
        }
    }

    #[test]
    fn a_right_that_is_missing_is_told_once_and_of_each_pod() {
        let denied = || {
            Some(Err(failed(Problem::Forbidden {
                verb: "get".to_owned(),
                resource: "pods/proxy".to_owned(),
                message: "no".to_owned(),
                rbac: true,
            })))
        };
        let pod = |name: &str| samples::pod(name, |_| {});
        let asked = vec![
            (pod("a"), denied()),
            (pod("b"), denied()),
            (pod("c"), Some(Ok(Expiries::default()))),
            (
                samples::pod("d", |json| json["status"]["phase"] = "Pending".into()),
                None,
            ),
        ];
        let Seen { istiods, unseen } = seen(asked);
        let Some(Unseen::Gauges(error)) = unseen else {
            panic!("nothing is told")
        };
        assert!(matches!(error.problem, Problem::Forbidden { .. }));
        let said: Vec<_> = istiods
            .iter()
            .map(|istiod| istiod.gauges.as_ref().err())
            .collect();
        assert!(said[0].is_some() && said[1] == said[0] && said[2].is_none());
        assert_eq!(said[3].map(String::as_str), Some("it is Pending"));
    }

    #[test]
    fn a_pod_that_does_not_answer_is_its_own_affair() {
        let pod = samples::pod("a", |_| {});
        let busy = Problem::Busy {
            code: 503,
            message: "later".to_owned(),
            retry_after: None,
        };
        let Seen { istiods, unseen } = seen(vec![(pod, Some(Err(failed(busy))))]);
        assert!(unseen.is_none() && istiods[0].gauges.is_err());
    }
}
