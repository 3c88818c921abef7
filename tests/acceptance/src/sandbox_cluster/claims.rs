//! Whether an object is the one that a request was meant for.

use serde::Deserialize;
use serde_json::Value;

use super::status::{Flaw, Refusal};
use super::target::Target;

/// What the body of a write says of the object that it is meant for.
pub(super) struct Claims {
    uid: Option<String>,
    version: Option<String>,
}

/// Which object, or which version of it, a delete is meant for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Preconditions {
    uid: Option<String>,
    resource_version: Option<String>,
}

impl Claims {
    /// Reads the claims and takes all from the body that is the server's to say.
    pub(super) fn taken_from(body: &mut Value) -> Self {
        let mut metadata = body.get_mut("metadata").and_then(Value::as_object_mut);
        let mut take = |key: &str| {
            let taken = metadata
                .as_deref_mut()
                .and_then(|metadata| metadata.remove(key));
            taken.and_then(|value| value.as_str().map(str::to_owned))
        };
        for key in [
            "creationTimestamp",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "generation",
            "selfLink",
        ] {
            take(key);
        }
        let uid = take("uid");
        // "0" and "" stand for any version.
        let version =
            take("resourceVersion").filter(|version| !["", "0"].contains(&version.as_str()));
        Self { uid, version }
    }

    /// Refuses a write that was meant for an older version, or for another object of the same name.
    pub(super) fn check(&self, at: &Target, live: &Value) -> Result<(), Refusal> {
        let metadata = &live["metadata"];
        if self
            .version
            .as_ref()
            .is_some_and(|version| metadata["resourceVersion"] != **version)
        {
            return Err(Refusal::stale(at));
        }
        match &self.uid {
            Some(uid) if metadata["uid"] != **uid => Err(Refusal::invalid(
                at.kind,
                &at.name,
                &[Flaw::immutable("metadata.uid", uid)],
            )),
            _ => Ok(()),
        }
    }

    /// Refuses to create what was meant to be there already. A version is no such claim, an uid is.
    pub(super) fn check_absent(&self, at: &Target) -> Result<(), Refusal> {
        self.uid
            .as_ref()
            .map_or(Ok(()), |uid| Err(Refusal::uid_of_nothing(at, uid)))
    }
}

impl Preconditions {
    /// Refuses a delete that was meant for something else.
    pub(super) fn check(&self, at: &Target, live: &Value) -> Result<(), Refusal> {
        let record = |key: &str| live["metadata"][key].as_str().unwrap_or_default();
        let claims = [
            (
                "UID",
                &self.uid,
                record("uid"),
                "deleted and then recreated",
            ),
            (
                "ResourceVersion",
                &self.resource_version,
                record("resourceVersion"),
                "modified",
            ),
        ];
        for (what, wanted, record, meaning) in claims {
            if let Some(wanted) = wanted.as_ref().filter(|wanted| **wanted != record) {
                let why = format!(
                    "the {what} in the precondition ({wanted}) does not match the {what} in record \
                     ({record}). The object might have been {meaning}"
                );
                return Err(Refusal::precondition(at, &why));
            }
        }
        Ok(())
    }
}
