//! When a certificate ends, and when it is made anew. Every moment is a whole second.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::fingerprint::Fingerprint;
use super::serial::SerialNumber;

/// A validity that would outlive the issuer, which AWS Private CA refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the certificate would end at {wanted}, \
     expected an end before its issuer's at {issuer_not_after}"
)]
pub struct BeyondIssuer {
    /// The end that was asked for.
    pub wanted: Timestamp,
    /// The issuer's end.
    pub issuer_not_after: Timestamp,
}

/// The end to ask for: `validity` from `now`, strictly before the issuer's end.
///
/// With `clamp` an end that is too late becomes the last second before the issuer's, unless that is
/// no longer ahead.
pub fn not_after(
    now: Timestamp,
    validity: SignedDuration,
    issuer_not_after: Timestamp,
    clamp: bool,
) -> Result<Timestamp, BeyondIssuer> {
    let wanted = at_second(now.as_second().saturating_add(validity.as_secs()));
    let latest = at_second(issuer_not_after.as_second().saturating_sub(1));
    if wanted <= latest {
        Ok(wanted)
    } else if clamp && latest > now {
        Ok(latest)
    } else {
        Err(BeyondIssuer {
            wanted,
            issuer_not_after,
        })
    }
}

/// Whether a certificate that ends at `new_end` would serve longer than the one that ends at
/// `old_end`.
///
/// Where the issuer is the first to end it would not, and renewing would go round in circles.
pub fn outlives(new_end: Timestamp, old_end: Timestamp) -> bool {
    new_end > old_end
}

/// How long before its end a certificate is made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RenewalPolicy {
    /// `None`: a third of the lifetime, or half of it for a short-lived authority.
    pub renew_before: Option<SignedDuration>,
    /// Whether the authority issues for seven days at most.
    pub short_lived: bool,
    /// Spreads a fleet: at most this much comes off the moment of renewal.
    pub jitter: SignedDuration,
}

/// A policy under which a new certificate would be due at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Renewal is wanted before there is anything to renew.
    #[error("renewal {renew_before:#} before the end leaves nothing of a validity of {validity:#}")]
    BeforeStart {
        /// The setting.
        renew_before: SignedDuration,
        /// The validity it was compared with.
        validity: SignedDuration,
    },
    /// The jitter could take all that is left.
    #[error(
        "a jitter of {jitter:#} and renewal {renew_before:#} before the end \
         leave nothing of a validity of {validity:#}"
    )]
    Jitter {
        /// The setting.
        jitter: SignedDuration,
        /// How long before the end renewal comes at the latest.
        renew_before: SignedDuration,
        /// The validity it was compared with.
        validity: SignedDuration,
    },
}

impl RenewalPolicy {
    /// Whether certificates of this `validity` are left alone for a while.
    pub fn check(&self, validity: SignedDuration) -> Result<(), PolicyError> {
        let (renew_before, jitter) = (self.before(validity), self.jitter);
        if renew_before >= validity {
            return Err(PolicyError::BeforeStart {
                renew_before,
                validity,
            });
        }
        if renew_before.saturating_add(jitter) >= validity {
            return Err(PolicyError::Jitter {
                jitter,
                renew_before,
                validity,
            });
        }
        Ok(())
    }

    /// How long before the end renewal comes, the jitter aside.
    ///
    /// A short-lived authority may cut a lifetime below what the user wants to renew before: the
    /// certificate would be due as soon as it is issued, and for ever, so the default counts there.
    pub fn before(&self, lifetime: SignedDuration) -> SignedDuration {
        let share = if self.short_lived { 2 } else { 3 };
        let default = SignedDuration::from_secs(lifetime.as_secs() / share);
        let wanted = self.renew_before;
        let wanted = wanted.filter(|before| !self.short_lived || *before < lifetime);
        wanted.unwrap_or(default)
    }

    /// The moment from which the certificate is due.
    ///
    /// `issued_at` is the moment of issuing, not `not_before`: AWS puts that an hour earlier. The
    /// serial number picks this certificate's share of the jitter, always the same one. Where the
    /// issuer's end has cut the lifetime so short that the jitter could take all the time that the
    /// policy leaves, it takes half of that at most.
    pub fn renew_at(
        &self,
        issued_at: Timestamp,
        path_not_after: Timestamp,
        serial: &SerialNumber,
    ) -> Timestamp {
        let lifetime = path_not_after.duration_since(issued_at);
        let before = self.before(lifetime).as_secs();
        let quiet = lifetime.as_secs().saturating_sub(before).max(0);
        let jitter = self.jitter.as_secs().max(0);
        let jitter = if jitter < quiet { jitter } else { quiet / 2 };
        let early = before.saturating_add(share_of(jitter, serial));
        at_second(path_not_after.as_second().saturating_sub(early))
    }
}

/// Keeps a plan true that was made shortly before a renewal is due and is applied shortly after.
///
/// A read writes it, a constant for one `renew_at`; while it holds nothing is due, so that planning
/// again at apply answers as it did before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The moment that is put off.
    pub renew_at: Timestamp,
    /// How long it is put off.
    pub until: Timestamp,
}

impl Hold {
    /// The hold that a read at `now` leaves behind: one within the window before `renew_at`, else
    /// none.
    pub fn after_read(
        now: Timestamp,
        renew_at: Timestamp,
        path_not_after: Timestamp,
    ) -> Option<Self> {
        let window = window(renew_at, path_not_after);
        let renew = renew_at.as_second();
        let opens = at_second(renew.saturating_sub(window));
        let until = at_second(renew.saturating_add(window));
        (opens <= now && now < renew_at).then_some(Self { renew_at, until })
    }
}

/// Whether renewal is due at `now`; a hold for another moment than `renew_at` counts for nothing.
pub fn due(now: Timestamp, renew_at: Timestamp, hold: Option<&Hold>) -> bool {
    let held = hold.filter(|hold| hold.renew_at == renew_at);
    now >= held.map_or(renew_at, |hold| hold.until.max(renew_at))
}

const LONGEST_HOLD: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Seconds: a quarter of the time between renewal and end, a week at most.
fn window(renew_at: Timestamp, path_not_after: Timestamp) -> i64 {
    let left = path_not_after.duration_since(renew_at).as_secs();
    (left / 4).clamp(0, LONGEST_HOLD.as_secs())
}

/// A share of `seconds` that looks random and is fixed by the serial number.
fn share_of(seconds: i64, serial: &SerialNumber) -> i64 {
    let digest = Fingerprint::of(serial.magnitude());
    let [a, b, c, d, ..] = *digest.as_bytes();
    let share = (i128::from(seconds) * i128::from(u32::from_be_bytes([a, b, c, d]))) >> 32;
    // The share of an i64 is one.
    i64::try_from(share).unwrap_or(seconds)
}

/// Beyond what time can be written (the years -9999 to 9999) the end of it is taken.
fn at_second(second: i64) -> Timestamp {
    let end = if second < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Timestamp::from_second(second).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: i64 = 86_400;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn days(days: i64) -> SignedDuration {
        SignedDuration::from_secs(days * DAY)
    }

    fn serial(number: u32) -> SerialNumber {
        SerialNumber::from_integer(&i64::from(number).to_be_bytes())
    }

    const PLAIN: RenewalPolicy = RenewalPolicy {
        renew_before: None,
        short_lived: false,
        jitter: SignedDuration::ZERO,
    };

    #[test]
    fn a_certificate_ends_strictly_before_its_issuer() {
        let now = time("2026-01-01T12:00:00.7Z");
        let end = |issuer: &str, clamp| not_after(now, days(90), time(issuer), clamp);
        // 31 + 28 + 31 days after the first of January
        let wanted = time("2026-04-01T12:00:00Z");
        assert_eq!(end("2027-01-01T00:00:00Z", false), Ok(wanted));
        assert_eq!(end("2026-04-01T12:00:01Z", false), Ok(wanted));
        let issuer_not_after = wanted;
        let beyond = BeyondIssuer {
            wanted,
            issuer_not_after,
        };
        assert_eq!(end("2026-04-01T12:00:00Z", false), Err(beyond));
        assert_eq!(
            beyond.to_string(),
            "the certificate would end at 2026-04-01T12:00:00Z, expected an end before its \
             issuer's at 2026-04-01T12:00:00Z"
        );
        assert_eq!(
            end("2026-04-01T12:00:00Z", true),
            Ok(time("2026-04-01T11:59:59Z"))
        );
        assert_eq!(
            end("2026-01-20T00:00:00Z", true),
            Ok(time("2026-01-19T23:59:59Z"))
        );
    }

    #[test]
    fn nothing_is_clamped_to_an_end_that_is_past() {
        let now = time("2026-01-01T12:00:00Z");
        for issuer in ["2026-01-01T12:00:01Z", "2025-12-01T00:00:00Z"] {
            assert!(
                not_after(now, days(1), time(issuer), true).is_err(),
                "{issuer}"
            );
        }
        let soon = time("2026-01-01T12:00:02Z");
        assert_eq!(
            not_after(now, days(1), soon, true),
            Ok(time("2026-01-01T12:00:01Z"))
        );
    }

    #[test]
    fn only_a_later_end_is_worth_a_renewal() {
        assert!(outlives(at(11), at(10)));
        assert!(!outlives(at(10), at(10)) && !outlives(at(9), at(10)));
    }

    #[test]
    fn renewal_comes_a_third_before_the_end_or_half_or_as_the_user_says() {
        let (issued, end) = (time("2026-01-01T00:00:00Z"), time("2026-04-01T00:00:00Z"));
        let renew_at = |policy: RenewalPolicy| policy.renew_at(issued, end, &serial(7)).to_string();
        assert_eq!(renew_at(PLAIN), "2026-03-02T00:00:00Z");
        assert_eq!(
            renew_at(RenewalPolicy {
                short_lived: true,
                ..PLAIN
            }),
            "2026-02-15T00:00:00Z"
        );
        let ten = RenewalPolicy {
            renew_before: Some(days(10)),
            short_lived: true,
            ..PLAIN
        };
        assert_eq!(renew_at(ten), "2026-03-22T00:00:00Z");
    }

    #[test]
    fn a_short_lived_certificate_is_not_due_from_its_first_day() {
        let (issued, end) = (time("2026-01-01T00:00:00Z"), time("2026-01-08T00:00:00Z"));
        for before in [days(7), days(10)] {
            let policy = RenewalPolicy {
                renew_before: Some(before),
                short_lived: true,
                ..PLAIN
            };
            let renew_at = policy.renew_at(issued, end, &serial(7));
            assert_eq!(renew_at, time("2026-01-04T12:00:00Z"));
        }
    }

    #[test]
    fn a_policy_that_leaves_nothing_is_refused_in_words() {
        let check = |renew_before: Option<i64>, jitter: i64| {
            let renew_before = renew_before.map(days);
            let policy = RenewalPolicy {
                renew_before,
                jitter: days(jitter),
                ..PLAIN
            };
            policy.check(days(90)).map_err(|fault| fault.to_string())
        };
        assert_eq!(check(Some(89), 0), Ok(()));
        assert_eq!(
            check(Some(90), 0).unwrap_err(),
            "renewal 2160h before the end leaves nothing of a validity of 2160h"
        );
        assert_eq!(check(None, 59), Ok(()));
        assert_eq!(
            check(None, 60).unwrap_err(),
            "a jitter of 1440h and renewal 720h before the end leave nothing of a validity of 2160h"
        );
    }

    #[test]
    fn jitter_spreads_a_fleet_evenly() {
        let policy = RenewalPolicy {
            jitter: days(10),
            ..PLAIN
        };
        let (issued, end) = (at(0), at(90 * DAY));
        let plain = PLAIN.renew_at(issued, end, &serial(0));
        let mut per_day = [0; 10];
        for number in 0..2000 {
            let renew_at = policy.renew_at(issued, end, &serial(number));
            assert_eq!(renew_at, policy.renew_at(issued, end, &serial(number)));
            let early = plain.duration_since(renew_at).as_secs();
            per_day[usize::try_from(early / DAY).unwrap()] += 1;
        }
        assert!(
            per_day.iter().all(|count| (140..260).contains(count)),
            "{per_day:?}"
        );
    }

    #[test]
    fn a_plan_saved_shortly_before_the_moment_holds_after_it() {
        // 30 days before the end: the window is a week, less than a quarter of them.
        let (renew_at, end) = (time("2026-03-02T00:00:00Z"), time("2026-04-01T00:00:00Z"));
        let read = |now: &str| Hold::after_read(time(now), renew_at, end);
        assert_eq!(read("2026-02-22T23:59:59Z"), None);
        let hold = read("2026-02-23T00:00:00Z").unwrap();
        assert_eq!(hold.until, time("2026-03-09T00:00:00Z"));
        assert_eq!(read("2026-03-01T23:59:59Z"), Some(hold));
        assert_eq!(read("2026-03-02T00:00:00Z"), None);
        assert!(!due(time("2026-03-08T23:59:59Z"), renew_at, Some(&hold)));
        assert!(due(time("2026-03-09T00:00:00Z"), renew_at, Some(&hold)));
        assert!(due(renew_at, renew_at, None));
        assert!(!due(time("2026-03-01T23:59:59Z"), renew_at, None));
    }

    #[test]
    fn a_short_lived_certificate_is_held_for_a_quarter_only() {
        let (renew_at, end) = (at(4 * DAY), at(8 * DAY));
        let hold = Hold::after_read(at(3 * DAY), renew_at, end).unwrap();
        assert_eq!(hold.until, at(5 * DAY));
        assert_eq!(Hold::after_read(at(3 * DAY - 1), renew_at, end), None);
    }

    #[test]
    fn a_hold_for_another_moment_counts_for_nothing() {
        let hold = Hold {
            renew_at: at(100),
            until: at(200),
        };
        assert!(due(at(60), at(50), Some(&hold)));
        assert!(!due(at(150), at(100), Some(&hold)));
        let json = serde_json::to_string(&hold).unwrap();
        assert_eq!(serde_json::from_str::<Hold>(&json).unwrap(), hold);
    }

    prop_compose! {
        fn any_policy()(
            before in prop::option::of(0i64..100 * DAY),
            short_lived: bool,
            jitter in 0i64..100 * DAY,
        ) -> RenewalPolicy {
            let renew_before = before.map(SignedDuration::from_secs);
            RenewalPolicy { renew_before, short_lived, jitter: SignedDuration::from_secs(jitter) }
        }
    }

    proptest! {
        #[test]
        fn what_the_check_lets_pass_is_not_due_when_it_is_issued(
            policy in any_policy(), validity in 10i64..400 * DAY, number: u32,
        ) {
            let validity = SignedDuration::from_secs(validity);
            prop_assume!(policy.check(validity).is_ok());
            let (issued, end) = (at(1_000_000), at(1_000_000) + validity);
            let renew_at = policy.renew_at(issued, end, &serial(number));
            prop_assert!(!due(issued, renew_at, None));
            prop_assert!(renew_at <= end);
        }

        #[test]
        fn jitter_never_makes_due_what_is_not(
            policy in any_policy(), lifetime in 10i64..400 * DAY, number: u32,
        ) {
            let (issued, end) = (at(0), at(lifetime));
            let plain = RenewalPolicy { jitter: SignedDuration::ZERO, ..policy };
            let plain = plain.renew_at(issued, end, &serial(number));
            let renew_at = policy.renew_at(issued, end, &serial(number));
            prop_assert!(renew_at <= plain);
            prop_assert!(plain <= issued || renew_at > issued);
        }

        #[test]
        fn once_due_always_due_and_late_by_the_window_at_most(
            renew in 0i64..1000, left in 0i64..1000, read in -1000i64..2000, now in -1000i64..3000,
            later in 0i64..1000,
        ) {
            let (renew_at, end) = (at(renew), at(renew + left));
            let hold = Hold::after_read(at(read), renew_at, end);
            if due(at(now), renew_at, hold.as_ref()) {
                prop_assert!(due(at(now + later), renew_at, hold.as_ref()));
            }
            prop_assert!(due(at(renew + left / 4), renew_at, hold.as_ref()));
            prop_assert!(!due(at(renew - 1), renew_at, hold.as_ref()));
            if read >= renew {
                prop_assert!(due(at(read), renew_at, hold.as_ref()));
            }
        }

        #[test]
        fn no_moment_and_no_length_make_it_panic(
            now: i64, validity: i64, issuer: i64, clamp: bool, policy in any_policy(),
        ) {
            let (now, issuer) = (at_second(now), at_second(issuer));
            let _ = not_after(now, SignedDuration::from_secs(validity), issuer, clamp);
            let renew_at = policy.renew_at(now, issuer, &serial(1));
            let _ = policy.check(SignedDuration::from_secs(validity));
            let hold = Hold::after_read(now, renew_at, issuer);
            let _ = due(now, renew_at, hold.as_ref());
        }
    }
}
