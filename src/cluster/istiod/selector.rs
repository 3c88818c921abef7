//! Which pods are a Deployment's: by its selector, as the API defines it
//! (<https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/>).

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::cluster::null::null_as_default;

/// What the labels of a pod must be like.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Selector {
    #[serde(deserialize_with = "null_as_default")]
    match_labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "null_as_default")]
    match_expressions: Vec<Expression>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Expression {
    key: String,
    operator: Operator,
    #[serde(default, deserialize_with = "null_as_default")]
    values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

impl Selector {
    /// Whether all of it holds of these labels; one that demands nothing takes every pod.
    pub(super) fn takes(&self, labels: &BTreeMap<String, String>) -> bool {
        let mut equal = self.match_labels.iter();
        equal.all(|(key, value)| labels.get(key) == Some(value))
            && self.match_expressions.iter().all(|it| it.holds(labels))
    }
}

impl Expression {
    fn holds(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.key);
        let named = value.is_some_and(|value| self.values.contains(value));
        match self.operator {
            Operator::In => named,
            Operator::NotIn => !named,
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn takes(selector: Value, labels: Value) -> bool {
        let selector: Selector = serde_json::from_value(selector).unwrap();
        selector.takes(&serde_json::from_value(labels).unwrap())
    }

    #[test]
    fn a_selector_takes_pods_whose_labels_are_all_that_it_demands() {
        let of_canary = json!({"matchLabels": {"app": "istiod", "istio.io/rev": "canary"}});
        let labels = json!({"app": "istiod", "istio.io/rev": "canary", "pod-template-hash": "5b"});
        assert!(takes(of_canary.clone(), labels));
        assert!(!takes(of_canary.clone(), json!({"app": "istiod"})));
        let other = json!({"app": "istiod", "istio.io/rev": "default"});
        assert!(!takes(of_canary, other));
        assert!(takes(json!({}), json!({"app": "istiod"})));
    }

    /// By the table in the API's documentation: `NotIn` holds where the label is absent, too.
    #[test]
    fn each_operator_means_what_the_api_says() {
        for (operator, values, canary, absent) in [
            ("In", json!(["canary", "next"]), true, false),
            ("In", json!(["default"]), false, false),
            ("NotIn", json!(["default"]), true, true),
            ("NotIn", json!(["canary"]), false, true),
            ("Exists", json!(null), true, false),
            ("DoesNotExist", json!(null), false, true),
        ] {
            let expression = json!({"key": "istio.io/rev", "operator": operator, "values": values});
            let selector = json!({"matchLabels": null, "matchExpressions": [expression]});
            let found = takes(selector.clone(), json!({"istio.io/rev": "canary"}));
            assert_eq!(found, canary, "{selector}");
            assert_eq!(takes(selector.clone(), json!({})), absent, "{selector}");
        }
    }
}
