//! Deleting one Secret: the one that was read, and no successor of it.

use std::time::Duration;

use http::Method;
use serde_json::json;
use tokio::time::Instant;

use super::error::{Action, Error, Kind, Problem, Verb};
use super::secret::{Observed, Parting, SecretName, part};
use super::wire::Call;
use super::write::path;
use super::{Cluster, STALE_TRIES};

/// What became of a Secret whose resource went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parted {
    /// It is deleted, and gone.
    Deleted,
    /// It stays, marked as let go of.
    Released,
    /// There was none.
    Absent,
    /// It was left alone: it carries this owner id, not ours (any more), or none, or had been let go of before.
    Left {
        /// The owner id on it.
        owner: Option<String>,
    },
}

impl Cluster {
    /// Deletes the Secret that was read, and waits until it is gone.
    ///
    /// # Errors
    /// `Stale` when it is another by now; `Terminating` with the finalizers when it is not gone `within` that time.
    pub async fn delete(&self, observed: &Observed, within: Duration) -> Result<(), Error> {
        let action = Action::on_secret(Verb::Delete, &observed.at);
        let preconditions = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": observed.uid, "resourceVersion": observed.resource_version},
        });
        let call = Call::new(action.clone(), Method::DELETE, path(&observed.at))
            .with_json("application/json", &preconditions);
        match self.call(&call).await {
            Err(Error {
                problem: Problem::Gone { .. },
                ..
            }) => Ok(()),
            Err(error) => Err(error),
            Ok(_) => self.wait_until_gone(&action, observed, within).await,
        }
    }

    /// Lets go of the Secret as [`part`] decides: deletes or releases it if it carries `owner`, else leaves it alone.
    ///
    /// A state that passed between reading and writing is read again, a bounded number of times.
    ///
    /// # Errors
    /// As [`Cluster::delete`] and [`Cluster::release`].
    pub async fn part(
        &self,
        at: &SecretName,
        owner: &str,
        delete: bool,
        within: Duration,
    ) -> Result<Parted, Error> {
        let mut tries = STALE_TRIES;
        loop {
            let Some(observed) = self.read(at).await? else {
                return Ok(Parted::Absent);
            };
            let parted = match part(&observed, owner, delete) {
                Parting::Delete => self
                    .delete(&observed, within)
                    .await
                    .map(|()| Parted::Deleted),
                Parting::Release => self.release(&observed).await.map(|_| Parted::Released),
                Parting::Forget => Ok(Parted::Left {
                    owner: observed.owner().map(str::to_owned),
                }),
            };
            tries -= 1;
            match parted {
                Err(error) if error.is_stale() && tries > 0 => {}
                settled => return settled,
            }
        }
    }

    /// Finalizers hold a deleted object for as long as they like.
    async fn wait_until_gone(
        &self,
        action: &Action,
        deleted: &Observed,
        within: Duration,
    ) -> Result<(), Error> {
        let deadline = Instant::now() + within;
        loop {
            let held = match self.read(&deleted.at).await? {
                Some(still) if still.uid == deleted.uid => still,
                Some(_) | None => return Ok(()),
            };
            if Instant::now() >= deadline {
                let finalizers = held
                    .deleting
                    .map_or_else(Vec::new, |deleting| deleting.finalizers);
                return Err(action.failed(Problem::Terminating {
                    what: Kind::Secret,
                    finalizers,
                }));
            }
            tokio::time::sleep(self.patience.look).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::cluster::script::{self, Reply, status};
    use crate::cluster::secret::samples::{foreign_json, ours, ours_json};

    const WITHIN: Duration = Duration::from_millis(50);

    fn absent() -> Reply {
        status(404, "NotFound", "not found", json!({"kind": "secrets"}))
    }

    fn modified() -> Reply {
        status(
            409,
            "Conflict",
            "the UID in the precondition does not match",
            json!({}),
        )
    }

    fn deleted() -> Reply {
        (200, json!({"kind": "Status", "status": "Success"}))
    }

    fn held() -> Value {
        let mut json = ours_json();
        json["metadata"]["deletionTimestamp"] = json!("2026-11-22T11:00:00Z");
        json["metadata"]["finalizers"] = json!(["example.com/hold"]);
        json
    }

    #[tokio::test]
    async fn a_delete_names_the_object_and_its_state() {
        let (cluster, sent) = script::cluster([deleted(), absent()]);
        cluster.delete(&ours(), WITHIN).await.unwrap();
        assert_eq!(
            sent.lines()[0],
            "DELETE /api/v1/namespaces/istio-system/secrets/cacerts"
        );
        assert_eq!(sent.all()[0].media_type, "application/json");
        assert_eq!(
            sent.body(0)["preconditions"],
            json!({"uid": "u-1", "resourceVersion": "42"})
        );
    }

    #[tokio::test]
    async fn what_is_gone_already_needs_no_delete_and_a_successor_is_not_waited_for() {
        let (cluster, _) = script::cluster([absent()]);
        assert_eq!(cluster.delete(&ours(), WITHIN).await, Ok(()));
        let (cluster, _) = script::cluster([deleted(), (200, foreign_json())]);
        assert_eq!(cluster.delete(&ours(), WITHIN).await, Ok(()));
    }

    #[tokio::test]
    async fn finalizers_are_waited_for_and_named_when_they_take_too_long() {
        let (cluster, _) = script::cluster([(200, held()), (200, held()), absent()]);
        assert_eq!(cluster.delete(&ours(), WITHIN).await, Ok(()));
        let (cluster, _) = script::cluster((0..1000).map(|_| (200, held())));
        let error = cluster.delete(&ours(), WITHIN).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "deleting Secret istio-system/cacerts: the Secret is being deleted, held by example.com/hold"
        );
    }

    #[tokio::test]
    async fn parting_deletes_or_releases_only_what_is_ours() {
        let (cluster, sent) = script::cluster([(200, ours_json()), deleted(), absent()]);
        let at = ours().at;
        assert_eq!(
            cluster.part(&at, "o-1", true, WITHIN).await,
            Ok(Parted::Deleted)
        );
        assert_eq!(sent.all().len(), 3);
        let (cluster, sent) = script::cluster([(200, ours_json()), (200, ours_json())]);
        assert_eq!(
            cluster.part(&at, "o-1", false, WITHIN).await,
            Ok(Parted::Released)
        );
        assert_eq!(sent.all().len(), 2);
        let (cluster, sent) = script::cluster([(200, ours_json())]);
        let left = Parted::Left {
            owner: Some("o-1".to_owned()),
        };
        assert_eq!(cluster.part(&at, "o-2", true, WITHIN).await, Ok(left));
        assert_eq!(sent.all().len(), 1);
        let (cluster, _) = script::cluster([absent()]);
        assert_eq!(
            cluster.part(&at, "o-1", true, WITHIN).await,
            Ok(Parted::Absent)
        );
    }

    #[tokio::test]
    async fn a_successor_that_came_between_is_judged_and_left() {
        let (cluster, sent) =
            script::cluster([(200, ours_json()), modified(), (200, foreign_json())]);
        let parted = cluster.part(&ours().at, "o-1", true, WITHIN).await;
        assert_eq!(parted, Ok(Parted::Left { owner: None }));
        assert_eq!(sent.all().len(), 3);
    }

    #[tokio::test]
    async fn a_cluster_that_does_not_answer_is_no_reason_to_forget() {
        let (cluster, _) = script::cluster([(404, json!("404 page not found"))]);
        let error = cluster
            .part(&ours().at, "o-1", true, WITHIN)
            .await
            .unwrap_err();
        assert_eq!(error.problem, Problem::NotKubernetes { code: 404 });
    }
}
