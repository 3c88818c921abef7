//! Numbers without loss: the host computes with 512 bits, so neither `f64` nor `i64` can carry them.

use std::fmt;
use std::hash::{Hash, Hasher};

/// A decimal number of any size, equal to another one when their values are equal.
///
/// It remembers the form in which it came, so that what is echoed is what was received.
#[derive(Clone)]
pub struct Number(Form);

#[derive(Clone)]
enum Form {
    Integer(i128),
    Float(f64),
    /// Validated by [`Canonical::parse`].
    Decimal(String),
}

/// What a decoder or an encoder meets.
pub(in crate::terraform) enum View<'a> {
    Integer(i128),
    Float(f64),
    Decimal(&'a str),
}

impl Number {
    /// A number from its decimal text: digits, an optional fraction, an optional exponent.
    ///
    /// Returns nothing where the text is anything else.
    pub fn parse(text: &str) -> Option<Self> {
        Canonical::parse(text)?;
        let integer = text.parse::<i64>().ok().map(i128::from);
        Some(Self(integer.map_or_else(
            || Form::Decimal(text.to_owned()),
            Form::Integer,
        )))
    }

    /// A number from the host's 64-bit float form; not-a-number is none.
    pub(in crate::terraform) fn from_f64(value: f64) -> Option<Self> {
        (!value.is_nan()).then_some(Self(Form::Float(value)))
    }

    /// The value as a whole number, where it is one that fits.
    pub fn as_integer(&self) -> Option<i128> {
        if let Form::Integer(value) = self.0 {
            return Some(value);
        }
        let Canonical {
            negative,
            digits,
            exponent,
        } = self.canonical()?;
        if digits.is_empty() {
            return Some(0);
        }
        let zeros = usize::try_from(exponent)
            .ok()
            .filter(|zeros| digits.len() + zeros < 39)?;
        let sign = if negative { "-" } else { "" };
        format!("{sign}{digits}{}", "0".repeat(zeros)).parse().ok()
    }

    /// The nearest 64-bit float.
    pub fn as_f64(&self) -> f64 {
        match &self.0 {
            #[expect(
                clippy::cast_precision_loss,
                reason = "the nearest one is what is asked for"
            )]
            Form::Integer(value) => *value as f64,
            Form::Float(value) => *value,
            Form::Decimal(text) => text.parse().unwrap_or(f64::NAN),
        }
    }

    pub(in crate::terraform) fn view(&self) -> View<'_> {
        match &self.0 {
            Form::Integer(value) => View::Integer(*value),
            Form::Float(value) => View::Float(*value),
            Form::Decimal(text) => View::Decimal(text),
        }
    }

    /// Nothing for the two infinities.
    fn canonical(&self) -> Option<Canonical> {
        Canonical::parse(&self.to_string())
    }
}

impl From<i128> for Number {
    fn from(value: i128) -> Self {
        Self(Form::Integer(value))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Integer(value) => value.fmt(f),
            Form::Float(value) => write!(f, "{value:e}"),
            Form::Decimal(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        match (self.canonical(), other.canonical()) {
            (Some(one), Some(two)) => one == two,
            _ => self.as_f64() == other.as_f64(),
        }
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.canonical().hash(state);
    }
}

/// A value written in one way only: significant digits without zeros at either end, times ten to
/// the exponent. Zero has no digits.
#[derive(PartialEq, Eq, Hash)]
struct Canonical {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Canonical {
    fn parse(text: &str) -> Option<Self> {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            // Far beyond what the host can hold, and far from overflow in what follows.
            Some((mantissa, exponent)) => (mantissa, i64::from(exponent.parse::<i32>().ok()?)),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty()
            || !all_digits(whole)
            || !all_digits(fraction)
            || mantissa.ends_with('.')
        {
            return None;
        }
        let digits = format!("{whole}{fraction}");
        let significant = digits.trim_end_matches('0');
        let dropped = i64::try_from(digits.len() - significant.len()).ok()?;
        let exponent = exponent - i64::try_from(fraction.len()).ok()? + dropped;
        let significant = significant.trim_start_matches('0');
        if significant.is_empty() {
            return Some(Self {
                negative: false,
                digits: String::new(),
                exponent: 0,
            });
        }
        Some(Self {
            negative: text.starts_with('-'),
            digits: significant.to_owned(),
            exponent,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn number(text: &str) -> Number {
        Number::parse(text).expect("a number")
    }

    #[test]
    fn equal_values_are_equal_however_they_are_written() {
        for (one, two) in [
            ("1", "1.0"),
            ("100", "1e2"),
            ("0.5", "5E-1"),
            ("-0", "0"),
            ("+7", "7"),
            ("0e9", "0"),
        ] {
            assert_eq!(number(one), number(two), "{one} and {two}");
        }
        assert_eq!(Number::from_f64(0.5), Number::parse("0.5"));
        assert_eq!(
            Number::from_f64(1e20),
            Number::parse("100000000000000000000")
        );
        assert_ne!(
            number("0.12345678901234567890123"),
            number("0.12345678901234568")
        );
        assert_ne!(number("9007199254740993"), number("9007199254740992"));
    }

    #[test]
    fn what_is_no_decimal_number_is_refused() {
        for text in [
            "",
            "-",
            "1.",
            ".5",
            "1e",
            "1e99999999999",
            "0x10",
            "NaN",
            "inf",
            "1_000",
            " 1",
            "--1",
        ] {
            assert!(Number::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn whole_numbers_are_recognised_in_every_form() {
        assert_eq!(number("1e3").as_integer(), Some(1000));
        assert_eq!(number("-2.0").as_integer(), Some(-2));
        assert_eq!(number("2.5").as_integer(), None);
        assert_eq!(number("1e300").as_integer(), None);
        assert_eq!(
            Number::from_f64(f64::INFINITY).and_then(|number| number.as_integer()),
            None
        );
        assert_eq!(number("0.0").as_integer(), Some(0));
    }
}
