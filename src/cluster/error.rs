//! What can go wrong between us and an API server, by what was being done.

use std::fmt;
use std::time::Duration;

use super::connect::Reach;
use super::door::NoPass;
use super::secret::SecretName;
use super::transport::Cause;

/// A call that did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{action}: {problem}")]
pub struct Error {
    /// What was being done.
    pub action: Box<Action>,
    /// What came of it.
    pub problem: Problem,
}

/// One thing done to one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// What was done.
    pub verb: Verb,
    /// To what.
    pub object: Object,
}

/// What is done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Read it.
    Read,
    /// Make it by server-side apply.
    Create,
    /// Change it by server-side apply.
    Update,
    /// Take the ownership of its fields over.
    Adopt,
    /// Mark it as let go.
    Release,
    /// Delete it.
    Delete,
    /// Ask whether we may do something.
    Review,
    /// Find all of a kind.
    List,
    /// Find out in which version it is served.
    Discover,
    /// Have its pods replaced.
    Restart,
    /// Touch it, so that somebody looks at it.
    Nudge,
}

/// What something is done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// A Secret.
    Secret(SecretName),
    /// A namespace, by name.
    Namespace(String),
    /// A ConfigMap, as `namespace/name`.
    ConfigMap(String),
    /// A Deployment, as `namespace/name`.
    Deployment(String),
    /// The Deployments of istiod in a namespace.
    Deployments(String),
    /// A pod, as `namespace/name`.
    Pod(String),
    /// The pods of istiod in a namespace.
    Pods(String),
    /// The metrics of a pod through the API server's proxy, as `namespace/pod`.
    Metrics(String),
    /// An object of somebody else's API: its resource in the plural, and `namespace/name`.
    Custom {
        /// As a rule names it.
        resource: &'static str,
        /// Where it is.
        at: String,
    },
    /// An API group.
    Group(&'static str),
    /// Our own rights, in words such as `patch secrets istio-system/cacerts`.
    Access(String),
}

/// A kind of object that can be missing or on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The namespace.
    Namespace,
    /// The Secret in it.
    Secret,
    /// A ConfigMap in it.
    ConfigMap,
    /// A Deployment in it.
    Deployment,
    /// A pod in it.
    Pod,
    /// An object of somebody else's API in it.
    Custom,
}

/// What came of a call that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// 404 from the API server itself: the object is not there.
    #[error("the {what} does not exist")]
    Gone {
        /// What is missing.
        what: Kind,
    },
    /// 401: the credential is invalid or has expired, or nobody is known by it.
    #[error("the API server does not accept the credential{}: {message}", of(principal.as_deref()))]
    Unauthorized {
        /// The server's words.
        message: String,
        /// Whose credential it is, where whoever issued it knows.
        principal: Option<String>,
    },
    /// The credential that would sign the call cannot be obtained.
    #[error("there is no credential to sign in with: {0}")]
    NoCredential(NoPass),
    /// 403: who we are may not do this.
    #[error("not allowed to {verb} {resource}: {message}")]
    Forbidden {
        /// The verb that is missing, as a rule names it.
        verb: String,
        /// The resource, as a rule names it.
        resource: String,
        /// The server's words.
        message: String,
        /// Whether roles and bindings say no; otherwise it was admission.
        rbac: bool,
    },
    /// No answer: network, name, TLS, or time.
    #[error("{}", cause.words(host))]
    Unreachable {
        /// Host and port of the API server.
        host: String,
        /// Why there was no answer.
        cause: Cause,
        /// From where there could be one.
        reach: Reach,
    },
    /// 409 of server-side apply: others hold fields with other values.
    #[error("others hold fields of ours: {managers:?}")]
    Conflict {
        /// Each manager with the fields that it holds, as the server names them.
        managers: Vec<(String, Vec<String>)>,
    },
    /// The object is no longer what was read: changed, deleted, or made anew.
    #[error("it was changed since it was read: {message}")]
    Stale {
        /// The server's words.
        message: String,
    },
    /// 422 or 400: the server, or its admission, does not want this object.
    #[error("the API server refuses the object: {message}")]
    Invalid {
        /// The server's words.
        message: String,
    },
    /// It, or the namespace around it, is being deleted.
    #[error("the {what} is being deleted{}", held_by(finalizers))]
    Terminating {
        /// What is being deleted.
        what: Kind,
        /// What still holds it, where that is known.
        finalizers: Vec<String>,
    },
    /// 403 of the quota.
    #[error("the quota of the namespace is used up: {message}")]
    Quota {
        /// The server's words.
        message: String,
    },
    /// 429, 502, 503 or 504, after several tries.
    #[error("the API server is too busy (HTTP {code}): {message}")]
    Busy {
        /// The HTTP status.
        code: u16,
        /// The server's words, if any.
        message: String,
        /// How long the server asked us to wait.
        retry_after: Option<Duration>,
    },
    /// Any other failure that the API server reported.
    #[error("the API server answered HTTP {code} {reason}: {message}")]
    Server {
        /// The HTTP status.
        code: u16,
        /// The server's reason, one word.
        reason: String,
        /// The server's words.
        message: String,
    },
    /// Something answered that is no Kubernetes API server, such as a proxy's error page.
    #[error("the answer is not that of a Kubernetes API server (HTTP {code})")]
    NotKubernetes {
        /// The HTTP status.
        code: u16,
    },
    /// A success whose content we cannot read. The content itself may be secret, and is not told.
    #[error("the answer could not be read: {why}")]
    Unreadable {
        /// What was expected and where it differs.
        why: String,
    },
}

impl Problem {
    /// Whether trying again later may help without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Busy { .. } => true,
            Self::Unreachable { cause, .. } => cause.is_transient(),
            Self::NoCredential(error) => error.is_transient,
            _ => false,
        }
    }
}

impl Error {
    /// Whether the object changed, or went, between our reading and our writing.
    pub fn is_stale(&self) -> bool {
        match self.problem {
            Problem::Stale { .. } => true,
            Problem::Gone {
                what: Kind::Secret | Kind::Deployment | Kind::Pod | Kind::Custom,
            } => self.action.verb != Verb::Read,
            _ => false,
        }
    }
}

impl Action {
    pub(super) fn on_secret(verb: Verb, at: &SecretName) -> Self {
        Self {
            verb,
            object: Object::Secret(at.clone()),
        }
    }

    pub(super) fn failed(&self, problem: Problem) -> Error {
        Error {
            action: Box::new(self.clone()),
            problem,
        }
    }
}

impl Verb {
    /// The verb of a rule that allows this.
    pub fn rbac(self) -> &'static str {
        match self {
            Self::Read | Self::Discover => "get",
            Self::Create | Self::Review => "create",
            Self::Update | Self::Adopt | Self::Release | Self::Restart | Self::Nudge => "patch",
            Self::Delete => "delete",
            Self::List => "list",
        }
    }
}

impl Object {
    /// The resource of a rule that covers this.
    pub fn resource(&self) -> &'static str {
        match self {
            Self::Secret(_) => "secrets",
            Self::Namespace(_) => "namespaces",
            Self::ConfigMap(_) => "configmaps",
            Self::Deployment(_) | Self::Deployments(_) => "deployments",
            Self::Pod(_) | Self::Pods(_) => "pods",
            Self::Metrics(_) => "pods/proxy",
            Self::Custom { resource, .. } => resource,
            Self::Group(_) => "apis",
            Self::Access(_) => "selfsubjectaccessreviews",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.object)
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "reading",
            Self::Create => "creating",
            Self::Update => "updating",
            Self::Adopt => "adopting",
            Self::Release => "releasing",
            Self::Delete => "deleting",
            Self::Review => "asking for the right to",
            Self::List => "listing",
            Self::Discover => "discovering",
            Self::Restart => "restarting",
            Self::Nudge => "touching",
        })
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(at) => write!(f, "Secret {at}"),
            Self::Namespace(name) => write!(f, "namespace {name}"),
            Self::ConfigMap(at) => write!(f, "ConfigMap {at}"),
            Self::Deployment(at) => write!(f, "Deployment {at}"),
            Self::Deployments(namespace) => write!(f, "the Deployments of istiod in {namespace}"),
            Self::Pod(at) => write!(f, "pod {at}"),
            Self::Pods(namespace) => write!(f, "the pods of istiod in {namespace}"),
            Self::Metrics(at) => write!(f, "the metrics of pod {at}"),
            Self::Custom { resource, at } => write!(f, "{resource} {at}"),
            Self::Group(name) => write!(f, "the API group {name}"),
            Self::Access(words) => f.write_str(words),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Namespace => "namespace",
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
            Self::Deployment => "Deployment",
            Self::Pod => "pod",
            Self::Custom => "object",
        })
    }
}

fn of(principal: Option<&str>) -> String {
    principal.map_or_else(String::new, |principal| format!(" of {principal}"))
}

fn held_by(finalizers: &[String]) -> String {
    if finalizers.is_empty() {
        String::new()
    } else {
        format!(", held by {}", finalizers.join(", "))
    }
}
