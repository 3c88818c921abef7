//! The emulator's own time: stands still until moved, or runs on from a chosen moment.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

/// A clock shared by everything that clones it. What certificates say, when a CA expires and how
/// long an idempotency token holds goes by it; the dates of SigV4 do not, because they come from
/// the caller's real clock.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Mutex<Hands>>);

#[derive(Clone, Copy, Debug)]
enum Hands {
    Stopped(Timestamp),
    Running { from: Timestamp, since: Instant },
}

impl Clock {
    /// A clock that moves only by [`Clock::set`] and [`Clock::advance`].
    pub fn stopped_at(moment: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Hands::Stopped(moment))))
    }

    /// A clock that shows `moment` now and goes on at the speed of real time.
    pub fn running_from(moment: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Hands::Running {
            from: moment,
            since: Instant::now(),
        })))
    }

    /// What it shows.
    pub fn now(&self) -> Timestamp {
        match *self.hands() {
            Hands::Stopped(moment) => moment,
            Hands::Running { from, since } => later(from, elapsed(since)),
        }
    }

    /// Shows `moment` from here on; a running clock runs on from it. Backwards is allowed.
    pub fn set(&self, moment: Timestamp) {
        let mut hands = self.hands();
        *hands = match *hands {
            Hands::Stopped(_) => Hands::Stopped(moment),
            Hands::Running { .. } => Hands::Running {
                from: moment,
                since: Instant::now(),
            },
        };
    }

    /// Moves by `span`, which may be negative.
    pub fn advance(&self, span: SignedDuration) {
        let mut hands = self.hands();
        *hands = match *hands {
            Hands::Stopped(moment) => Hands::Stopped(later(moment, span)),
            Hands::Running { from, since } => Hands::Running {
                from: later(from, span),
                since,
            },
        };
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        // Each change is one assignment, so a panic elsewhere cannot have left it half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `moment` plus `span`, held at the ends of what a timestamp can say.
fn later(moment: Timestamp, span: SignedDuration) -> Timestamp {
    moment
        .saturating_add(span)
        .expect("a plain duration has no calendar units to refuse")
}

fn elapsed(since: Instant) -> SignedDuration {
    SignedDuration::try_from(since.elapsed()).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_stopped_clock_moves_only_when_told_and_for_all_who_share_it() {
        let clock = Clock::stopped_at(moment("2026-03-01T00:00:00Z"));
        let shared = clock.clone();
        clock.advance(SignedDuration::from_hours(36));
        assert_eq!(shared.now(), moment("2026-03-02T12:00:00Z"));
        shared.set(moment("2025-01-01T00:00:00Z"));
        assert_eq!(clock.now(), moment("2025-01-01T00:00:00Z"));
    }

    #[test]
    fn a_running_clock_goes_on_from_where_it_was_set() {
        let clock = Clock::running_from(moment("2020-01-01T00:00:00Z"));
        clock.advance(SignedDuration::from_hours(24));
        let (first, second) = (clock.now(), clock.now());
        assert!(
            first >= moment("2020-01-02T00:00:00Z") && second >= first,
            "{first} then {second}"
        );
        assert!(second < moment("2020-01-02T00:01:00Z"), "{second}");
    }
}
