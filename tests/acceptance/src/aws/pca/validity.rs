//! From when to when a certificate holds: the five ways of saying it, and the limits.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use serde::Deserialize;

use super::super::answer::Failure;
use super::authority::{Authority, UsageMode};

/// `Validity` of a request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Period {
    #[serde(rename = "Type")]
    kind: Option<String>,
    value: Option<i64>,
}

/// The span that a certificate will have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
}

/// How far back a certificate begins unless the request says otherwise, for clocks that are behind.
pub(super) const BACKDATING: SignedDuration = SignedDuration::from_mins(60);

const SHORT_LIVED: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The term that the request asks for, if the CA may grant it.
pub(super) fn term(
    validity: Option<&Period>,
    not_before: Option<&Period>,
    authority: &Authority,
    now: Timestamp,
) -> Result<Term, Failure> {
    let not_after = end(validity.ok_or_else(|| Failure::absent("Validity"))?, now)?;
    let not_before = not_before.map_or_else(|| Ok(now - BACKDATING), start)?;
    if not_after <= now || not_after <= not_before {
        return Err(Failure::validation(
            "The certificate validity must end in the future and after it begins.",
        ));
    }
    if not_after >= authority.installed.not_after {
        return Err(Failure::validation(
            "The certificate validity specified exceeds the certificate authority validity.",
        ));
    }
    if authority.usage_mode == UsageMode::ShortLivedCertificate
        && not_after.duration_since(now) > SHORT_LIVED
    {
        return Err(Failure::validation(
            "The certificate validity specified exceeds the 7 days that a certificate authority in \
             short-lived certificate mode can issue.",
        ));
    }
    Ok(Term {
        not_before,
        not_after,
    })
}

/// Only a moment will do for the beginning.
fn start(period: &Period) -> Result<Timestamp, Failure> {
    match period.parts()? {
        ("ABSOLUTE", seconds) => moment(seconds),
        _ => Err(Failure::validation(
            "ValidityNotBefore must be of type ABSOLUTE.",
        )),
    }
}

fn end(period: &Period, now: Timestamp) -> Result<Timestamp, Failure> {
    let later = |span: Result<Span, jiff::Error>| {
        let moved = span.and_then(|span| now.to_zoned(TimeZone::UTC).checked_add(span));
        moved
            .map(|end| end.timestamp())
            .map_err(|_| beyond_calendar())
    };
    match period.parts()? {
        ("DAYS", days) => later(Span::new().try_days(days)),
        ("MONTHS", months) => later(Span::new().try_months(months)),
        ("YEARS", years) => later(Span::new().try_years(years)),
        ("ABSOLUTE", seconds) => moment(seconds),
        ("END_DATE", digits) => date(digits),
        (other, _) => Err(Failure::unfit(
            "validity.type",
            other,
            "satisfy enum value set: [END_DATE, ABSOLUTE, DAYS, MONTHS, YEARS]",
        )),
    }
}

impl Period {
    fn parts(&self) -> Result<(&str, i64), Failure> {
        let kind = self
            .kind
            .as_deref()
            .ok_or_else(|| Failure::absent("validity.type"))?;
        let value = self
            .value
            .ok_or_else(|| Failure::absent("validity.value"))?;
        if value < 1 {
            return Err(Failure::unfit(
                "validity.value",
                &value.to_string(),
                "have value greater than or equal to 1",
            ));
        }
        Ok((kind, value))
    }
}

fn moment(seconds: i64) -> Result<Timestamp, Failure> {
    Timestamp::from_second(seconds).map_err(|_| beyond_calendar())
}

/// `YYMMDDHHMMSS` or `YYYYMMDDHHMMSS` as a number, which has lost its leading zeros. Two-digit
/// years are those of UTCTime (RFC 5280 §4.1.2.5.1): from 50 on in the last century.
fn date(digits: i64) -> Result<Timestamp, Failure> {
    let text = if digits < 1_000_000_000_000 {
        format!("{digits:012}")
    } else {
        format!("{digits:014}")
    };
    let (years, rest) = text.split_at(text.len() - 10);
    let year: i16 = years.parse().map_err(|_| beyond_calendar())?;
    let year = match years.len() {
        2 if year >= 50 => 1900 + year,
        2 => 2000 + year,
        _ => year,
    };
    let field = |at: usize| {
        rest[at..at + 2]
            .parse::<i8>()
            .map_err(|_| beyond_calendar())
    };
    let date = DateTime::new(
        year,
        field(0)?,
        field(2)?,
        field(4)?,
        field(6)?,
        field(8)?,
        0,
    );
    let zoned = date.and_then(|date| date.to_zoned(TimeZone::UTC));
    zoned
        .map(|zoned| zoned.timestamp())
        .map_err(|_| Failure::validation(format!("The end date {digits} is not a date.")))
}

fn beyond_calendar() -> Failure {
    Failure::validation("The certificate validity specified is beyond what a date can say.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(kind: &str, value: i64) -> Result<String, String> {
        let period = Period {
            kind: Some(kind.to_owned()),
            value: Some(value),
        };
        let now = "2026-01-31T12:00:00Z".parse().unwrap();
        end(&period, now)
            .map(|end| end.to_string())
            .map_err(|failure| failure.code)
    }

    #[test]
    fn each_type_of_validity_ends_when_its_page_says() {
        assert_eq!(ends("DAYS", 90).unwrap(), "2026-05-01T12:00:00Z");
        assert_eq!(ends("MONTHS", 1).unwrap(), "2026-02-28T12:00:00Z");
        assert_eq!(ends("YEARS", 2).unwrap(), "2028-01-31T12:00:00Z");
        assert_eq!(
            ends("ABSOLUTE", 2_524_608_000).unwrap(),
            "2050-01-01T00:00:00Z"
        );
        assert_eq!(
            ends("END_DATE", 491_231_235_959).unwrap(),
            "2049-12-31T23:59:59Z"
        );
        assert_eq!(
            ends("END_DATE", 500_101_000_000).unwrap(),
            "1950-01-01T00:00:00Z"
        );
        assert_eq!(
            ends("END_DATE", 20_501_231_235_959).unwrap(),
            "2050-12-31T23:59:59Z"
        );
        assert_eq!(
            ends("END_DATE", 60_101_000_000).unwrap(),
            "2006-01-01T00:00:00Z"
        );
    }

    #[test]
    fn a_validity_that_is_no_date_is_refused_and_nothing_panics() {
        for (kind, value) in [
            ("DAYS", 0),
            ("DAYS", -1),
            ("DAYS", i64::MAX),
            ("MONTHS", i64::MAX),
            ("YEARS", 100_000),
            ("ABSOLUTE", i64::MAX),
            ("END_DATE", i64::MAX),
            ("END_DATE", 491_332_000_000),
            ("HOURS", 5),
        ] {
            assert_eq!(
                ends(kind, value).unwrap_err(),
                "ValidationException",
                "{kind} {value}"
            );
        }
    }
}
