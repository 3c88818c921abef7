//! Where a Secret is: namespace and name, as the API server allows them.

use std::fmt;

/// A namespace and a name that are fit for a request path: an RFC 1123 label and an RFC 1123 subdomain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName {
    namespace: String,
    name: String,
}

/// Why a namespace or a name cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{got:?} is no {part}: expected 1 to {longest} lower-case letters, digits, {allowed}, with a letter or digit \
     at both ends"
)]
pub struct BadName {
    /// `namespace` or `name`.
    pub part: &'static str,
    /// What was written.
    pub got: String,
    longest: usize,
    allowed: &'static str,
}

impl SecretName {
    /// The Secret `name` in `namespace`.
    ///
    /// # Errors
    /// When one of them could not be the name of an object, and so could lead the request elsewhere.
    pub fn new(namespace: &str, name: &str) -> Result<Self, BadName> {
        if !is_label(namespace) {
            return Err(BadName::namespace(namespace));
        }
        if !is_subdomain(name) {
            let (got, allowed) = (name.to_owned(), "'-' or '.'");
            return Err(BadName {
                part: "name",
                got,
                longest: 253,
                allowed,
            });
        }
        Ok(Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The name within the namespace.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl BadName {
    pub(in crate::cluster) fn namespace(got: &str) -> Self {
        Self {
            part: "namespace",
            got: got.to_owned(),
            longest: 63,
            allowed: "or '-'",
        }
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Whether this is an RFC 1123 label, which every namespace's name is.
pub(in crate::cluster) fn is_label(text: &str) -> bool {
    text.len() <= 63 && is_name_part(text)
}

/// Whether this is an RFC 1123 subdomain.
pub(in crate::cluster) fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_name_part)
}

fn is_name_part(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(plain) && text.ends_with(plain) && text.chars().all(|c| plain(c) || c == '-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_objects_are_taken() {
        for (namespace, name) in [
            ("istio-system", "cacerts"),
            ("0", "a.b-c.d"),
            ("a", &"x".repeat(253)),
        ] {
            let taken = SecretName::new(namespace, name).unwrap();
            assert_eq!((taken.namespace(), taken.name()), (namespace, name));
        }
    }

    #[test]
    fn what_would_change_the_request_path_is_refused() {
        let long = "x".repeat(64);
        for namespace in ["", "a/b", "a.b", "A", "-a", "a-", "a?x=1", "..", "é", &long] {
            assert_eq!(
                SecretName::new(namespace, "cacerts").unwrap_err().part,
                "namespace"
            );
        }
        for name in [
            "",
            "a/b",
            "a..b",
            ".a",
            "a.",
            "Cacerts",
            "a%2fb",
            "a b",
            &"x".repeat(254),
        ] {
            assert_eq!(
                SecretName::new("istio-system", name).unwrap_err().part,
                "name"
            );
        }
    }

    #[test]
    fn the_refusal_says_what_was_got_and_what_was_expected() {
        let refused = SecretName::new("Istio", "cacerts").unwrap_err().to_string();
        assert_eq!(
            refused,
            "\"Istio\" is no namespace: expected 1 to 63 lower-case letters, digits, or '-', with a letter or \
             digit at both ends"
        );
    }

    proptest! {
        #[test]
        fn a_taken_name_needs_no_escaping_in_a_url(namespace: String, name: String) {
            if let Ok(taken) = SecretName::new(&namespace, &name) {
                let path = format!("/{}/{}", taken.namespace(), taken.name());
                prop_assert!(path.parse::<http::Uri>().is_ok_and(|uri| uri.path() == path));
                prop_assert_eq!(path.matches('/').count(), 2);
            }
        }
    }
}
