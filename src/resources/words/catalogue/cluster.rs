//! What can go wrong with a cluster.

use std::sync::Arc;
use std::time::Duration;

use super::{Chapter, secret};
use crate::clients::NoCluster;
use crate::cluster::{
    Access, Action, Cause, Denied, Error, Kind, NamespaceName, NoPass, Object, Problem, Reach,
    SecretName, SettingsError, Verb,
};
use crate::resources::words;
use crate::terraform::value::Unreadable;
use crate::terraform::{Diagnostic, Path};

pub(super) fn at() -> SecretName {
    SecretName::new("istio-system", "cacerts").expect("a name")
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

fn problems() -> Vec<(Verb, Problem)> {
    let message = || "the server's own words".to_owned();
    let forbidden = |rbac| Problem::Forbidden {
        verb: "patch".to_owned(),
        resource: "secrets".to_owned(),
        message: message(),
        rbac,
    };
    vec![
        (
            Verb::Create,
            Problem::Gone {
                what: Kind::Namespace,
            },
        ),
        (Verb::Update, Problem::Gone { what: Kind::Secret }),
        (
            Verb::Read,
            Problem::Unauthorized {
                message: message(),
                principal: Some("arn:aws:iam::444455556666:role/ci".to_owned()),
            },
        ),
        (
            Verb::Read,
            Problem::NoCredential(NoPass {
                why: "the role arn:aws:iam::444455556666:role/ci cannot be assumed".to_owned(),
                is_transient: false,
            }),
        ),
        (Verb::Update, forbidden(true)),
        (Verb::Update, forbidden(false)),
        (
            Verb::Read,
            Problem::Unreachable {
                host: "api.example.com:443".to_owned(),
                cause: Cause::Refused,
                reach: Reach::Unsaid,
            },
        ),
        (Verb::Read, cut_off(Reach::Inside)),
        (
            Verb::Read,
            cut_off(Reach::From(vec!["192.0.2.0/24".to_owned()])),
        ),
        (Verb::Update, Problem::Stale { message: message() }),
        (
            Verb::Create,
            Problem::Terminating {
                what: Kind::Namespace,
                finalizers: vec!["kubernetes".to_owned()],
            },
        ),
        (Verb::Create, Problem::Quota { message: message() }),
        (
            Verb::Read,
            Problem::Busy {
                code: 429,
                message: message(),
                retry_after: Some(Duration::from_secs(1)),
            },
        ),
        (Verb::Create, Problem::Invalid { message: message() }),
        (Verb::Read, Problem::NotKubernetes { code: 502 }),
        (
            Verb::Read,
            Problem::Server {
                code: 500,
                reason: "InternalError".to_owned(),
                message: message(),
            },
        ),
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
    let mut messages: Vec<Diagnostic> = problems()
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
