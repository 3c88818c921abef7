//! What a user is told, and where in their configuration it points.

use std::borrow::Cow;
use std::fmt;

/// A message for the user; the host prints it in a box beside the line it points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether the operation failed or merely has something to tell.
    pub severity: Severity,
    /// One short line. The host folds equal summaries into one, so it names the instance.
    pub summary: String,
    /// What happened, what it means, what to do: one paragraph each.
    pub detail: String,
    /// The attribute concerned; empty where it is the whole object.
    pub path: Path,
}

/// The two weights that the host knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The operation failed.
    Error,
    /// The operation went on.
    Warning,
}

impl Diagnostic {
    /// A failure that concerns the whole object until [`at`](Self::at) says where.
    pub fn error(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Severity::Error, summary.into(), detail.into())
    }

    /// Something to know that stops nothing.
    pub fn warning(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Severity::Warning, summary.into(), detail.into())
    }

    fn new(severity: Severity, summary: String, detail: String) -> Self {
        Self {
            severity,
            summary,
            detail,
            path: Path::root(),
        }
    }

    /// The same message, pointing at an attribute.
    #[must_use]
    pub fn at(mut self, path: Path) -> Self {
        self.path = path;
        self
    }

    /// The same message at another weight.
    #[must_use]
    pub fn with_severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// The same message, seen from the object that contains what it points at.
    #[must_use]
    pub fn under(mut self, base: &Path) -> Self {
        self.path = base.join(&self.path);
        self
    }

    /// Whether the operation failed.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// The way from an object's root to one of its values.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Vec<Step>);

/// One step of a [`Path`]. There is none for the elements of a set: a path ends at the set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// An attribute or a block of an object.
    Attribute(Cow<'static, str>),
    /// An element of a map.
    Key(String),
    /// An element of a list.
    Index(usize),
}

impl Path {
    /// The object itself.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// The attribute or block of that name in the object at this path.
    #[must_use]
    pub fn attribute(&self, name: impl Into<Cow<'static, str>>) -> Self {
        self.then(Step::Attribute(name.into()))
    }

    /// The map element of that key.
    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> Self {
        self.then(Step::Key(key.into()))
    }

    /// The list element at that place, counted from zero.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.then(Step::Index(index))
    }

    /// The steps in order.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether this is the object itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// This path, continued by another one.
    #[must_use]
    pub fn join(&self, rest: &Self) -> Self {
        Self(self.0.iter().chain(&rest.0).cloned().collect())
    }

    fn then(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

impl From<&'static str> for Path {
    /// The path of a top-level attribute.
    fn from(name: &'static str) -> Self {
        Self::root().attribute(name)
    }
}

/// As one would write it in the configuration: `subject[0].country`, `labels["team"]`.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.0.iter().enumerate() {
            match step {
                Step::Attribute(name) if place == 0 => write!(f, "{name}")?,
                Step::Attribute(name) => write!(f, ".{name}")?,
                Step::Key(key) => write!(f, "[{key:?}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_as_in_the_configuration() {
        let path = Path::from("subject")
            .index(0)
            .attribute("labels")
            .key("a b");
        assert_eq!(path.to_string(), r#"subject[0].labels["a b"]"#);
        assert_eq!(Path::root().to_string(), "");
    }

    #[test]
    fn a_message_of_an_inner_object_points_from_the_outer_one() {
        let inner = Diagnostic::error("s", "d").at(Path::from("country"));
        assert_eq!(
            inner
                .under(&Path::from("subject").index(0))
                .path
                .to_string(),
            "subject[0].country"
        );
    }
}
