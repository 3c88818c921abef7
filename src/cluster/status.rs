//! The API server's refusals, classified. Pure.
//!
//! The form of a refusal is `meta/v1 Status`:
//! <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/>.

use std::time::Duration;

use serde::Deserialize;

use super::error::{Action, Kind, Problem};

/// What an answer with a failing HTTP status means.
pub(super) fn problem(
    action: &Action,
    code: u16,
    retry_after: Option<Duration>,
    body: &[u8],
) -> Problem {
    let status = serde_json::from_slice::<Status>(body)
        .ok()
        .filter(|status| status.kind == "Status");
    let Some(status) = status else {
        return without_status(code, retry_after);
    };
    let message = status.message.clone();
    if status.is_busy(code) {
        return Problem::Busy {
            code,
            message,
            retry_after,
        };
    }
    match code {
        401 => Problem::Unauthorized { message },
        403 => forbidden(action, &status),
        404 => gone(code, status),
        409 => conflict(status),
        // The uid that we name is not that of the object any more.
        422 if status.causes().any(|cause| cause.field == "metadata.uid") => {
            Problem::Stale { message }
        }
        400 | 413 | 422 => Problem::Invalid { message },
        _ => Problem::Server {
            code,
            reason: status.reason,
            message,
        },
    }
}

fn without_status(code: u16, retry_after: Option<Duration>) -> Problem {
    match code {
        401 => Problem::Unauthorized {
            message: String::new(),
        },
        429 | 502..=504 => Problem::Busy {
            code,
            message: String::new(),
            retry_after,
        },
        _ => Problem::NotKubernetes { code },
    }
}

fn forbidden(action: &Action, status: &Status) -> Problem {
    let message = status.message.clone();
    if status
        .causes()
        .any(|cause| cause.reason == "NamespaceTerminating")
    {
        return Problem::Terminating {
            what: Kind::Namespace,
            finalizers: Vec::new(),
        };
    }
    if message.contains("exceeded quota") {
        return Problem::Quota { message };
    }
    let denied = denied_by_rbac(&message);
    let rbac = denied.is_some();
    let (verb, resource) = denied.unwrap_or_else(|| (action.verb.rbac(), action.object.resource()));
    Problem::Forbidden {
        verb: verb.to_owned(),
        resource: resource.to_owned(),
        message,
        rbac,
    }
}

/// Verb and resource out of `… cannot VERB resource "RESOURCE" in API group …`, the authorizer's own sentence.
fn denied_by_rbac(message: &str) -> Option<(&str, &str)> {
    let (verb, rest) = message
        .split_once(" cannot ")?
        .1
        .split_once(" resource \"")?;
    Some((verb, rest.split_once('"')?.0))
}

fn gone(code: u16, status: Status) -> Problem {
    match status.details.as_ref().map_or("", |details| &details.kind) {
        "namespaces" => Problem::Gone {
            what: Kind::Namespace,
        },
        "secrets" => Problem::Gone { what: Kind::Secret },
        _ => Problem::Server {
            code,
            reason: status.reason,
            message: status.message,
        },
    }
}

fn conflict(status: Status) -> Problem {
    let mut managers: Vec<(String, Vec<String>)> = Vec::new();
    for cause in status
        .causes()
        .filter(|cause| cause.reason == "FieldManagerConflict")
    {
        let manager = cause.message.split('"').nth(1).unwrap_or(&cause.message);
        match managers.iter_mut().find(|(known, _)| known == manager) {
            Some((_, fields)) => fields.push(cause.field.clone()),
            None => managers.push((manager.to_owned(), vec![cause.field.clone()])),
        }
    }
    if managers.is_empty() {
        Problem::Stale {
            message: status.message,
        }
    } else {
        Problem::Conflict { managers }
    }
}

#[derive(Deserialize)]
struct Status {
    kind: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    reason: String,
    details: Option<Details>,
}

#[derive(Deserialize, Default)]
struct Details {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    causes: Vec<StatusCause>,
}

#[derive(Deserialize)]
struct StatusCause {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    field: String,
}

impl Status {
    fn causes(&self) -> impl Iterator<Item = &StatusCause> {
        self.details.iter().flat_map(|details| &details.causes)
    }

    fn is_busy(&self, code: u16) -> bool {
        matches!(code, 429 | 502..=504)
            || matches!(self.reason.as_str(), "ServerTimeout" | "Timeout")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::error::Verb;
    use crate::cluster::script;
    use crate::cluster::secret::SecretName;

    fn judge(code: u16, body: &Value) -> Problem {
        let at = SecretName::new("istio-system", "cacerts").unwrap();
        problem(
            &Action::on_secret(Verb::Update, &at),
            code,
            None,
            body.to_string().as_bytes(),
        )
    }

    fn status(reason: &str, message: &str, details: Value) -> Value {
        script::status(0, reason, message, details).1
    }

    #[test]
    fn gone_is_only_what_the_api_server_says_is_gone() {
        let gone = |kind: &str| judge(404, &status("NotFound", "not found", json!({"kind": kind})));
        assert_eq!(gone("secrets"), Problem::Gone { what: Kind::Secret });
        assert_eq!(
            gone("namespaces"),
            Problem::Gone {
                what: Kind::Namespace
            }
        );
        assert!(matches!(
            gone("clusters"),
            Problem::Server { code: 404, .. }
        ));
        assert_eq!(
            judge(404, &json!({"type": "error", "status": 404})),
            Problem::NotKubernetes { code: 404 }
        );
        assert_eq!(
            judge(404, &json!("404 page not found")),
            Problem::NotKubernetes { code: 404 }
        );
    }

    #[test]
    fn a_field_manager_conflict_names_managers_and_fields() {
        let cause = |manager: &str, field: &str| {
            json!({"reason": "FieldManagerConflict", "field": field,
                "message": format!("conflict with \"{manager}\" using v1")})
        };
        let causes = [
            cause("kubectl-edit", ".data.a"),
            cause("argocd", ".data.b"),
            cause("kubectl-edit", ".data.c"),
        ];
        let fields = |names: &[&str]| {
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            judge(
                409,
                &status(
                    "Conflict",
                    "Apply failed with 3 conflicts",
                    json!({"causes": causes})
                )
            ),
            Problem::Conflict {
                managers: vec![
                    ("kubectl-edit".to_owned(), fields(&[".data.a", ".data.c"])),
                    ("argocd".to_owned(), fields(&[".data.b"])),
                ]
            }
        );
    }

    #[test]
    fn whatever_says_that_the_object_is_another_is_stale() {
        let modified = status(
            "Conflict",
            "the object has been modified",
            json!({"kind": "secrets"}),
        );
        assert!(matches!(judge(409, &modified), Problem::Stale { .. }));
        let causes = json!([{"reason": "FieldValueInvalid", "field": "metadata.uid", "message": "field is immutable"}]);
        let recreated = status("Invalid", "field is immutable", json!({"causes": causes}));
        assert!(matches!(judge(422, &recreated), Problem::Stale { .. }));
    }

    #[test]
    fn a_refused_object_is_invalid() {
        let causes = json!([{"reason": "FieldValueInvalid", "field": "type", "message": "field is immutable"}]);
        let refused = judge(
            422,
            &status(
                "Invalid",
                "type: field is immutable",
                json!({"causes": causes}),
            ),
        );
        assert_eq!(
            refused,
            Problem::Invalid {
                message: "type: field is immutable".to_owned()
            }
        );
    }

    #[test]
    fn a_missing_right_is_told_from_admission() {
        let words = "secrets \"cacerts\" is forbidden: User \"ci\" cannot create resource \"secrets\" in API group \"\" \
                     in the namespace \"istio-system\"";
        let refused = judge(403, &status("Forbidden", words, json!({"kind": "secrets"})));
        let Problem::Forbidden {
            verb,
            resource,
            rbac,
            ..
        } = refused
        else {
            panic!("{refused:?}")
        };
        assert_eq!(
            (verb.as_str(), resource.as_str(), rbac),
            ("create", "secrets", true)
        );
        let refused = judge(
            403,
            &status("Forbidden", "admission webhook denied it", json!({})),
        );
        let Problem::Forbidden {
            verb,
            resource,
            rbac,
            ..
        } = refused
        else {
            panic!("{refused:?}")
        };
        assert_eq!(
            (verb.as_str(), resource.as_str(), rbac),
            ("patch", "secrets", false)
        );
    }

    #[test]
    fn not_every_403_is_a_missing_right() {
        let causes = json!([{"reason": "NamespaceTerminating", "message": "namespace x is being terminated"}]);
        let terminating = judge(
            403,
            &status("Forbidden", "unable to create", json!({"causes": causes})),
        );
        assert_eq!(
            terminating,
            Problem::Terminating {
                what: Kind::Namespace,
                finalizers: Vec::new()
            }
        );
        let quota = judge(
            403,
            &status(
                "Forbidden",
                "is forbidden: exceeded quota: q, used: …",
                json!({}),
            ),
        );
        assert!(matches!(quota, Problem::Quota { .. }));
    }

    #[test]
    fn busy_is_transient_also_when_a_gateway_says_so() {
        for (code, body) in [
            (429, status("TooManyRequests", "slow down", json!({}))),
            (503, json!("<html>")),
            (502, json!("<html>")),
            (500, status("ServerTimeout", "try again", json!({}))),
        ] {
            let busy = judge(code, &body);
            assert!(
                matches!(busy, Problem::Busy { .. }) && busy.is_transient(),
                "{code} {busy:?}"
            );
        }
        assert!(!judge(500, &status("InternalError", "oops", json!({}))).is_transient());
    }

    #[test]
    fn a_credential_that_is_not_accepted_is_unauthorized() {
        let refused = judge(401, &status("Unauthorized", "Unauthorized", json!(null)));
        assert_eq!(
            refused,
            Problem::Unauthorized {
                message: "Unauthorized".to_owned()
            }
        );
        assert_eq!(
            judge(401, &json!("no")),
            Problem::Unauthorized {
                message: String::new()
            }
        );
    }

    proptest! {
        #[test]
        fn no_answer_makes_judging_panic(code in 300u16..600, body: String, message: String) {
            let _ = judge(code, &json!(body));
            let _ = judge(code, &status("Forbidden", &message, json!({"causes": [{"message": message}]})));
        }
    }
}
