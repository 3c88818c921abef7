//! Conditions of a statement.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>

use serde_json::Value;

use super::statement::texts;
use super::{Facts, Malformed, wildcard};

/// One operator on one key.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    operator: Operator,
    /// Of a key of many values; `None` of a key of one.
    quantifier: Option<Quantifier>,
    if_exists: bool,
    key: String,
    wanted: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equals,
    NotEquals,
    EqualsIgnoreCase,
    Like,
    NotLike,
    Null,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantifier {
    All,
    Any,
}

impl Condition {
    pub(super) fn read_all(conditions: Option<&Value>) -> Result<Vec<Self>, Malformed> {
        let Some(conditions) = conditions else {
            return Ok(Vec::new());
        };
        let unreadable = || Malformed("a Condition is no object of objects".to_owned());
        let mut read = Vec::new();
        for (operator, keys) in conditions.as_object().ok_or_else(unreadable)? {
            let keys = keys.as_object().ok_or_else(unreadable)?;
            for key in keys.keys() {
                read.push(Self::read(operator, key, texts(keys, key)?)?);
            }
        }
        Ok(read)
    }

    fn read(written: &str, key: &str, wanted: Vec<String>) -> Result<Self, Malformed> {
        let (quantifier, rest) = match written.split_once(':') {
            Some(("ForAllValues", rest)) => (Some(Quantifier::All), rest),
            Some(("ForAnyValue", rest)) => (Some(Quantifier::Any), rest),
            _ => (None, written),
        };
        let (rest, if_exists) = match rest.strip_suffix("IfExists") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let operator = match rest {
            "StringEquals" | "Bool" => Operator::Equals,
            "StringNotEquals" => Operator::NotEquals,
            "StringEqualsIgnoreCase" => Operator::EqualsIgnoreCase,
            "StringLike" | "ArnEquals" | "ArnLike" => Operator::Like,
            "StringNotLike" | "ArnNotEquals" | "ArnNotLike" => Operator::NotLike,
            "Null" => Operator::Null,
            _ => {
                return Err(Malformed(format!(
                    "the operator {written:?} is not known here"
                )));
            }
        };
        Ok(Self {
            operator,
            quantifier,
            if_exists,
            key: key.to_owned(),
            wanted,
        })
    }

    pub(super) fn holds(&self, facts: &Facts) -> bool {
        let values = facts.of(&self.key);
        let absent = values.is_empty();
        if self.operator == Operator::Null {
            return self
                .wanted
                .iter()
                .any(|wanted| *wanted == absent.to_string());
        }
        let mut values = values.iter();
        match self.quantifier {
            _ if absent && self.if_exists => true,
            Some(Quantifier::All) => values.all(|value| self.takes(value)),
            Some(Quantifier::Any) => values.any(|value| self.takes(value)),
            // What is not there is unlike everything.
            None if absent => self.operator.is_negated(),
            None => values.all(|value| self.takes(value)),
        }
    }

    fn takes(&self, value: &str) -> bool {
        let mut wanted = self.wanted.iter();
        match self.operator {
            Operator::Equals => wanted.any(|wanted| wanted == value),
            Operator::NotEquals => wanted.all(|wanted| wanted != value),
            Operator::EqualsIgnoreCase => {
                wanted.any(|wanted| wanted.to_lowercase() == value.to_lowercase())
            }
            Operator::Like => wanted.any(|wanted| wildcard::matches(wanted, value)),
            Operator::NotLike => !wanted.any(|wanted| wildcard::matches(wanted, value)),
            Operator::Null => false,
        }
    }
}

impl Operator {
    fn is_negated(self) -> bool {
        matches!(self, Self::NotEquals | Self::NotLike)
    }
}
