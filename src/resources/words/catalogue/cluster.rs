//! What can go wrong with a cluster.

use std::sync::Arc;
use std::time::Duration;

use super::secret::ROOT;
use super::{Chapter, secret};
use crate::clients::NoCluster;
use crate::cluster::{
    Access, Action, Cause, Denied, Error, Kind, NamespaceName, NoPass, Object, Problem, Reach,
    SecretName, SettingsError, Verb,
};
use crate::pki::judge;
use crate::resources::words;
use crate::terraform::value::Unreadable;
use crate::terraform::{Diagnostic, Path};

pub(super) fn at() -> SecretName {
    SecretName::new("istio-system", "cacerts").expect("a name")
}

/// What a look at a cluster has to tell.
pub(super) fn looks() -> Chapter {
    let instance = secret();
    let forbidden = |verb: Verb, object: Object, rule: &str, resource: &str| Error {
        action: Box::new(Action { verb, object }),
        problem: Problem::Forbidden {
            verb: rule.to_owned(),
            resource: resource.to_owned(),
            message: message(),
            rbac: true,
        },
    };
    let pods = Object::Pods("istio-system".to_owned());
    let metrics = Object::Metrics("istio-system/istiod-5b4f".to_owned());
    let findings = [
        words::finding(&judge::Finding::Generated),
        words::not_handed_on(&ROOT),
    ];
    Chapter {
        title: "Secrets that are looked at",
        about: "What `data \"istiopca_cacerts\"` has to tell beside the errors above. The last one is not told by itself: \
                these are sentences of its `findings`, of which there is one for whatever the judge finds.",
        messages: vec![
            words::pods_not_read(&instance, &forbidden(Verb::List, pods, "list", "pods")),
            words::gauges_unseen(
                &instance,
                &forbidden(Verb::Read, metrics, "get", "pods/proxy"),
            ),
            instance.warning("something is wrong with it", &[&findings.join("\n\n")]),
        ],
    }
}

/// A call on the Secret that failed.
pub(super) fn failed(verb: Verb, problem: Problem) -> Error {
    Error {
        action: Box::new(Action {
            verb,
            object: Object::Secret(at()),
        }),
        problem,
    }
}

fn message() -> String {
    "the server's own words".to_owned()
}

/// Who we are, and what we may do.
fn refusals() -> Vec<(Verb, Problem)> {
    let forbidden = |rbac| Problem::Forbidden {
        verb: "patch".to_owned(),
        resource: "secrets".to_owned(),
        message: message(),
        rbac,
    };
    let unknown = Problem::Unauthorized {
        message: message(),
        principal: Some("arn:aws:iam::444455556666:role/ci".to_owned()),
    };
    let nothing = Problem::NoCredential(NoPass {
        why: "the role arn:aws:iam::444455556666:role/ci cannot be assumed".to_owned(),
        is_transient: false,
    });
    vec![
        (Verb::Read, unknown),
        (Verb::Read, nothing),
        (Verb::Update, forbidden(true)),
        (Verb::Update, forbidden(false)),
    ]
}

/// No answer, or none that helps.
fn silences() -> Vec<(Verb, Problem)> {
    let closed = Problem::Unreachable {
        host: "api.example.com:443".to_owned(),
        cause: Cause::Refused,
        reach: Reach::Unsaid,
    };
    let busy = Problem::Busy {
        code: 429,
        message: message(),
        retry_after: Some(Duration::from_secs(1)),
    };
    let broken = Problem::Server {
        code: 500,
        reason: "InternalError".to_owned(),
        message: message(),
    };
    let blocks = vec!["192.0.2.0/24".to_owned()];
    vec![
        (Verb::Read, closed),
        (Verb::Read, cut_off(Reach::Inside)),
        (Verb::Read, cut_off(Reach::From(blocks))),
        (Verb::Read, busy),
        (Verb::Read, Problem::NotKubernetes { code: 502 }),
        (Verb::Read, broken),
    ]
}

/// The object, or the namespace around it.
fn objections() -> Vec<(Verb, Problem)> {
    let gone = |what| Problem::Gone { what };
    let terminating = Problem::Terminating {
        what: Kind::Namespace,
        finalizers: vec!["kubernetes".to_owned()],
    };
    vec![
        (Verb::Create, gone(Kind::Namespace)),
        (Verb::Update, gone(Kind::Secret)),
        (Verb::Update, Problem::Stale { message: message() }),
        (Verb::Create, terminating),
        (Verb::Create, Problem::Quota { message: message() }),
        (Verb::Create, Problem::Invalid { message: message() }),
    ]
}

fn cut_off(reach: Reach) -> Problem {
    Problem::Unreachable {
        host: "api.example.com:443".to_owned(),
        cause: Cause::ConnectTimeout,
        reach,
    }
}

pub(super) fn chapter() -> Chapter {
    let instance = secret();
    let problems = [refusals(), silences(), objections()].concat();
    let mut messages: Vec<Diagnostic> = problems
        .into_iter()
        .map(|(verb, problem)| words::trouble(&instance, &failed(verb, problem)))
        .collect();
    let unreachable = failed(Verb::Read, cut_off(Reach::Unsaid));
    let denied = [Denied {
        access: Access::to_secret("patch", &at()),
        reason: String::new(),
    }];
    let namespace = NamespaceName::new("istio-system").expect("a name");
    let unknown = NoCluster::Settings(Unreadable::NotYetKnown {
        path: Path::from("kubernetes").index(0).attribute("host"),
    });
    let none = NoCluster::Target(Arc::new(SettingsError::NoTarget));
    messages.extend([
        words::kept(words::trouble(&instance, &unreachable)),
        words::connection(&instance, &unknown),
        words::connection(&instance, &none),
        words::denied(&instance, &denied),
        words::no_namespace(&instance, &namespace),
    ]);
    Chapter {
        title: "The cluster",
        about: "What can go wrong in speaking to the API server. Where it cannot be read, nothing is \
                taken out of the state.",
        messages,
    }
}
