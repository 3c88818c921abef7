//! Keys and values of labels and annotations, as the API server allows them:
//! <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set>.

use super::annotation::PREFIX;
use super::name::is_subdomain;

/// Why something cannot be a label or an annotation of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadMetadata {
    /// No object could have a label or an annotation of this key.
    #[error(
        "{got:?} is no key of a label or an annotation: expected a name of 1 to 63 letters, digits, '-', '_' or '.', \
         with a letter or digit at both ends, if need be with a DNS name and '/' before it"
    )]
    Key {
        /// The key.
        got: String,
    },
    /// No label could have this value.
    #[error(
        "{got:?} is no value of a label: expected at most 63 letters, digits, '-', '_' or '.', with a letter or digit \
         at both ends, or nothing"
    )]
    Value {
        /// The value.
        got: String,
    },
    /// What stands there is written by us.
    #[error("{got:?} begins with {PREFIX}, which is kept for what the provider itself writes")]
    Reserved {
        /// The key.
        got: String,
    },
}

/// Judges a label.
///
/// # Errors
/// When the API server would refuse it, or it is one of our own.
pub fn check_label(key: &str, value: &str) -> Result<(), BadMetadata> {
    check_annotation(key)?;
    if value.is_empty() || is_name(value) {
        return Ok(());
    }
    let got = value.to_owned();
    Err(BadMetadata::Value { got })
}

/// Judges an annotation, of which any value will do.
///
/// # Errors
/// When the API server would refuse it, or it is one of our own.
pub fn check_annotation(key: &str) -> Result<(), BadMetadata> {
    let got = key.to_owned();
    if key.starts_with(PREFIX) {
        return Err(BadMetadata::Reserved { got });
    }
    let fits = match key.split_once('/') {
        Some((prefix, name)) => is_subdomain(prefix) && is_name(name),
        None => is_name(key),
    };
    if fits {
        Ok(())
    } else {
        Err(BadMetadata::Key { got })
    }
}

fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric();
    text.len() <= 63
        && text.starts_with(plain)
        && text.ends_with(plain)
        && text.chars().all(|c| plain(c) || "-_.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_api_server_takes_is_taken() {
        let long = "x".repeat(63);
        for (key, value) in [
            ("app.kubernetes.io/managed-by", "terraform"),
            ("Team_1", ""),
            (long.as_str(), long.as_str()),
            ("a", "V-1_b.c"),
        ] {
            assert_eq!(check_label(key, value), Ok(()), "{key} = {value}");
        }
    }

    #[test]
    fn what_the_api_server_refuses_is_refused() {
        let long = "x".repeat(64);
        for key in ["", "a b", "-a", "a/", "/a", "A.b/c", "a/b/c", "ä", &long] {
            let got = key.to_owned();
            assert_eq!(check_annotation(key), Err(BadMetadata::Key { got }));
        }
        for value in ["the mesh", "a/b", ".a", "a_", "ä", &long] {
            let got = value.to_owned();
            assert_eq!(check_label("team", value), Err(BadMetadata::Value { got }));
        }
    }

    #[test]
    fn what_is_ours_is_kept_for_us() {
        let refused = check_annotation("istiopca.io/owner");
        assert!(matches!(refused, Err(BadMetadata::Reserved { .. })));
    }
}
