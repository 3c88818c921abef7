//! One statement of a policy.

use serde_json::{Map, Value};

use super::super::accounts::Principal;
use super::condition::Condition;
use super::{Malformed, Request, wildcard};

#[derive(Clone, Debug)]
pub(super) struct Statement {
    allows: bool,
    /// As written; `None` in the policy of an identity.
    principals: Option<Vec<String>>,
    actions: Vec<String>,
    resources: Vec<String>,
    conditions: Vec<Condition>,
}

/// How a statement of a resource's policy names somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// Not at all.
    Not,
    /// By the account: whoever may do it there by an identity's policy.
    ByAccount,
    /// Itself, by the role behind its session, or as anybody.
    Itself,
}

impl Statement {
    pub(super) fn read(statement: &Value) -> Result<Self, Malformed> {
        let known = [
            "Sid",
            "Effect",
            "Principal",
            "Action",
            "Resource",
            "Condition",
        ];
        let members = statement.as_object();
        let members = members.ok_or_else(|| Malformed("a statement is no object".to_owned()))?;
        if let Some(other) = members.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(Malformed(format!("a statement has {other:?}")));
        }
        let allows = match members.get("Effect").and_then(Value::as_str) {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => {
                return Err(Malformed(
                    "a statement's Effect is Allow or Deny".to_owned(),
                ));
            }
        };
        Ok(Self {
            allows,
            principals: members.get("Principal").map(principals).transpose()?,
            actions: texts(members, "Action")?,
            resources: texts(members, "Resource")?,
            conditions: Condition::read_all(members.get("Condition"))?,
        })
    }

    pub(super) fn allows(&self) -> bool {
        self.allows
    }

    /// Whether action, resource and conditions are those of the request.
    pub(super) fn is_about(&self, request: &Request<'_>) -> bool {
        let action = request.action.to_lowercase();
        let mut actions = self.actions.iter().map(|pattern| pattern.to_lowercase());
        let mut resources = self.resources.iter();
        actions.any(|pattern| wildcard::matches(&pattern, &action))
            && resources.any(|pattern| wildcard::matches(pattern, request.resource))
            && self
                .conditions
                .iter()
                .all(|condition| condition.holds(request.facts))
    }

    pub(super) fn names(&self, caller: &Principal) -> Named {
        let principals = self.principals.as_deref().unwrap_or_default();
        let root = format!("arn:{}:iam::{}:root", caller.partition, caller.account);
        let itself =
            |who: &String| *who == "*" || *who == caller.arn || Some(who) == caller.role.as_ref();
        match () {
            () if principals.iter().any(itself) => Named::Itself,
            () if principals
                .iter()
                .any(|who| *who == root || *who == caller.account) =>
            {
                Named::ByAccount
            }
            () => Named::Not,
        }
    }
}

fn principals(value: &Value) -> Result<Vec<String>, Malformed> {
    match value {
        Value::String(anybody) if anybody == "*" => Ok(vec![anybody.clone()]),
        Value::Object(members) if members.keys().all(|kind| kind == "AWS") => texts(members, "AWS"),
        _ => Err(Malformed("a Principal is \"*\" or {\"AWS\": …}".to_owned())),
    }
}

/// One text or several.
pub(super) fn texts(members: &Map<String, Value>, name: &str) -> Result<Vec<String>, Malformed> {
    let text = |value: &Value| match value {
        Value::String(text) if !text.contains("${") => Ok(text.clone()),
        Value::String(_) => Err(Malformed("policy variables are not known here".to_owned())),
        Value::Bool(flag) => Ok(flag.to_string()),
        _ => Err(Malformed(format!("{name} holds what is no text"))),
    };
    match members.get(name) {
        Some(Value::Array(all)) if !all.is_empty() => all.iter().map(text).collect(),
        Some(Value::Array(_)) | None => Err(Malformed(format!("a statement lacks {name}"))),
        Some(one) => Ok(vec![text(one)?]),
    }
}
