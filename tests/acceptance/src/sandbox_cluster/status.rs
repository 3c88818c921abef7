//! Refusals, as the `Status` objects in which Kubernetes gives them.
//!
//! The words are the API server's own where a client is known to look at them: reasons, causes, and
//! the message for a stale resourceVersion.

use std::fmt;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::fields::{Path, shown};
use super::managed::{Operation, Owner};
use super::target::{Kind, Target};

/// A request that was not carried out, and why.
#[derive(Debug, PartialEq)]
pub(super) struct Refusal {
    code: StatusCode,
    reason: &'static str,
    message: String,
    details: Value,
}

/// One thing that is wrong with an object that was sent.
#[derive(Debug, PartialEq)]
pub(super) struct Flaw {
    /// Where, as in `data[tls.crt]`.
    pub(super) field: String,
    /// Kubernetes' name for this sort of flaw, as in `FieldValueRequired`.
    pub(super) reason: &'static str,
    /// What is wrong, as in `Required value`.
    pub(super) message: String,
}

impl Refusal {
    /// 401: no bearer token, or another one.
    pub(super) fn unauthorized() -> Self {
        Self::plain(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized")
    }

    /// 400: a request that makes no sense.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::plain(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// 404 for a path that is not served.
    pub(super) fn unknown_path() -> Self {
        let message = "the server could not find the requested resource";
        Self::plain(StatusCode::NOT_FOUND, "NotFound", message)
    }

    /// 405: a verb that the sandbox does not know there.
    pub(super) fn not_supported(what: &str) -> Self {
        let message = format!("the sandbox's Kubernetes API does not serve {what}");
        Self::plain(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
    }

    /// 415: a body in a form that is not understood.
    pub(super) fn media_type(got: &str) -> Self {
        let message = format!(
            "the body of the request was in an unknown format: the sandbox's Kubernetes API \
             reads JSON, got {got:?}"
        );
        Self::plain(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UnsupportedMediaType",
            message,
        )
    }

    /// 404 for one object.
    pub(super) fn not_found(plural: &str, name: &str) -> Self {
        let message = format!("{plural} {name:?} not found");
        let details = json!({"name": name, "kind": plural});
        Self {
            code: StatusCode::NOT_FOUND,
            reason: "NotFound",
            message,
            details,
        }
    }

    /// 409 to a POST of something that is there.
    pub(super) fn already_exists(at: &Target) -> Self {
        let message = format!("{} {:?} already exists", at.kind.plural(), at.name);
        Self {
            message,
            ..Self::conflict(at, "AlreadyExists", "")
        }
    }

    /// 409: somebody wrote in between.
    pub(super) fn stale(at: &Target) -> Self {
        let why = "the object has been modified; \
            please apply your changes to the latest version and try again";
        Self::conflict(at, "Conflict", why)
    }

    /// 409: an apply that names an uid, where there is nothing.
    pub(super) fn uid_of_nothing(at: &Target, uid: &str) -> Self {
        let why = format!(
            "uid mismatch: the provided object specified uid {uid}, \
            and no existing object was found"
        );
        Self::conflict(at, "Conflict", &why)
    }

    /// 409: a delete that was meant for another object or another version of it.
    pub(super) fn precondition(at: &Target, why: &str) -> Self {
        // Its kind, and not its plural as everywhere else: the real server does so here.
        let kind = at.kind.name();
        Self {
            message: format!(
                "Operation cannot be fulfilled on {kind} {:?}: {why}",
                at.name
            ),
            details: json!({"name": at.name, "kind": kind}),
            ..Self::conflict(at, "Conflict", "")
        }
    }

    /// 409: an apply that would change what others own, told field by field.
    pub(super) fn owned_by_others(held: &[(Owner, Path)]) -> Self {
        let causes: Vec<_> = held
            .iter()
            .map(|(owner, path)| conflict_cause(owner, path))
            .collect();
        let message = conflict_message(held);
        Self {
            code: StatusCode::CONFLICT,
            reason: "Conflict",
            message,
            details: json!({"causes": causes}),
        }
    }

    /// 422: an object that must not be stored like this.
    pub(super) fn invalid(kind: Kind, name: &str, flaws: &[Flaw]) -> Self {
        let told: Vec<_> = flaws.iter().map(Flaw::to_string).collect();
        let told = match told.as_slice() {
            [one] => one.clone(),
            all => format!("[{}]", all.join(", ")),
        };
        let causes: Vec<_> = flaws.iter().map(Flaw::to_cause).collect();
        Self {
            code: StatusCode::UNPROCESSABLE_ENTITY,
            reason: "Invalid",
            message: format!("{} {name:?} is invalid: {told}", kind.name()),
            details: json!({"name": name, "kind": kind.name(), "causes": causes}),
        }
    }

    /// 422: a POST of something without a name.
    pub(super) fn no_name(kind: Kind) -> Self {
        let mut flaw = Flaw::required("metadata.name");
        flaw.message += ": name or generateName is required";
        Self::invalid(kind, "", &[flaw])
    }

    /// 400: an apply that is to create something, and does not name it.
    pub(super) fn undeterminable_name(at: &Target) -> Self {
        let name = &at.name;
        Self::bad_request(format!(
            "the name of the object ({name} based on URL) was undeterminable: name must be provided"
        ))
    }

    /// 400: a POST or PUT of what does not fit the schema.
    pub(super) fn undecodable(at: &Target, fault: &str) -> Self {
        let kind = at.kind.name();
        let words = format!("{kind} in version \"v1\" cannot be handled as a {kind}: {fault}");
        Self::bad_request(words)
    }

    /// 500, and no reason: an apply of what does not fit the schema.
    pub(super) fn untyped(at: &Target, fault: &str) -> Self {
        let (kind, namespace) = (at.kind.name(), at.namespace.as_deref().unwrap_or_default());
        let object = format!("({namespace}/{}; /v1, Kind={kind})", at.name);
        let message = format!("failed to create typed patch object {object}: {fault}");
        Self::plain(StatusCode::INTERNAL_SERVER_ERROR, "", message)
    }

    /// 422: a patch that makes of an object what does not fit the schema.
    ///
    /// The real server shows the whole object here, with all its values. This one does not.
    pub(super) fn patched_to_misfit(_: &Target, fault: &str) -> Self {
        let message = format!("Invalid value: {fault}");
        let flaw = Flaw {
            field: "patch".to_owned(),
            reason: "FieldValueInvalid",
            message,
        };
        Self {
            code: StatusCode::UNPROCESSABLE_ENTITY,
            reason: "Invalid",
            message: format!(" \"\" is invalid: {flaw}"),
            details: json!({"causes": [flaw.to_cause()]}),
        }
    }

    /// 422: a patch that cannot be carried out.
    pub(super) fn unfit_patch() -> Self {
        let message = "the server rejected our request due to an error in our request";
        Self::plain(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message)
    }

    /// 422: an apply that does not say for whom.
    pub(super) fn no_field_manager() -> Self {
        let mut flaw = Flaw::required("fieldManager");
        flaw.message += ": is required for apply patch";
        let cause = flaw.to_cause();
        Self {
            code: StatusCode::UNPROCESSABLE_ENTITY,
            reason: "Invalid",
            message: format!("PatchOptions.meta.k8s.io \"\" is invalid: {flaw}"),
            details: json!({"group": "meta.k8s.io", "kind": "PatchOptions", "causes": [cause]}),
        }
    }

    fn plain(code: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: Value::Null,
        }
    }

    fn conflict(at: &Target, reason: &'static str, why: &str) -> Self {
        let plural = at.kind.plural();
        Self {
            code: StatusCode::CONFLICT,
            reason,
            message: format!(
                "Operation cannot be fulfilled on {plural} {:?}: {why}",
                at.name
            ),
            details: json!({"name": at.name, "kind": plural}),
        }
    }
}

impl Flaw {
    /// A field that must not change any more.
    pub(super) fn immutable(field: &str, value: &str) -> Self {
        let message = format!("Invalid value: {value:?}: field is immutable");
        Self {
            field: field.to_owned(),
            reason: "FieldValueInvalid",
            message,
        }
    }

    /// Something that has to be there.
    pub(super) fn required(field: &str) -> Self {
        let message = "Required value".to_owned();
        Self {
            field: field.to_owned(),
            reason: "FieldValueRequired",
            message,
        }
    }

    /// More bytes than the server stores.
    pub(super) fn too_long(field: &str, most: usize) -> Self {
        let message = format!("Too long: may not be more than {most} bytes");
        Self {
            field: field.to_owned(),
            reason: "FieldValueTooLong",
            message,
        }
    }

    fn to_cause(&self) -> Value {
        json!({"reason": self.reason, "message": self.message, "field": self.field})
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code.as_u16(),
        });
        if !self.details.is_null() {
            status["details"] = self.details;
        }
        (self.code, Json(status)).into_response()
    }
}

fn conflict_cause(owner: &Owner, path: &Path) -> Value {
    let message = format!("conflict with {}", described(owner));
    json!({"reason": "FieldManagerConflict", "message": message, "field": shown(path)})
}

fn conflict_message(held: &[(Owner, Path)]) -> String {
    if let [(owner, path)] = held {
        return format!(
            "Apply failed with 1 conflict: conflict with {}: {}",
            described(owner),
            shown(path)
        );
    }
    let by_owner = held
        .chunk_by(|(one, _), (next, _)| one == next)
        .flat_map(|of_one| {
            let heading = format!("conflicts with {}:", described(&of_one[0].0));
            std::iter::once(heading)
                .chain(of_one.iter().map(|(_, path)| format!("- {}", shown(path))))
        });
    let lines: Vec<_> = by_owner.collect();
    format!(
        "Apply failed with {} conflicts: {}",
        held.len(),
        lines.join("\n")
    )
}

fn described(owner: &Owner) -> String {
    match owner.operation {
        Operation::Apply => format!("{:?}", owner.manager),
        Operation::Update => format!("{:?} using v1", owner.manager),
    }
}
