//! Spans of time as users write them: `"90d"`, `"720h"`, `"36h30m"`.

use std::fmt;
use std::str::FromStr;
use std::time;

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A span of time that is not negative, of whole seconds.
///
/// Written as numbers with a unit each, in falling order: `d` (24 hours), `h`, `m`, `s`. A bare
/// `0` needs no unit. Two are equal when they are equally long: `"1d"` is `"24h"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(u64);

/// Longer than any certificate lives, and far from overflowing a calendar.
const MAX_SECONDS: u64 = 100 * 365 * 86_400;

const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

impl Duration {
    /// Nothing at all.
    pub const ZERO: Self = Self(0);

    /// So many days of 24 hours.
    pub const fn days(days: u32) -> Self {
        Self(days as u64 * 86_400)
    }

    /// For calculations with timestamps.
    pub fn signed(self) -> SignedDuration {
        SignedDuration::from_secs(self.0.cast_signed())
    }

    /// For timers.
    pub fn unsigned(self) -> time::Duration {
        time::Duration::from_secs(self.0)
    }
}

/// Why a text is no span of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no duration: write numbers with the units d, h, m or s, such as \"90d\", \"720h\" or \"36h30m\""
)]
pub struct NoDuration {
    text: String,
}

impl FromStr for Duration {
    type Err = NoDuration;

    fn from_str(text: &str) -> Result<Self, NoDuration> {
        seconds(text).map(Self).ok_or_else(|| NoDuration {
            text: text.to_owned(),
        })
    }
}

fn seconds(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let mut rest = text;
    let mut total = 0_u64;
    for (unit, length) in UNITS {
        let Some((count, after)) = rest.split_once(unit) else {
            continue;
        };
        if count.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        total = total.checked_add(count.parse::<u64>().ok()?.checked_mul(length)?)?;
        rest = after;
    }
    (rest.is_empty() && !text.is_empty() && total <= MAX_SECONDS).then_some(total)
}

/// In the largest units: `1d12h`.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        for (unit, length) in UNITS {
            if rest >= length {
                write!(f, "{}{unit}", rest / length)?;
                rest %= length;
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_users_write_is_understood() {
        for (text, seconds) in [
            ("90d", 7_776_000),
            ("720h", 2_592_000),
            ("36h30m", 131_400),
            ("0", 0),
            ("1d1s", 86_401),
            ("5m", 300),
        ] {
            assert_eq!(text.parse(), Ok(Duration(seconds)), "{text}");
        }
        assert_eq!("1d".parse::<Duration>(), "24h".parse());
    }

    #[test]
    fn anything_else_is_refused_with_an_example() {
        for text in [
            "",
            "90",
            "d",
            "-1d",
            "1.5h",
            "1h1d",
            "1d ",
            "1y",
            "5m5m",
            "99999999999999999999d",
            "36501d",
        ] {
            let error = text.parse::<Duration>().expect_err(text);
            assert!(error.to_string().contains("\"90d\""), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_understood_again(seconds in 0..=MAX_SECONDS) {
            prop_assert_eq!(Duration(seconds).to_string().parse(), Ok(Duration(seconds)));
        }

        #[test]
        fn no_text_panics(text in "[0-9dhms. -]{0,30}") {
            let _ = text.parse::<Duration>();
        }
    }
}
