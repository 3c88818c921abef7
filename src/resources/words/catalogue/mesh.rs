//! What istiod makes of the Secret.

use super::{Chapter, secret};
use crate::cluster::{Action, Error, Object, Problem, Verb};
use crate::resources::words;

pub(super) fn chapter() -> Chapter {
    let instance = secret();
    let names = |names: &[&str]| -> Vec<String> { names.iter().map(|&it| it.into()).collect() };
    let (one, two) = (names(&["istiod"]), names(&["istiod", "istiod-canary"]));
    let namespace = || "istio-system".to_owned();
    let pod = || "istio-system/istiod-7c9d".to_owned();
    let deployment = Object::Deployment("istio-system/istiod".to_owned());
    let stuck = names(&[
        "istiod: 1 of 2 pods are new",
        "istiod-7c9d: container discovery does not run (ImagePullBackOff: Back-off pulling image)",
    ]);
    let behind = names(&["istiod-7c9d still uses the former CA"]);
    let list = forbidden(
        Verb::List,
        Object::Deployments(namespace()),
        "list",
        "deployments",
    );
    let patch = forbidden(Verb::Restart, deployment, "patch", "deployments");
    let metrics = forbidden(Verb::Read, Object::Metrics(pod()), "get", "pods/proxy");
    let root = Object::ConfigMap("istio-system/istio-ca-root-cert".to_owned());
    let root = forbidden(Verb::Read, root, "get", "configmaps");
    let touch = forbidden(Verb::Nudge, Object::Pod(pod()), "patch", "pods");
    let unseen = words::istiods_unseen(&instance, &list, words::Unseen::AfterTheFirst);
    let known = words::unwatched(&instance);
    Chapter {
        title: "What istiod makes of it",
        about: "Told while planning, where a restart can be foreseen, and once the Secret is written, which none of \
                these undoes. See [From apply to mTLS](from-apply-to-mtls.md).",
        messages: vec![
            words::restart_announced(&instance, &one, "roots"),
            words::restart_announced(&instance, &two, "first_plug_in"),
            words::restart_forbidden(&instance, &one, "roots"),
            words::istiods_unseen(&instance, &list, words::Unseen::AfterTheFirst),
            words::istiods_unseen_to_restart(&unseen, &[known]),
            words::restart_refused(&instance, &patch, "layout"),
            words::restart_left(&instance, &one, "takes_the_secret_for_its_own"),
            words::restart_unannounced(&instance, &one, "no_reload"),
            words::rollout_unfinished(&instance, &stuck),
            words::not_taken_up(&instance, "pods", &behind),
            words::pods_unseen(&instance, &metrics),
            words::root_unseen(&instance, &root),
            words::not_nudged(&instance, &touch),
        ],
    }
}

fn forbidden(verb: Verb, object: Object, missing: &str, resource: &str) -> Error {
    Error {
        action: Box::new(Action { verb, object }),
        problem: Problem::Forbidden {
            verb: missing.to_owned(),
            resource: resource.to_owned(),
            message: "the server's own words".to_owned(),
            rbac: true,
        },
    }
}
