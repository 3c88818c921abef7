//! One object of somebody else's API: found in whichever version is served, and changed in one field.

use std::fmt;

use http::Method;
use serde::Deserialize;
use serde_json::Value;

use super::error::{self, Action, Error, Kind, Problem, Verb};
use super::wire::Call;
use super::{Access, BadName, Cluster, FIELD_MANAGER, STALE_TRIES, SecretName};

/// Which object: a resource of an API group, fixed text of ours, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomName {
    group: &'static str,
    /// In the plural, as a rule names it.
    resource: &'static str,
    at: SecretName,
}

/// What the API server says of an object that need not be there.
#[derive(Debug, Clone, PartialEq)]
pub enum Looked {
    /// No version of its group has such a resource: its CRD is not installed.
    NotServed,
    /// There is no such object.
    Absent,
    /// It is there.
    There(Custom),
}

/// An object as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Custom {
    /// Group and version in which it was read, such as `install.tetrate.io/v1alpha1`.
    pub api_version: String,
    /// Its UID, by which it is told from a later one of the same name.
    pub uid: String,
    resource_version: String,
    /// The whole object.
    pub object: Value,
}

impl CustomName {
    /// The object `name` in `namespace`; `group` and `resource` are fit for a request path.
    ///
    /// # Errors
    /// When one of the names could not be that of an object.
    pub fn new(
        group: &'static str,
        resource: &'static str,
        namespace: &str,
        name: &str,
    ) -> Result<Self, BadName> {
        Ok(Self {
            group,
            resource,
            at: SecretName::new(namespace, name)?,
        })
    }

    /// Resource and group, as `kubectl` takes them: `managementplanes.install.tetrate.io`.
    pub fn kind(&self) -> String {
        format!("{}.{}", self.resource, self.group)
    }

    /// The right to do this to the object.
    pub fn access(&self, verb: &'static str) -> Access {
        Access {
            verb,
            group: self.group,
            resource: self.resource,
            subresource: "",
            namespace: self.at.namespace().to_owned(),
            name: self.at.name().to_owned(),
        }
    }

    fn path(&self, api_version: &str) -> String {
        let (namespace, name) = (self.at.namespace(), self.at.name());
        format!(
            "/apis/{api_version}/namespaces/{namespace}/{}/{name}",
            self.resource
        )
    }

    fn action(&self, verb: Verb) -> Action {
        Action {
            verb,
            object: error::Object::Custom {
                resource: self.resource,
                at: self.at.to_string(),
            },
        }
    }

    fn discovery(&self, path: String) -> Call {
        let action = Action {
            verb: Verb::Discover,
            object: error::Object::Group(self.group),
        };
        Call::new(action, Method::GET, path)
    }
}

impl Cluster {
    /// Looks for the object, in the version that the server prefers of those that have its resource.
    ///
    /// # Errors
    /// When the API server does not say.
    pub async fn custom(&self, of: &CustomName) -> Result<Looked, Error> {
        let Some(api_version) = self.version_of(of).await? else {
            return Ok(Looked::NotServed);
        };
        let call = Call::new(of.action(Verb::Read), Method::GET, of.path(&api_version));
        match self.call(&call).await {
            Ok(answer) => Ok(Looked::There(Custom::new(api_version, answer.json()?))),
            Err(Error {
                problem: Problem::Gone { what: Kind::Custom },
                ..
            }) => Ok(Looked::Absent),
            Err(error) => Err(error),
        }
    }

    /// Sees to it that the object is as it shall be, which `is_right` says: reads it, and if it is not right changes
    /// what the merge patch names (RFC 7386). A patch is bound to the very object that was read; if that was changed
    /// meanwhile, it is read and judged again. Answers with the object as it is then, right or not: an admission may
    /// have made something else of it.
    ///
    /// # Errors
    /// When the API server does not say, or does not take it.
    pub async fn keep(
        &self,
        of: &CustomName,
        is_right: impl Fn(&Value) -> bool,
        patch: &Value,
    ) -> Result<Looked, Error> {
        let mut tries = 1..STALE_TRIES;
        loop {
            let read = match self.custom(of).await? {
                Looked::There(custom) if !is_right(&custom.object) => custom,
                settled => return Ok(settled),
            };
            match self.merge(of, &read, patch).await {
                Err(error) if error.is_stale() && tries.next().is_some() => {}
                settled => return settled.map(Looked::There),
            }
        }
    }

    async fn merge(&self, of: &CustomName, read: &Custom, patch: &Value) -> Result<Custom, Error> {
        let mut bound = patch.clone();
        bound["metadata"] = serde_json::json!({
            "uid": read.uid,
            "resourceVersion": read.resource_version,
        });
        let path = format!(
            "{}?fieldManager={FIELD_MANAGER}",
            of.path(&read.api_version)
        );
        let call = Call::new(of.action(Verb::Update), Method::PATCH, path)
            .with_json("application/merge-patch+json", &bound);
        let answer = self.call(&call).await?;
        Ok(Custom::new(read.api_version.clone(), answer.json()?))
    }

    /// Group and version, from the list of all groups: a group that is absent there is absent for sure.
    async fn version_of(&self, of: &CustomName) -> Result<Option<String>, Error> {
        let groups: Groups = self.call(&of.discovery("/apis".into())).await?.json()?;
        let mut groups = groups.groups.into_iter();
        let Some(group) = groups.find(|group| group.name == of.group) else {
            return Ok(None);
        };
        for version in group.by_preference() {
            let path = format!("/apis/{version}");
            let found: Resources = match self.call(&of.discovery(path)).await {
                Ok(answer) => answer.json()?,
                // It went since it was listed.
                Err(Error {
                    problem:
                        Problem::Server { code: 404, .. } | Problem::NotKubernetes { code: 404 },
                    ..
                }) => continue,
                Err(error) => return Err(error),
            };
            if found.resources.iter().any(|each| each.name == of.resource) {
                return Ok(Some(version));
            }
        }
        Ok(None)
    }
}

impl Custom {
    fn new(api_version: String, object: Value) -> Self {
        let text = |name: &str| object["metadata"][name].as_str().unwrap_or_default().into();
        Self {
            api_version,
            uid: text("uid"),
            resource_version: text("resourceVersion"),
            object,
        }
    }
}

impl fmt::Display for CustomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.at)
    }
}

/// `meta/v1 APIGroupList`
#[derive(Deserialize)]
struct Groups {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    name: String,
    versions: Vec<Version>,
    preferred_version: Option<Version>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    group_version: String,
}

/// `meta/v1 APIResourceList`
#[derive(Deserialize)]
struct Resources {
    resources: Vec<ApiResource>,
}

#[derive(Deserialize)]
struct ApiResource {
    name: String,
}

impl Group {
    /// Only such as are fit for a request path.
    fn by_preference(self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for version in self.preferred_version.into_iter().chain(self.versions) {
            let version = version.group_version;
            let fit = |c: char| c.is_ascii_alphanumeric() || "./-".contains(c);
            if version.chars().all(fit) && !all.contains(&version) {
                all.push(version);
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::script::{self, Reply, status};

    fn plane() -> CustomName {
        let (group, resource) = ("install.tetrate.io", "managementplanes");
        CustomName::new(group, resource, "tse", "managementplane").unwrap()
    }

    fn groups() -> Reply {
        let version = |version: &str| json!({"groupVersion": format!("install.tetrate.io/{version}"), "version": version});
        let group = json!({"name": "install.tetrate.io", "preferredVersion": version("v1beta1"),
            "versions": [version("v1beta1"), version("v1alpha1")]});
        (
            200,
            json!({"groups": [{"name": "apps", "versions": []}, group]}),
        )
    }

    fn resources(names: &[&str]) -> Reply {
        let all: Vec<_> = names.iter().map(|name| json!({"name": name})).collect();
        (200, json!({"resources": all}))
    }

    fn live(resource_version: &str, spec: &Value) -> Reply {
        let metadata = json!({"uid": "u-1", "resourceVersion": resource_version});
        (200, json!({"metadata": metadata, "spec": spec}))
    }

    fn there(looked: Result<Looked, Error>) -> Custom {
        match looked {
            Ok(Looked::There(custom)) => custom,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn the_version_is_the_preferred_one_of_those_that_have_the_resource() {
        let spec = json!({"hub": "x"});
        for (replies, version) in [
            (vec![resources(&["managementplanes"])], "v1beta1"),
            (
                vec![
                    resources(&["controlplanes"]),
                    resources(&["managementplanes"]),
                ],
                "v1alpha1",
            ),
            (
                vec![
                    status(404, "NotFound", "gone", json!({})),
                    resources(&["managementplanes"]),
                ],
                "v1alpha1",
            ),
        ] {
            let replies = [vec![groups()], replies, vec![live("7", &spec)]].concat();
            let (cluster, sent) = script::cluster(replies);
            let custom = there(cluster.custom(&plane()).await);
            assert_eq!(custom.api_version, format!("install.tetrate.io/{version}"));
            assert_eq!(
                (custom.uid.as_str(), &custom.object["spec"]),
                ("u-1", &spec)
            );
            let read = format!(
                "GET /apis/install.tetrate.io/{version}/namespaces/tse/managementplanes/managementplane"
            );
            assert_eq!(sent.lines().last(), Some(&read));
        }
    }

    #[tokio::test]
    async fn a_crd_that_is_not_installed_is_told_from_an_object_that_is_absent() {
        let none = (200, json!({"groups": [{"name": "apps", "versions": []}]}));
        let (cluster, _) = script::cluster([none]);
        assert_eq!(cluster.custom(&plane()).await, Ok(Looked::NotServed));
        let other = resources(&["controlplanes"]);
        let (cluster, _) = script::cluster([groups(), other.clone(), other]);
        assert_eq!(cluster.custom(&plane()).await, Ok(Looked::NotServed));
        let absent = status(
            404,
            "NotFound",
            "not found",
            json!({"kind": "managementplanes", "group": "install.tetrate.io"}),
        );
        let (cluster, _) = script::cluster([groups(), resources(&["managementplanes"]), absent]);
        assert_eq!(cluster.custom(&plane()).await, Ok(Looked::Absent));
        let elsewhere = (404, json!({"error": "no such route"}));
        let (cluster, _) = script::cluster([elsewhere]);
        assert!(cluster.custom(&plane()).await.is_err());
    }

    fn without_a(object: &Value) -> bool {
        object["spec"]["a"].is_null()
    }

    fn patch() -> Value {
        json!({"spec": {"a": null}})
    }

    #[tokio::test]
    async fn a_patch_names_the_object_that_was_read_and_nothing_else_than_it_was_given() {
        let (before, after) = (json!({"a": 1, "b": 2}), json!({"b": 2}));
        let served = resources(&["managementplanes"]);
        let (cluster, sent) =
            script::cluster([groups(), served, live("7", &before), live("8", &after)]);
        let kept = there(cluster.keep(&plane(), without_a, &patch()).await);
        assert_eq!(kept.object["spec"], after);
        let sent = sent.all().pop().unwrap();
        let bound =
            json!({"spec": {"a": null}, "metadata": {"uid": "u-1", "resourceVersion": "7"}});
        assert_eq!(sent.body, bound);
        assert_eq!(sent.media_type, "application/merge-patch+json");
        let path =
            "/apis/install.tetrate.io/v1beta1/namespaces/tse/managementplanes/managementplane";
        let line = format!("PATCH {path}?fieldManager=terraform-provider-istiopca");
        assert_eq!(sent.line, line);
    }

    #[tokio::test]
    async fn nothing_is_sent_to_an_object_that_is_right() {
        let served = resources(&["managementplanes"]);
        let (cluster, sent) = script::cluster([groups(), served, live("7", &json!({"b": 2}))]);
        there(cluster.keep(&plane(), without_a, &patch()).await);
        assert!(sent.lines().iter().all(|line| line.starts_with("GET ")));
    }

    #[tokio::test]
    async fn what_was_changed_meanwhile_is_read_and_judged_again() {
        let stale = || status(409, "Conflict", "the object has been modified", json!({}));
        let round = |version: &str, spec: Value| {
            let served = resources(&["managementplanes"]);
            [groups(), served, live(version, &spec)]
        };
        // Somebody else has done it by then.
        let replies = [
            &round("7", json!({"a": 1}))[..],
            &[stale()],
            &round("8", json!({}))[..],
        ];
        let (cluster, sent) = script::cluster(replies.concat());
        there(cluster.keep(&plane(), without_a, &patch()).await);
        assert_eq!(sent.all().len(), 7);
        // Somebody else changes it for ever.
        let always =
            (0..STALE_TRIES).flat_map(|_| round("7", json!({"a": 1})).into_iter().chain([stale()]));
        let (cluster, _) = script::cluster(always);
        let refused = cluster.keep(&plane(), without_a, &patch()).await;
        assert!(refused.unwrap_err().is_stale());
    }

    #[tokio::test]
    async fn a_right_that_is_missing_is_told_as_a_rule_names_it() {
        let words = "managementplanes.install.tetrate.io \"managementplane\" is forbidden: User \"u\" cannot get \
                     resource \"managementplanes\" in API group \"install.tetrate.io\" in the namespace \"tse\"";
        let denied = status(403, "Forbidden", words, json!({}));
        let (cluster, _) = script::cluster([groups(), resources(&["managementplanes"]), denied]);
        let refused = cluster.custom(&plane()).await.unwrap_err();
        assert_eq!(
            refused.action.to_string(),
            "reading managementplanes tse/managementplane"
        );
        let Problem::Forbidden { verb, resource, .. } = refused.problem else {
            panic!("{refused}");
        };
        assert_eq!(
            (verb.as_str(), resource.as_str()),
            ("get", "managementplanes")
        );
    }
}
