//! Which cluster an object is in, and where the provider leads now.

use crate::aws::Until;
use crate::clients::{Clients, Connected, NoCluster};
use crate::eks::ClusterArn;
use crate::terraform::Call;

/// The cluster of an object that was written, as far as it is known.
#[derive(Clone, Copy)]
pub(super) struct Home<'a> {
    /// The cluster that the object's settings name; otherwise it is the provider block's.
    pub(super) named: Option<&'a ClusterArn>,
    /// Its ARN, where EKS led to it.
    pub(super) arn: Option<&'a ClusterArn>,
    /// What it is recognised by.
    pub(super) fingerprint: Option<&'a String>,
}

/// The object goes to another cluster than it is in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// Because its settings name another one.
    Named,
    /// Because the provider block leads to another one, which is in words.
    Led {
        /// What it is in, as far as it is known.
        from: String,
        /// What it goes to.
        to: String,
    },
}

/// The cluster that an object with such settings is to be in, looked for as long as the call has time and the
/// host goes on.
pub(super) async fn connected(
    call: &Call<'_, Clients>,
    named: Option<&ClusterArn>,
) -> Result<Connected, NoCluster> {
    let until = Until::new(call.deadline, &call.stop);
    call.clients.cluster(named, until).await
}

impl Home<'_> {
    /// The cluster that the object is in. Where the provider block named it and does so no more, because
    /// resources now name theirs, it is still known by its ARN.
    pub(super) async fn known(&self, call: &Call<'_, Clients>) -> Result<Connected, NoCluster> {
        match (connected(call, self.named).await, self.arn) {
            (Err(error), Some(arn)) if error.names_none() => connected(call, Some(arn)).await,
            (settled, _) => settled,
        }
    }

    /// The cluster to take the object out of, by its ARN wherever the provider block leads now; `None` if it is out
    /// of reach, because the provider was pointed at another one.
    pub(super) async fn former(
        &self,
        call: &Call<'_, Clients>,
    ) -> Result<Option<Connected>, NoCluster> {
        let there = |it: Connected| Some(it).filter(|it| self.elsewhere(it).is_none());
        let Some(arn) = self.arn else {
            return connected(call, self.named).await.map(there);
        };
        match connected(call, Some(arn)).await {
            Ok(found) => Ok(there(found)),
            Err(error) => connected(call, self.named)
                .await
                .map(there)
                .map_err(|_| error),
        }
    }

    /// What the connection leads to, where that is another cluster than the object's.
    pub(super) fn elsewhere(&self, connected: &Connected) -> Option<String> {
        let now = connected.cluster.fingerprint().to_string();
        let known = self.fingerprint?;
        let arn = connected.eks.as_ref().map(ToString::to_string);
        (*known != now).then(|| arn.unwrap_or(now))
    }

    /// Whether it says something of a cluster that is not there yet and is not the object's.
    pub(super) fn is_not(&self, error: &NoCluster) -> bool {
        self.arn.is_some_and(|arn| error.is_of_another(arn))
    }

    /// Whether the very cluster of the object is gone, and the object with it.
    pub(super) fn is_gone(&self, error: &NoCluster) -> bool {
        self.arn.is_some_and(|arn| error.says_gone(arn))
    }

    /// Whether settings that name `wanted` move the object; `leads_to` is the cluster that the provider was found to
    /// speak to now, where it is another one. The cluster that the provider block names may get a name of its own;
    /// to which one the provider block leads is not known while planning.
    pub(super) fn moves(
        &self,
        wanted: Option<&ClusterArn>,
        leads_to: Option<&String>,
    ) -> Option<Move> {
        if wanted.is_some() && wanted == self.arn {
            return None;
        }
        if let Some(to) = leads_to {
            let arn = self.arn.map(ToString::to_string);
            let from = arn.or_else(|| self.fingerprint.cloned());
            let (from, to) = (from.unwrap_or_default(), to.clone());
            return Some(Move::Led { from, to });
        }
        (wanted != self.named).then_some(Move::Named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arn(name: &str) -> ClusterArn {
        let arn = format!("arn:aws:eks:eu-west-1:111122223333:cluster/{name}");
        arn.parse().unwrap()
    }

    #[test]
    fn an_object_moves_when_another_cluster_is_named_or_led_to() {
        let (here, there, digest) = (arn("here"), arn("there"), "sha256:1".to_owned());
        let home = |named, arn| Home {
            named,
            arn,
            fingerprint: Some(&digest),
        };
        let other = "another".to_owned();
        let led = |from: &str| {
            let (from, to) = (from.to_owned(), other.clone());
            Some(Move::Led { from, to })
        };
        // (what it was named, its ARN), what is wanted, where the provider leads; what comes of it.
        let cases = [
            ((None, None), None, None, None),
            ((None, Some(&here)), Some(&here), None, None),
            ((None, Some(&here)), Some(&here), Some(&other), None),
            ((None, None), Some(&here), None, Some(Move::Named)),
            (
                (Some(&here), Some(&here)),
                Some(&there),
                None,
                Some(Move::Named),
            ),
            ((Some(&here), Some(&here)), None, None, Some(Move::Named)),
            ((None, None), None, Some(&other), led("sha256:1")),
            (
                (None, Some(&here)),
                None,
                Some(&other),
                led(&here.to_string()),
            ),
        ];
        for ((named, arn), wanted, leads_to, expected) in cases {
            assert_eq!(home(named, arn).moves(wanted, leads_to), expected);
        }
    }
}
