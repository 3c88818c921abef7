//! The last few of many, by name.

use std::collections::VecDeque;

/// Keeps what was used last and drops what was not used for longest.
pub(super) struct Recent<T> {
    most: usize,
    /// The latest first.
    kept: VecDeque<(String, T)>,
}

impl<T: Clone> Recent<T> {
    /// Keeps up to `most`.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            kept: VecDeque::with_capacity(most),
        }
    }

    /// The one of that name, which is the latest from now on.
    pub(super) fn used(&mut self, name: &str) -> Option<T> {
        let place = self.kept.iter().position(|(kept, _)| kept == name)?;
        let found = self.kept.remove(place)?;
        let kept = found.1.clone();
        self.kept.push_front(found);
        Some(kept)
    }

    /// Another one, of a name that none has.
    pub(super) fn add(&mut self, name: String, it: T) {
        self.kept.push_front((name, it));
        self.kept.truncate(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let mut recent = Recent::new(2);
        recent.add("a".to_owned(), 1);
        recent.add("b".to_owned(), 2);
        assert_eq!(recent.used("a"), Some(1));
        recent.add("c".to_owned(), 3);
        assert_eq!(recent.used("b"), None);
        assert_eq!((recent.used("a"), recent.used("c")), (Some(1), Some(3)));
    }
}
