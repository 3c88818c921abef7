//! Paths of the configuration that begin in the user's home.

use super::variable;

/// The path with `HOME` for a leading `~/`, which only a shell would put there; any other path, and
/// one without a home, as it is.
pub(super) fn at_home(path: &str) -> String {
    under(variable("HOME").as_deref(), path)
}

fn under(home: Option<&str>, path: &str) -> String {
    match (home, path.strip_prefix("~/")) {
        (Some(home), Some(rest)) => format!("{}/{rest}", home.trim_end_matches('/')),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_leading_tilde_of_ones_own_is_the_home() {
        for (home, path, expected) in [
            (Some("/home/ci"), "~/.aws/config", "/home/ci/.aws/config"),
            (Some("/"), "~/ca.pem", "/ca.pem"),
            (Some("/home/ci"), "/etc/~/ca.pem", "/etc/~/ca.pem"),
            (Some("/home/ci"), "~olga/ca.pem", "~olga/ca.pem"),
            (None, "~/ca.pem", "~/ca.pem"),
        ] {
            assert_eq!(under(home, path), expected, "{home:?} {path}");
        }
    }
}
