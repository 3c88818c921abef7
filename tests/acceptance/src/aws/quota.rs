//! How many requests a second AWS takes: a bucket of tokens for each operation, account and Region,
//! which real time fills.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::caller::Caller;

/// Requests a second, by operation; what is not named is not limited.
#[derive(Clone, Debug, Default)]
pub struct Quotas(HashMap<String, Rate>);

#[derive(Clone, Copy, Debug)]
struct Rate {
    per_second: f64,
    /// The tokens of a full bucket.
    burst: f64,
}

/// The quotas in force, and what is left of each.
#[derive(Debug, Default)]
pub(super) struct Buckets(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    quotas: Quotas,
    /// By operation, account and Region.
    buckets: HashMap<(String, String, String), Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Quotas {
    /// AWS's own, as far as they are known: those of Private CA from its guide's last open table,
    /// a bucket holding what comes in a second.
    ///
    /// For DescribeCluster AWS publishes none: 10 a second and 50 at once are an assumption, made
    /// after reports of a hundred calls at once of which about twenty were refused.
    pub fn aws() -> Self {
        [
            ("IssueCertificate", 25.0),
            ("GetCertificate", 75.0),
            ("DescribeCertificateAuthority", 20.0),
            ("GetCertificateAuthorityCertificate", 20.0),
            ("RevokeCertificate", 20.0),
            ("ListCertificateAuthorities", 20.0),
        ]
        .into_iter()
        .fold(Self::default(), |quotas, (operation, per_second)| {
            quotas.limit(operation, per_second, per_second)
        })
        .limit("DescribeCluster", 10.0, 50.0)
    }

    /// The same with this operation limited to `per_second` in the long run and `burst` at once.
    #[must_use]
    pub fn limit(mut self, operation: &str, per_second: f64, burst: f64) -> Self {
        let rate = Rate { per_second, burst };
        self.0.insert(operation.to_owned(), rate);
        self
    }
}

impl Buckets {
    /// Puts quotas in force, with every bucket full.
    pub(super) fn fill(&self, quotas: Quotas) {
        *self.state() = State {
            quotas,
            buckets: HashMap::new(),
        };
    }

    /// Whether the caller may do this at `now`; takes a token if so.
    pub(super) fn allow(&self, operation: &str, caller: &Caller, now: Instant) -> bool {
        let state = &mut *self.state();
        let Some(&rate) = state.quotas.0.get(operation) else {
            return true;
        };
        let account = &caller.principal.account;
        let key = [operation, account, &caller.region]
            .map(str::to_owned)
            .into();
        let bucket = state.buckets.entry(key).or_insert(Bucket {
            tokens: rate.burst,
            at: now,
        });
        bucket.take(rate, now)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bucket {
    fn take(&mut self, rate: Rate, now: Instant) -> bool {
        let come = now.saturating_duration_since(self.at).as_secs_f64() * rate.per_second;
        self.tokens = (self.tokens + come).min(rate.burst);
        self.at = self.at.max(now);
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_at_once_and_then_its_rate() {
        let rate = Rate {
            per_second: 10.0,
            burst: 5.0,
        };
        let begin = Instant::now();
        let mut bucket = Bucket {
            tokens: rate.burst,
            at: begin,
        };
        let mut given = |milliseconds| {
            let now = begin + Duration::from_millis(milliseconds);
            (0..100).filter(|_| bucket.take(rate, now)).count()
        };
        assert_eq!(given(0), 5);
        assert_eq!(given(99), 0);
        assert_eq!(given(101), 1);
        assert_eq!(given(401), 3);
        // It does not fill beyond its size.
        assert_eq!(given(60_000), 5);
        // And time that runs backwards gives nothing.
        assert_eq!(given(30_000), 0);
    }
}
