//! Policies of IAM in their own JSON, judged by AWS's rules as far as what is here needs them. What is not
//! judged here is refused when a policy is read, so that no test believes in it.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>

mod condition;
mod statement;
mod wildcard;

use std::collections::BTreeMap;

use serde_json::Value;
use thiserror::Error;

pub(crate) use statement::Named;

use super::accounts::Principal;
use statement::Statement;

/// A policy that can be judged.
#[derive(Clone, Debug)]
pub(crate) struct Policy(Vec<Statement>);

/// A document that is no policy, or one that asks for what is not emulated.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the policy cannot be judged here: {0}")]
pub struct Malformed(pub(super) String);

/// What is to be allowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    /// Such as `kms:Decrypt`.
    pub(crate) action: &'a str,
    /// An ARN.
    pub(crate) resource: &'a str,
    pub(crate) facts: &'a Facts,
}

/// Condition keys of a request, in lower case since their case does not count, and their values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts(BTreeMap<String, Vec<String>>);

/// What a policy says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allowed,
    /// No statement is about it.
    Unsaid,
    Denied,
}

impl Policy {
    /// Reads the document. A policy of a resource says of each statement whom it is for, one of an identity
    /// never.
    pub(crate) fn read(document: &Value) -> Result<Self, Malformed> {
        let known = ["Version", "Id", "Statement"];
        let members = document
            .as_object()
            .ok_or_else(|| Malformed("it is no object".to_owned()))?;
        if let Some(other) = members.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(Malformed(format!("it has a member {other:?}")));
        }
        let statements = match members.get("Statement") {
            Some(Value::Array(all)) => all.iter().collect(),
            Some(one @ Value::Object(_)) => vec![one],
            _ => return Err(Malformed("it has no statement".to_owned())),
        };
        let statements = statements.into_iter().map(Statement::read);
        Ok(Self(statements.collect::<Result<_, _>>()?))
    }

    /// As the policy of an identity.
    pub(crate) fn judge(&self, request: &Request<'_>) -> Verdict {
        verdict(
            self.0
                .iter()
                .filter(|statement| statement.is_about(request)),
        )
    }

    /// As the policy of a resource, by the statements that name the caller in one of these ways.
    pub(crate) fn judge_for(
        &self,
        caller: &Principal,
        named: &[Named],
        request: &Request<'_>,
    ) -> Verdict {
        let statements = self.0.iter().filter(|statement| {
            named.contains(&statement.names(caller)) && statement.is_about(request)
        });
        verdict(statements)
    }
}

impl Facts {
    /// Adds a value; several make the key one of many values.
    pub(crate) fn add(&mut self, key: &str, value: impl Into<String>) {
        let values = self.0.entry(key.to_lowercase()).or_default();
        values.push(value.into());
    }

    fn of(&self, key: &str) -> &[String] {
        self.0.get(&key.to_lowercase()).map_or(&[], Vec::as_slice)
    }
}

fn verdict<'a>(statements: impl Iterator<Item = &'a Statement>) -> Verdict {
    statements.fold(Verdict::Unsaid, |so_far, statement| match so_far {
        Verdict::Denied => Verdict::Denied,
        _ if !statement.allows() => Verdict::Denied,
        _ => Verdict::Allowed,
    })
}

#[cfg(test)]
mod tests;
