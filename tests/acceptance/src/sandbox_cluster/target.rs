//! What a path of the API means.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::status::Refusal;

/// The two kinds of objects that are really kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Namespace,
    Secret,
}

/// One object's place, whether it is there or not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    pub(super) kind: Kind,
    /// `None` for a namespace itself.
    pub(super) namespace: Option<String>,
    pub(super) name: String,
}

/// All objects of a kind, in one namespace or everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Collection {
    pub(super) kind: Kind,
    pub(super) namespace: Option<String>,
}

impl Kind {
    /// As the `kind` of an object.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Namespace => "Namespace",
            Self::Secret => "Secret",
        }
    }

    /// What such an object has, in the first place.
    pub(super) fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Namespace => &["apiVersion", "kind", "metadata", "spec", "status"],
            Self::Secret => &[
                "apiVersion",
                "kind",
                "metadata",
                "data",
                "stringData",
                "type",
                "immutable",
            ],
        }
    }

    /// As a step of a path, and in refusals.
    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Namespace => "namespaces",
            Self::Secret => "secrets",
        }
    }
}

impl Target {
    /// A namespace's own place.
    pub(super) fn namespace(name: &str) -> Self {
        Self {
            kind: Kind::Namespace,
            namespace: None,
            name: name.to_owned(),
        }
    }

    fn parse(path: &str) -> Option<Self> {
        match steps(path).as_slice() {
            ["namespaces", name] => Some(Self::namespace(name)),
            ["namespaces", namespace, "secrets", name] => {
                let namespace = Some((*namespace).to_owned());
                Some(Self {
                    kind: Kind::Secret,
                    namespace,
                    name: (*name).to_owned(),
                })
            }
            _ => None,
        }
    }
}

impl Collection {
    /// The place in it that has this name.
    pub(super) fn target(self, name: &str) -> Target {
        Target {
            kind: self.kind,
            namespace: self.namespace,
            name: name.to_owned(),
        }
    }

    /// Whether an object at this place belongs to it.
    pub(super) fn holds(&self, at: &Target) -> bool {
        self.kind == at.kind && (self.namespace.is_none() || self.namespace == at.namespace)
    }

    fn parse(path: &str) -> Option<Self> {
        match steps(path).as_slice() {
            ["namespaces"] => Some(Self {
                kind: Kind::Namespace,
                namespace: None,
            }),
            ["secrets"] => Some(Self {
                kind: Kind::Secret,
                namespace: None,
            }),
            ["namespaces", namespace, "secrets"] => Some(Self {
                kind: Kind::Secret,
                namespace: Some((*namespace).to_owned()),
            }),
            _ => None,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Target {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Self::parse(parts.uri.path()).ok_or_else(Refusal::unknown_path)
    }
}

impl<S: Sync> FromRequestParts<S> for Collection {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Self::parse(parts.uri.path()).ok_or_else(Refusal::unknown_path)
    }
}

fn steps(path: &str) -> Vec<&str> {
    path.strip_prefix("/api/v1/")
        .into_iter()
        .flat_map(|rest| rest.split('/'))
        .collect()
}
