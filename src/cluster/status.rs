//! The API server's refusals, classified. Pure.
//!
//! The form of a refusal is `meta/v1 Status`:
//! <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/>.

use std::time::Duration;

use serde::Deserialize;

use super::error::{Action, Kind, Object, Problem};

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
    let message = status.words(action, code);
    if status.is_busy(code) {
        return Problem::Busy {
            code,
            message,
            retry_after,
        };
    }
    match code {
        401 => Problem::Unauthorized {
            message,
            principal: None,
        },
        403 => forbidden(action, &status, message),
        404 => gone(action, code, status, message),
        409 => conflict(&status, message),
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
            principal: None,
        },
        429 | 502..=504 => Problem::Busy {
            code,
            message: String::new(),
            retry_after,
        },
        _ => Problem::NotKubernetes { code },
    }
}

fn forbidden(action: &Action, status: &Status, message: String) -> Problem {
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

fn gone(action: &Action, code: u16, status: Status, message: String) -> Problem {
    match status.details.as_ref().map_or("", |details| &details.kind) {
        "namespaces" => Problem::Gone {
            what: Kind::Namespace,
        },
        "secrets" => Problem::Gone { what: Kind::Secret },
        "configmaps" => Problem::Gone {
            what: Kind::ConfigMap,
        },
        "deployments" => Problem::Gone {
            what: Kind::Deployment,
        },
        "pods" => Problem::Gone { what: Kind::Pod },
        kind if is_custom(action, kind) => Problem::Gone { what: Kind::Custom },
        _ => Problem::Server {
            code,
            reason: status.reason,
            message,
        },
    }
}

fn is_custom(action: &Action, kind: &str) -> bool {
    matches!(action.object, Object::Custom { resource, .. } if resource == kind)
}

fn conflict(status: &Status, message: String) -> Problem {
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
        Problem::Stale { message }
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

    /// The server's words, without what it may repeat of a Secret.
    ///
    /// A refusal of what was sent can hold all of it: a JSON patch whose outcome is no Secret is answered with that
    /// outcome, a value that does not fit with the value. Of such, fields and reasons are told; the words of an
    /// admission are its author's own.
    fn words(&self, action: &Action, code: u16) -> String {
        let about_secret = matches!(action.object, Object::Secret(_));
        let repeats = about_secret && matches!(code, 400 | 413 | 415 | 422 | 500);
        if repeats && !self.is_from_admission() {
            return self.fields_and_reasons();
        }
        censored(&self.message)
    }

    fn is_from_admission(&self) -> bool {
        let message = match self.message.split_once(" is forbidden: ") {
            Some((object, rest)) if object.starts_with("secrets \"") => rest,
            _ => &self.message,
        };
        ["admission webhook \"", "ValidatingAdmissionPolicy '"]
            .iter()
            .any(|start| message.starts_with(start))
    }

    fn fields_and_reasons(&self) -> String {
        let known = |message: &str| {
            let harmless = HARMLESS.iter().find(|end| message.ends_with(**end));
            harmless.map(|end| format!(" ({end})")).unwrap_or_default()
        };
        let told = self.causes().map(|cause| {
            let (field, reason) = (censored(&cause.field), censored(&cause.reason));
            format!("{field}: {reason}{}", known(&cause.message))
        });
        let told: Vec<_> = told.collect();
        if told.is_empty() {
            censored(&self.reason)
        } else {
            told.join(", ")
        }
    }

    fn is_busy(&self, code: u16) -> bool {
        matches!(code, 429 | 502..=504)
            || matches!(self.reason.as_str(), "ServerTimeout" | "Timeout")
    }
}

/// Ends of messages about a field that say why and repeat nothing.
const HARMLESS: [&str; 3] = ["field is immutable", "Required value", "Too long"];

/// No word that a person needs is as long; each line of a key is longer.
const LONGEST_WORD: usize = 60;

/// As much as a person reads.
const LONGEST_MESSAGE: usize = 1_000;

/// A message without what could be a key in it.
fn censored(message: &str) -> String {
    let message = message.split("-----BEGIN").next().unwrap_or_default();
    let of_a_key = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
    let mut told = String::new();
    let mut rest = message;
    while let Some(start) = rest.find(of_a_key) {
        let (before, word) = rest.split_at(start);
        let (word, after) = word.split_at(word.find(|c| !of_a_key(c)).unwrap_or(word.len()));
        told.push_str(before);
        told.push_str(if word.len() < LONGEST_WORD {
            word
        } else {
            "…"
        });
        rest = after;
    }
    told.push_str(rest);
    told.chars().take(LONGEST_MESSAGE).collect()
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
        let causes = json!([{"reason": "FieldValueInvalid", "field": "type", "message": "Invalid value: \"Opaque\": field is immutable"}]);
        let refused = judge(
            422,
            &status(
                "Invalid",
                "type: field is immutable",
                json!({"causes": causes}),
            ),
        );
        let message = "type: FieldValueInvalid (field is immutable)".to_owned();
        assert_eq!(refused, Problem::Invalid { message });
    }

    /// As the API server answers a JSON patch whose outcome is no Secret, and a body that it cannot decode.
    #[test]
    fn no_refusal_repeats_what_is_in_the_secret() {
        let key = "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t".repeat(8);
        let object = format!(r#"{{"data":{{"ca-key.pem":"{key}","short":"c2VjcmV0"}}}}"#);
        let echoed = format!("Invalid value: {object:?}: illegal base64 data at input byte 4");
        let cause = json!({"reason": "FieldValueInvalid", "field": "patch", "message": echoed});
        let message = format!(" \"\" is invalid: patch: {echoed}");
        for (code, reason) in [
            (422, "Invalid"),
            (400, "BadRequest"),
            (500, "InternalError"),
        ] {
            for details in [json!({"causes": [cause]}), json!({})] {
                let problem = judge(code, &status(reason, &message, details));
                let told = format!("{problem} {problem:?}");
                assert!(
                    !told.contains(&key[..20]) && !told.contains("c2VjcmV0"),
                    "{told}"
                );
            }
        }
        for (code, reason) in [
            (403, "Forbidden"),
            (409, "Conflict"),
            (429, "TooManyRequests"),
        ] {
            let told = format!("{:?}", judge(code, &status(reason, &message, json!({}))));
            assert!(!told.contains(&key[..20]), "{told}");
        }
    }

    #[test]
    fn the_words_of_an_admission_are_told_but_for_keys() {
        let policy = "secrets \"cacerts\" is forbidden: ValidatingAdmissionPolicy 'labels' with binding 'all' denied \
                      request: a label `team` is needed";
        let webhook =
            "admission webhook \"policy.example.com\" denied the request: a label `team` is needed";
        for message in [policy, webhook] {
            let refused = judge(422, &status("Invalid", message, json!({})));
            let message = message.to_owned();
            assert_eq!(refused, Problem::Invalid { message });
        }
        let pem = format!("{webhook}, got -----BEGIN PRIVATE KEY-----\nMIGH");
        let refused = judge(422, &status("Invalid", &pem, json!({})));
        assert!(!format!("{refused:?}").contains("MIGH"), "{refused:?}");
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
                message: "Unauthorized".to_owned(),
                principal: None,
            }
        );
        assert_eq!(
            judge(401, &json!("no")),
            Problem::Unauthorized {
                message: String::new(),
                principal: None,
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
