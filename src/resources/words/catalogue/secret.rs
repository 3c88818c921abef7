//! What there is to tell about the Secret.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::cluster::failed;
use super::{Chapter, moment, secret};
use crate::cluster::istiod::{Bearing, Env, Istiod};
use crate::cluster::secret::{
    Answer, Conflict, Controller, Decision, Field, Finding, Immovable, IstiodMark, LastSeen,
    Operation, Refusal, Step, Writer,
};
use crate::cluster::{Action, Cause, Error, HowWritten, Object, Problem, Reach, Verb};
use crate::pki::roots::{Estranged, Misstep, PeerMisstep};
use crate::pki::{Certificate, PrivateKey};
use crate::resources::cacerts_secret::Unfit;
use crate::resources::words;

/// A root that is always the same one, so that the page is.
pub(super) static ROOT: LazyLock<Certificate> = LazyLock::new(|| {
    Certificate::from_pem(include_str!("root.pem")).expect("the root beside this file")
});

pub(super) fn bundle() -> Chapter {
    let instance = secret();
    let unreadable = Certificate::from_pem("text").expect_err("no certificate");
    let no_key = PrivateKey::from_pem("text")
        .map(drop)
        .expect_err("no private key");
    Chapter {
        title: "The bundle",
        about: "What istiod would refuse, or sign what no workload accepts. Told before anything is written.",
        messages: vec![
            words::not_delivered(&instance),
            words::bad_chain(
                &instance,
                "the issuer of CN=mesh is missing: no certificate of CN=root",
            ),
            words::bad_key(&instance, &no_key),
            words::bad_bundle(&instance, &Unfit::Root(unreadable)),
            words::bad_bundle(&instance, &Unfit::Key),
            words::key_gone(&instance),
        ],
    }
}

pub(super) fn roots() -> Chapter {
    let instance = secret();
    let root = || ROOT.clone();
    let from = moment("2026-03-03T00:00:00Z");
    let told = |missteps: &[Misstep], published| words::root_change(&instance, missteps, published);
    let forbidden = Error {
        action: Box::new(Action {
            verb: Verb::Read,
            object: Object::ConfigMap("istio-system/istio-ca-root-cert".to_owned()),
        }),
        problem: Problem::Forbidden {
            verb: "get".to_owned(),
            resource: "configmaps".to_owned(),
            message: "the server's own words".to_owned(),
            rbac: true,
        },
    };
    let of = |peer: &str, why| PeerMisstep {
        peer: peer.to_owned(),
        root: root(),
        why,
    };
    let refused = |missteps: &[PeerMisstep]| {
        let told = words::peers_refuse(&instance, missteps);
        told.expect("there is something to tell")
    };
    Chapter {
        title: "Roots",
        about: "Changes of the trusted roots that live workloads would not survive. Told while \
                planning, where the cluster can be read, and before anything is issued or written. See \
                [Changing the root](roots.md).",
        messages: vec![
            told(
                &[
                    Misstep::Untrusted { root: root() },
                    Misstep::InUse { root: root() },
                ],
                false,
            ),
            told(&[Misstep::NotPublished { root: root() }], false),
            told(&[Misstep::NotYetTrusted { root: root(), from }], false),
            told(&[Misstep::StillInUse { root: root(), from }], false),
            told(&[Misstep::Untrusted { root: root() }], true),
            words::roots_unseen(&instance, &forbidden),
            refused(&[
                of("mesh-2", Estranged::Untrusted),
                of("mesh-3", Estranged::InUse),
            ]),
            refused(&[
                of("mesh-2", Estranged::NotYetTrusted { from }),
                of("mesh-3", Estranged::StillInUse { from }),
            ]),
            refused(&[of("mesh-2", Estranged::Unseen)]),
        ],
    }
}

fn conflict() -> Conflict {
    let by = LastSeen {
        manager: "kubectl-edit".to_owned(),
        operation: Operation::Update,
        time: Some(moment("2026-03-01T08:00:00Z")),
    };
    Conflict {
        by,
        fields: BTreeSet::from([Field::Data("cert-chain.pem".to_owned())]),
    }
}

fn controller(writer: Writer, mark: &str) -> Controller {
    let mark = mark.to_owned();
    Controller { writer, mark }
}

fn every_controller() -> Vec<Controller> {
    vec![
        controller(Writer::Istiod, "field manager pilot-discovery"),
        controller(Writer::CertManager, "cert-manager.io/certificate-name"),
        controller(Writer::Helm, "meta.helm.sh/release-name"),
        controller(Writer::ArgoCd, "argocd.argoproj.io/tracking-id"),
        controller(Writer::Flux, "kustomize.toolkit.fluxcd.io/name"),
        controller(Writer::ExternalSecrets, "owner ExternalSecret/cacerts"),
        controller(Writer::SealedSecrets, "owner SealedSecret/cacerts"),
        controller(
            Writer::Reflector,
            "reflector.v1.k8s.emberstack.com/reflects",
        ),
        controller(Writer::Tetrate, "xcp.tetrate.io/contentHash"),
        controller(
            Writer::Owner("VaultStaticSecret/cacerts".to_owned()),
            "owner VaultStaticSecret/cacerts",
        ),
    ]
}

pub(super) fn rivals() -> Chapter {
    let instance = secret();
    let bearing = |variable, value: &str, istiod| {
        vec![Bearing {
            deployment: "istiod".to_owned(),
            variable,
            value: Env::Text(value.to_owned()),
            istiod,
        }]
    };
    let takes = bearing("USE_CACERTS_FOR_SELF_SIGNED_CA", "true", Istiod::Takes);
    let over = bearing("ENABLE_CA_SERVER", "false", Istiod::PassesOver);
    let names = ["istio-ca-root-cert", "mesh-roots"].map(str::to_owned);
    let unseen = vec![Bearing {
        value: Env::FromElsewhere,
        istiod: Istiod::MayTake,
        ..takes[0].clone()
    }];
    let mut messages = vec![
        words::istiod_takes_it(&instance, &takes),
        words::istiod_will_take_it(&instance, &takes),
        words::istiod_may_take_it(&instance, &takes),
        words::istiod_passes_it_over(&instance, &over),
        words::istiod_told_unseen(&instance, &unseen),
        words::published_apart(&instance, &names.into()),
    ];
    messages.extend(words::rivals(&instance, &every_controller()));
    Chapter {
        title: "Who else writes the Secret",
        about: "Looked for on the Secret itself in each plan, and before each write in the environment of the \
                istiods beside it.",
        messages,
    }
}

fn refusals() -> Vec<Refusal> {
    let not_ours = |finding, answers: &[Answer]| Refusal::NotOurs {
        finding,
        answers: answers.to_vec(),
    };
    let take_over = [Answer::Adopt, Answer::Replace];
    let cert_manager = controller(Writer::CertManager, "cert-manager.io/certificate-name");
    vec![
        not_ours(
            Finding::Foreign {
                managers: vec!["kubectl-create".to_owned()],
            },
            &take_over,
        ),
        not_ours(
            Finding::OtherOwner {
                owner: "2f1c".to_owned(),
            },
            &take_over,
        ),
        not_ours(
            Finding::Controlled(vec![cert_manager]),
            &[Answer::Adopt, Answer::Replace, Answer::ForceConflicts],
        ),
        Refusal::Istiod {
            mark: IstiodMark::Type,
        },
        Refusal::Istiod {
            mark: IstiodMark::Key,
        },
        Refusal::BeingDeleted {
            finalizers: vec!["example.com/hold".to_owned()],
        },
        Refusal::Contested {
            conflicts: vec![conflict()],
        },
        Refusal::OtherLayout {
            keys: BTreeSet::from(["tls.crt".to_owned(), "tls.key".to_owned()]),
        },
        Refusal::Immovable {
            why: Immovable::Immutable {
                keys: vec!["ca-cert.pem".to_owned()],
            },
        },
        Refusal::Immovable {
            why: Immovable::Type {
                type_: "kubernetes.io/tls".to_owned(),
                keys: vec!["tls.crt".to_owned()],
            },
        },
    ]
}

pub(super) fn ownership() -> Chapter {
    let instance = secret();
    let mut messages: Vec<_> = refusals()
        .iter()
        .map(|refusal| words::refusal(&instance, refusal))
        .collect();
    let overwritten = HowWritten::InPlace(Decision {
        finding: Finding::Ours,
        step: Step::Update,
        overwritten: vec![conflict()],
    });
    messages.extend(
        refusals()
            .first()
            .map(|refusal| words::will_be_refused(&instance, refusal)),
    );
    messages.extend(words::overwritten(&instance, &overwritten));
    let refused = Problem::Unreachable {
        host: "api.example.com:443".to_owned(),
        cause: Cause::Refused,
        reach: Reach::Unsaid,
    };
    messages.push(words::lost(&instance, &failed(Verb::Create, refused)));
    Chapter {
        title: "Whose Secret it is",
        about: "What is there already is looked at before anything is issued for it, and nothing is \
                taken from somebody else without being told to.",
        messages,
    }
}

pub(super) fn drift() -> Chapter {
    let instance = secret();
    let edited = ["cert-chain.pem was changed (by kubectl-edit, last seen 2026-03-01T08:00:00Z)"];
    let key = ["ca-key.pem holds no usable private key"];
    let lines = |lines: &[&str]| -> Vec<String> { lines.iter().map(|&line| line.into()).collect() };
    Chapter {
        title: "What others did to the Secret",
        about: "Told in each plan until it is mended; the plan shows it in `drift`, too.",
        messages: vec![
            words::drifted(&instance, &lines(&edited), false),
            words::drifted(&instance, &lines(&key), true),
            words::gone(&instance, true),
            words::gone(&instance, false),
            words::immutable(&instance),
            words::elsewhere(
                &instance,
                "arn:aws:eks:eu-west-1:111122223333:cluster/mesh-a",
                "arn:aws:eks:eu-west-1:111122223333:cluster/mesh-b",
            ),
            words::pointed_elsewhere(&instance),
        ],
    }
}

pub(super) fn parting() -> Chapter {
    let instance = secret();
    Chapter {
        title: "Letting go",
        about: "Told when the resource is destroyed.",
        messages: vec![
            words::retained(&instance),
            words::will_be_gone(&instance),
            words::will_be_revoked(&instance, "6a3f"),
            words::not_revoked_in_use(&instance, "6a3f"),
            words::left_alone(&instance, None),
            words::left_alone(&instance, Some("2f1c")),
            words::forgotten_elsewhere(&instance),
        ],
    }
}
