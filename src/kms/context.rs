//! Encryption contexts: what a sealed key is bound to, and policies can ask for.

use std::collections::{BTreeMap, BTreeSet};

/// What names begin with that are ours.
pub const RESERVED: &str = "istiopca:";

/// Whether a user's context can be one, judged without asking KMS. KMS takes no empty name or value. IAM and
/// grants do not heed the case of a name, so that of two that differ in nothing else a policy would not know
/// which is meant (KMS API, GrantConstraints; IAM User Guide, Condition).
///
/// # Errors
/// In words: which name or value cannot be, and why.
pub fn check_context(context: &BTreeMap<String, String>) -> Result<(), String> {
    let mut known = BTreeSet::new();
    context.iter().try_for_each(|(name, value)| {
        let folded = name.to_lowercase();
        match () {
            () if name.is_empty() => Err("a name in it is empty".to_owned()),
            () if value.is_empty() => Err(format!("the value of {name:?} is empty")),
            () if folded.starts_with(RESERVED) => Err(format!(
                "{name:?} begins with {RESERVED:?}, which is kept for the provider"
            )),
            () if !known.insert(folded) => Err(format!(
                "{name:?} is in it in two spellings, and policies do not tell them apart"
            )),
            () => Ok(()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(pairs: &[(&str, &str)]) -> Result<(), String> {
        let pairs = pairs.iter();
        check_context(
            &pairs
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn a_context_of_ones_own_words_is_good() {
        assert_eq!(judged(&[]), Ok(()));
        assert_eq!(
            judged(&[("cluster", "mesh-a"), ("Größe", " "), ("istiopca", "x")]),
            Ok(())
        );
    }

    #[test]
    fn what_kms_or_policies_cannot_take_is_told() {
        for (pairs, told) in [
            (vec![("", "a")], "a name in it is empty"),
            (vec![("cluster", "")], "the value of \"cluster\" is empty"),
            (
                vec![("Istiopca:id", "x")],
                "\"Istiopca:id\" begins with \"istiopca:\", which is kept for the provider",
            ),
            (
                vec![("Cluster", "a"), ("cluster", "a")],
                "\"cluster\" is in it in two spellings, and policies do not tell them apart",
            ),
        ] {
            assert_eq!(judged(&pairs), Err(told.to_owned()));
        }
    }
}
