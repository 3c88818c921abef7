//! Until when a CA can issue: nothing below a certificate serves longer than it does.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::chain::Chain;
use super::validity::outlives;

/// What ends first of a CA and those above it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Horizon {
    /// Subject of the certificate that ends first.
    pub subject: String,
    /// Its end.
    pub ends: Timestamp,
    /// The latest end of a path below the CA. AWS Private CA issues nothing that ends with the CA
    /// itself: a second before is the last.
    pub latest: Timestamp,
}

impl Horizon {
    /// Of a CA with the path above it.
    pub fn of(authority: &Chain) -> Self {
        let first = authority
            .path()
            .iter()
            .min_by_key(|certificate| certificate.not_after())
            .unwrap_or_else(|| authority.certificate());
        let own = authority.certificate().not_after();
        let own = own.saturating_sub(SignedDuration::from_secs(1));
        Self {
            subject: first.subject().to_string(),
            ends: first.not_after(),
            latest: own.map_or(Timestamp::MIN, |own| own.min(authority.path_not_after())),
        }
    }

    /// Whether nothing that the CA issues would outlive a path that ends at `end`.
    pub fn is_reached_by(&self, end: Timestamp) -> bool {
        !outlives(self.latest, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::testing::{Ca, DAY, START, Spec};

    fn day(day: i64) -> Timestamp {
        Timestamp::from_second(START + day * DAY).expect("a moment")
    }

    fn horizon(root_days: i64, days: i64) -> Horizon {
        let root = Ca::root(Spec::ca("root").days(root_days));
        let ca = root.sign(Spec::ca("authority").path_length(1).days(days));
        let chain = Chain::assemble(ca.certificate, vec![root.certificate]);
        Horizon::of(&chain.expect("a chain"))
    }

    #[test]
    fn a_ca_issues_until_the_second_before_its_own_end() {
        let horizon = horizon(3650, 30);
        assert_eq!(horizon.subject, "CN=authority");
        assert_eq!(horizon.ends, day(30));
        let last = day(30) - SignedDuration::from_secs(1);
        assert_eq!(horizon.latest, last);
        assert!(horizon.is_reached_by(last) && horizon.is_reached_by(day(30)));
        assert!(!horizon.is_reached_by(last - SignedDuration::from_secs(1)));
    }

    #[test]
    fn a_root_that_ends_before_its_ca_takes_all_below_with_it() {
        let horizon = horizon(20, 30);
        assert_eq!(horizon.subject, "CN=root");
        assert_eq!((horizon.ends, horizon.latest), (day(20), day(20)));
        assert!(horizon.is_reached_by(day(20)));
        assert!(!horizon.is_reached_by(day(19)));
    }
}
