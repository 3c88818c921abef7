//! Which refusals pass by themselves, and how often to try. Ours, because the SDK takes
//! LimitExceededException for throttling, and here it means a quota used up for good.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{Operation, Patience};

/// What a refusal means for the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Too many calls at once, ours or others' of the account.
    Throttled,
    /// AWS's side, for the moment.
    Transient,
    /// No answer at all.
    Unreachable,
    /// A CA that is active but not ready yet, as for a minute after its activation.
    Settling,
    /// The signature's clock was off; the SDK corrects it by the refusal's own date.
    Skewed,
    /// The certificate is still being made.
    Pending,
    /// Making the certificate failed, or looking at it did: AWS does not tell these apart.
    Failed,
    /// A quota of the CA or of the account.
    Limit,
    /// IAM or the share of the CA does not allow it.
    Denied,
    /// The CA or certificate does not exist.
    Missing,
    /// The CA is in no state for it.
    State,
    /// The request cannot be right, a validity beyond the CA's included.
    Invalid,
    /// AWS does not know the keys, or no longer.
    Identity,
    /// Anything else.
    Refused,
}

/// Judges a refusal by AWS's code, and by its words where the code says too little.
/// Codes: the service model of ACM PCA and the common errors of its API reference.
pub fn classify(code: &str, message: &str, operation: Operation) -> Class {
    match code {
        "LimitExceededException" => Class::Limit,
        "RequestInProgressException" if operation == Operation::GetCertificate => Class::Pending,
        "RequestFailedException" if operation == Operation::GetCertificate => Class::Failed,
        "RequestInProgressException"
        | "RequestFailedException"
        | "ConcurrentModificationException" => Class::Transient,
        "InternalFailure"
        | "InternalServerError"
        | "InternalServerException"
        | "InternalServiceError" => Class::Transient,
        "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "RequestTimeout"
        | "RequestTimeoutException" => Class::Transient,
        "AccessDeniedException" | "AccessDenied" | "NotAuthorized" | "UnauthorizedOperation" => {
            Class::Denied
        }
        "ResourceNotFoundException" => Class::Missing,
        "InvalidStateException" => Class::State,
        "ValidationException"
        | "ValidationError"
        | "InvalidArgsException"
        | "InvalidArnException" => Class::Invalid,
        "MalformedCSRException" | "InvalidRequestException" | "SerializationException" => {
            Class::Invalid
        }
        "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "RequestTimeTooSkewed"
        | "RequestExpired" => Class::Skewed,
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "ExpiredTokenException"
        | "ExpiredToken" => Class::Identity,
        "IncompleteSignature" | "IncompleteSignatureException" | "MissingAuthenticationToken" => {
            Class::Identity
        }
        "MissingAuthenticationTokenException" | "OptInRequired" => Class::Identity,
        _ if is_throttling(code, message) => Class::Throttled,
        _ => Class::Refused,
    }
}

/// Judges an answer that names no error code, as a proxy's or a gateway's does.
pub fn classify_status(status: u16) -> Class {
    match status {
        429 => Class::Throttled,
        408 | 500.. => Class::Transient,
        _ => Class::Refused,
    }
}

/// How often and how fast a call is tried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy {
    /// The growth of the waits, before chance shortens them.
    pub waits: Patience,
    /// Tries of a throttled call, the first included; other failures get fewer.
    pub attempts: u32,
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
        class: Class,
        tried: u32,
        chance: f64,
        left: Duration,
    ) -> ControlFlow<(), Duration> {
        if tried >= self.bound(class) {
            return ControlFlow::Break(());
        }
        let share = 0.5 + chance.clamp(0.0, 1.0) / 2.0;
        self.waits
            .next(tried.saturating_sub(1), left)
            .map_continue(|wait| wait.mul_f64(share))
    }

    fn bound(&self, class: Class) -> u32 {
        match class {
            Class::Throttled | Class::Settling => self.attempts,
            Class::Transient | Class::Unreachable => self.attempts.min(4),
            Class::Skewed => self.attempts.min(2),
            _ => 1,
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

fn is_throttling(code: &str, message: &str) -> bool {
    let named = [
        "Throttl",
        "TooManyRequests",
        "SlowDown",
        "RequestLimitExceeded",
    ];
    named.iter().any(|part| code.contains(part)) || message.contains("Rate exceeded")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn every_code_of_the_api_has_its_class() {
        use Operation::{GetCertificate, IssueCertificate};
        for (code, operation, class) in [
            ("ThrottlingException", IssueCertificate, Class::Throttled),
            ("Throttling", GetCertificate, Class::Throttled),
            ("TooManyRequestsException", GetCertificate, Class::Throttled),
            ("LimitExceededException", IssueCertificate, Class::Limit),
            ("RequestInProgressException", GetCertificate, Class::Pending),
            (
                "RequestInProgressException",
                IssueCertificate,
                Class::Transient,
            ),
            ("RequestFailedException", GetCertificate, Class::Failed),
            ("RequestFailedException", IssueCertificate, Class::Transient),
            ("ServiceUnavailable", IssueCertificate, Class::Transient),
            ("InternalFailure", GetCertificate, Class::Transient),
            ("AccessDeniedException", IssueCertificate, Class::Denied),
            ("ResourceNotFoundException", GetCertificate, Class::Missing),
            ("InvalidStateException", IssueCertificate, Class::State),
            ("ValidationException", IssueCertificate, Class::Invalid),
            ("MalformedCSRException", IssueCertificate, Class::Invalid),
            ("InvalidArgsException", IssueCertificate, Class::Invalid),
            (
                "UnrecognizedClientException",
                GetCertificate,
                Class::Identity,
            ),
            ("ExpiredTokenException", GetCertificate, Class::Identity),
            ("InvalidSignatureException", GetCertificate, Class::Skewed),
            ("SomethingNew", IssueCertificate, Class::Refused),
            ("", IssueCertificate, Class::Refused),
        ] {
            assert_eq!(
                classify(code, "", operation),
                class,
                "{code} of {operation}"
            );
        }
    }

    #[test]
    fn words_tell_throttling_where_the_code_does_not_but_never_a_limit() {
        let issue = Operation::IssueCertificate;
        assert_eq!(
            classify("BadRequest", "Rate exceeded", issue),
            Class::Throttled
        );
        assert_eq!(
            classify("LimitExceededException", "Rate exceeded", issue),
            Class::Limit
        );
    }

    #[test]
    fn an_answer_without_a_code_is_judged_by_its_status() {
        let classes = [429, 500, 503, 408, 403, 404].map(classify_status);
        assert_eq!(classes[0], Class::Throttled);
        assert_eq!(classes[1..4], [Class::Transient; 3]);
        assert_eq!(classes[4..], [Class::Refused; 2]);
    }

    #[test]
    fn what_will_not_pass_is_tried_once() {
        let policy = Policy::with_attempts(Some(100));
        for class in [
            Class::Limit,
            Class::Denied,
            Class::Missing,
            Class::State,
            Class::Invalid,
            Class::Identity,
            Class::Refused,
            Class::Pending,
            Class::Failed,
        ] {
            assert_eq!(
                policy.after(class, 1, 0.5, LONG),
                ControlFlow::Break(()),
                "{class:?}"
            );
        }
    }

    #[test]
    fn throttling_is_waited_out_ever_longer_and_then_given_up() {
        let policy = Policy::with_attempts(None);
        let waits = |chance| {
            let step = move |tried| policy.after(Class::Throttled, tried, chance, LONG);
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
            policy.after(Class::Throttled, 10, 0.0, LONG),
            ControlFlow::Break(())
        );
    }

    #[test]
    fn the_users_bound_holds_for_every_class() {
        let once = Policy::with_attempts(Some(1));
        for class in [
            Class::Throttled,
            Class::Transient,
            Class::Unreachable,
            Class::Settling,
            Class::Skewed,
        ] {
            assert_eq!(once.after(class, 1, 0.0, LONG), ControlFlow::Break(()));
        }
    }

    #[test]
    fn no_wait_is_begun_that_the_deadline_would_cut() {
        let policy = Policy::with_attempts(None);
        assert_eq!(
            policy.after(Class::Throttled, 3, 1.0, Duration::from_secs(2)),
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
