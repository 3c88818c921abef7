//! Sending a call again, and how often.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::patience::{Ended, Patience, Until};

/// How often a failure is worth another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// It passes by itself, if slowly: all tries.
    Waiting,
    /// It passes soon, or it is no passing trouble: a few tries.
    Passing,
    /// One more try shows.
    Once,
    /// The answer will be the same.
    Nothing,
}

/// A try that failed, not yet an error: some pass.
pub trait Failing: From<Ended> {
    /// How often to try again.
    fn worth(&self) -> Worth;

    /// Whether what was asked may have been done all the same.
    fn leaves_open(&self) -> bool;

    /// The same, when no more tries follow.
    fn after(self, course: Course) -> Self;
}

/// How a call has gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Course {
    /// How often it was sent.
    pub tries: u32,
    /// Whether a try got no clear answer, so that it may have been done all the same.
    pub open: bool,
}

/// Sends calls, and sends them again.
#[derive(Debug)]
pub struct Sending {
    policy: Policy,
    chance: Chance,
}

/// How often and how fast a call is tried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy {
    /// The growth of the waits, before chance shortens them.
    pub waits: Patience,
    /// Tries of a throttled call, the first included; other failures get fewer.
    pub attempts: u32,
}

impl Sending {
    /// `attempts` as for [`Policy::with_attempts`]; `seed` is any number that others have not.
    pub fn new(attempts: Option<u32>, seed: u64) -> Self {
        Self {
            policy: Policy::with_attempts(attempts),
            chance: Chance::new(seed),
        }
    }

    /// Tries until it works, or until it makes no sense any more. A try that has begun is not cut off: who
    /// may do so hands in an `attempt` that is.
    ///
    /// # Errors
    /// The last failure.
    pub async fn trying<T, E, F>(&self, until: Until<'_>, attempt: impl Fn() -> F) -> Result<T, E>
    where
        E: Failing,
        F: Future<Output = Result<T, E>>,
    {
        let mut course = Course::default();
        loop {
            let ended = |ended| E::from(ended).after(course);
            until.running().map_err(ended)?;
            let failed = match attempt().await {
                Ok(done) => return Ok(done),
                Err(failed) => failed,
            };
            course.tries += 1;
            course.open |= failed.leaves_open();
            let (worth, chance) = (failed.worth(), self.chance.next());
            match self.policy.after(worth, course.tries, chance, until.left()) {
                ControlFlow::Continue(wait) => {
                    let ended = |ended| E::from(ended).after(course);
                    until.pause(wait).await.map_err(ended)?;
                }
                ControlFlow::Break(()) => return Err(failed.after(course)),
            }
        }
    }
}

impl Policy {
    /// With that many tries, or ten: about a minute and a half of throttling.
    pub fn with_attempts(attempts: Option<u32>) -> Self {
        let (first, at_most) = (Duration::from_millis(500), Duration::from_secs(20));
        let waits = Patience {
            first,
            factor: 2.0,
            at_most,
        };
        Self {
            waits,
            attempts: attempts.unwrap_or(10).max(1),
        }
    }

    /// What to do after `tried` tries of which the last failed so: wait and try again, or give up.
    /// `chance` in 0..1 spreads the callers over the second half of the wait; `left` is the time to
    /// the deadline.
    pub fn after(
        &self,
        worth: Worth,
        tried: u32,
        chance: f64,
        left: Duration,
    ) -> ControlFlow<(), Duration> {
        if tried >= self.bound(worth) {
            return ControlFlow::Break(());
        }
        let share = 0.5 + chance.clamp(0.0, 1.0) / 2.0;
        self.waits
            .next(tried.saturating_sub(1), left)
            .map_continue(|wait| wait.mul_f64(share))
    }

    fn bound(&self, worth: Worth) -> u32 {
        match worth {
            Worth::Waiting => self.attempts,
            Worth::Passing => self.attempts.min(4),
            Worth::Once => self.attempts.min(2),
            Worth::Nothing => 1,
        }
    }
}

/// A row of numbers in 0..1 from a seed (SplitMix64): even enough to keep callers apart.
#[derive(Debug)]
pub struct Chance(AtomicU64);

impl Chance {
    /// Another seed, another row.
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The next one.
    pub fn next(&self) -> f64 {
        let step = 0x9e37_79b9_7f4a_7c15;
        let state = self.0.fetch_add(step, Ordering::Relaxed).wrapping_add(step);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        // 53 bits are what a double holds exactly.
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn what_will_not_pass_is_tried_once_and_what_may_a_few_times() {
        let policy = Policy::with_attempts(Some(100));
        let tries = |worth| {
            (1..200)
                .take_while(|&tried| policy.after(worth, tried, 0.5, LONG).is_continue())
                .count()
                + 1
        };
        let all = [Worth::Nothing, Worth::Once, Worth::Passing, Worth::Waiting];
        assert_eq!(all.map(tries), [1, 2, 4, 100]);
    }

    #[test]
    fn the_users_bound_holds_for_all() {
        let once = Policy::with_attempts(Some(1));
        for worth in [Worth::Waiting, Worth::Passing, Worth::Once] {
            assert_eq!(once.after(worth, 1, 0.0, LONG), ControlFlow::Break(()));
        }
    }

    #[test]
    fn throttling_is_waited_out_ever_longer_and_then_given_up() {
        let policy = Policy::with_attempts(None);
        let waits = |chance| {
            let step = move |tried| policy.after(Worth::Waiting, tried, chance, LONG);
            (1..=10)
                .map(step)
                .map_while(ControlFlow::continue_value)
                .collect::<Vec<_>>()
        };
        let longest =
            [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0, 20.0].map(Duration::from_secs_f64);
        assert_eq!(waits(1.0), longest);
        assert_eq!(waits(0.0), longest.map(|wait| wait / 2));
        assert_eq!(
            policy.after(Worth::Waiting, 10, 0.0, LONG),
            ControlFlow::Break(())
        );
    }

    #[test]
    fn no_wait_is_begun_that_the_deadline_would_cut() {
        let policy = Policy::with_attempts(None);
        assert_eq!(
            policy.after(Worth::Waiting, 3, 1.0, Duration::from_secs(2)),
            ControlFlow::Break(())
        );
    }

    #[test]
    fn chance_stays_in_its_bounds_and_spreads() {
        let chance = Chance::new(7);
        let row: Vec<_> = (0..1000).map(|_| chance.next()).collect();
        assert!(row.iter().all(|it| (0.0..1.0).contains(it)));
        let low = row.iter().filter(|it| **it < 0.5).count();
        assert!((400..600).contains(&low), "{low}");
        assert_ne!(Chance::new(8).next(), row[0]);
        // SplitMix64 from seed 0 begins with e220a8397b1dcdaf, the published first value.
        let first = (0xe220_a839_7b1d_cdaf_u64 >> 11) as f64 / (1u64 << 53) as f64;
        assert_eq!(Chance::new(0).next(), first);
    }
}
