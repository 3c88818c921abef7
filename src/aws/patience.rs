//! How long to wait: for the next look, and at most.

use std::future::Future;
use std::ops::ControlFlow;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Waits that grow: the first, by which factor, up to which.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Patience {
    /// Before the second try.
    pub first: Duration,
    /// From one wait to the next.
    pub factor: f64,
    /// No single wait is longer.
    pub at_most: Duration,
}

impl Default for Patience {
    /// For a certificate in the making: mostly there within seconds. Who waits holds up one of the
    /// few operations that the host runs at once, and AWS lets an account look three times for each
    /// certificate that it lets it order: a fleet may look early.
    fn default() -> Self {
        Self {
            first: Duration::from_millis(100),
            factor: 1.5,
            at_most: Duration::from_secs(3),
        }
    }
}

impl Patience {
    /// The wait after `waits` earlier ones.
    pub fn wait(&self, waits: u32) -> Duration {
        let grown = self.first.as_secs_f64() * self.factor.powf(f64::from(waits));
        Duration::try_from_secs_f64(grown).map_or(self.at_most, |wait| wait.min(self.at_most))
    }

    /// As [`wait`](Self::wait), or an end when it would outlast what is `left`: nobody would be
    /// there to look.
    pub fn next(&self, waits: u32, left: Duration) -> ControlFlow<(), Duration> {
        let wait = self.wait(waits);
        if wait < left {
            ControlFlow::Continue(wait)
        } else {
            ControlFlow::Break(())
        }
    }
}

/// What ends all waiting of an operation: its deadline, or the host's wish to stop.
#[derive(Debug, Clone, Copy)]
pub struct Until<'a> {
    deadline: Instant,
    stop: &'a CancellationToken,
}

/// Which of the two it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The time was over.
    Deadline,
    /// The host asked to stop.
    Stopped,
}

impl<'a> Until<'a> {
    /// Made once for an operation and handed to every call in it, so that they share the time.
    pub fn new(deadline: Instant, stop: &'a CancellationToken) -> Self {
        Self { deadline, stop }
    }

    /// From now on by the runtime's timer, which tests can move.
    pub fn within(time: Duration, stop: &'a CancellationToken) -> Self {
        let far = Duration::from_secs(365 * 24 * 3600);
        Self::new(Instant::now() + time.min(far), stop)
    }

    /// The same end, or an earlier one.
    pub fn at_most(self, time: Duration) -> Self {
        let sooner = Self::within(time, self.stop);
        if sooner.deadline < self.deadline {
            sooner
        } else {
            self
        }
    }

    /// The time to the deadline.
    pub fn left(self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Whether there is time to begin something.
    pub fn running(self) -> Result<(), Ended> {
        match () {
            () if self.stop.is_cancelled() => Err(Ended::Stopped),
            () if self.left().is_zero() => Err(Ended::Deadline),
            () => Ok(()),
        }
    }

    /// The outcome of `work`, which is dropped when the end comes first.
    pub async fn race<T>(self, work: impl Future<Output = T>) -> Result<T, Ended> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Ended::Stopped),
            outcome = work => Ok(outcome),
            () = tokio::time::sleep_until(self.deadline) => Err(Ended::Deadline),
        }
    }

    /// As [`race`](Self::race), for work that can fail.
    pub async fn cutting<T, E: From<Ended>>(
        self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.race(work)
            .await
            .unwrap_or_else(|ended| Err(ended.into()))
    }

    /// Waits so long, if the end does not come first.
    pub async fn pause(self, wait: Duration) -> Result<(), Ended> {
        self.race(tokio::time::sleep(wait)).await
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn waits_grow_to_their_bound() {
        let waits: Vec<_> = (0..9)
            .map(|nth| Patience::default().wait(nth).as_millis())
            .collect();
        assert_eq!(waits, [100, 150, 225, 337, 506, 759, 1139, 1708, 2562]);
    }

    #[test]
    fn a_wait_that_would_outlast_the_deadline_is_not_begun() {
        let patience = Patience::default();
        let second = Duration::from_secs(1);
        assert_eq!(
            patience.next(0, second),
            ControlFlow::Continue(Duration::from_millis(100))
        );
        assert_eq!(patience.next(7, second), ControlFlow::Break(()));
    }

    #[tokio::test(start_paused = true)]
    async fn stop_comes_before_a_result_and_a_result_before_the_deadline() {
        let stop = CancellationToken::new();
        let now = Until::within(Duration::ZERO, &stop);
        assert_eq!(now.race(async { 1 }).await, Ok(1));
        assert_eq!(now.running(), Err(Ended::Deadline));
        stop.cancel();
        assert_eq!(now.race(async { 1 }).await, Err(Ended::Stopped));
        assert_eq!(now.running(), Err(Ended::Stopped));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_ends_when_the_host_stops() {
        let stop = CancellationToken::new();
        let (began, until) = (Instant::now(), Until::within(Duration::MAX, &stop));
        let cancel = async {
            tokio::time::sleep(Duration::from_secs(7)).await;
            stop.cancel();
        };
        let (ended, ()) = tokio::join!(until.pause(Duration::from_secs(3600)), cancel);
        assert_eq!(
            (ended, began.elapsed()),
            (Err(Ended::Stopped), Duration::from_secs(7))
        );
    }

    proptest! {
        #[test]
        fn waits_never_shrink_nor_pass_their_bound(
            first in 0u64..100_000, factor in 1.0f64..10.0, at_most in 0u64..1_000_000, nth in 0u32..5_000,
        ) {
            let (first, at_most) = (Duration::from_millis(first), Duration::from_millis(at_most));
            let patience = Patience { first, factor, at_most };
            prop_assert!(patience.wait(nth) <= patience.wait(nth + 1));
            prop_assert!(patience.wait(nth + 1) <= at_most);
        }

        #[test]
        fn no_patience_panics(factor in any::<f64>(), nth in any::<u32>(), first in any::<u64>()) {
            let patience = Patience { first: Duration::from_secs(first), factor, at_most: Duration::MAX };
            let _ = patience.next(nth, patience.wait(nth));
        }
    }
}
