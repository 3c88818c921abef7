//! Two gauges, and the release that they are of, out of a page of metrics.
//!
//! The form is Prometheus' text format: <https://prometheus.io/docs/instrumenting/exposition_formats/>. istiod registers
//! them in `security/pkg/server/ca/monitoring.go`.

use jiff::Timestamp;

use super::version::Version;

/// The ends of what an istiod has in memory, as its gauges show them. `None`: the gauge is absent, or was never set;
/// an istiod that signs by itself has none of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expiries {
    /// When the first certificate of cert-chain.pem ends.
    pub chain: Option<Timestamp>,
    /// When the first certificate of root-cert.pem ends.
    pub root: Option<Timestamp>,
    /// The release of the program that runs, where it says.
    pub version: Option<Version>,
}

/// Why a page shows no ends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotGauges {
    /// No line of it has the form of metrics.
    #[error("line {line} is neither a comment nor a sample: expected Prometheus' text format")]
    NotMetrics {
        /// Counted from one.
        line: usize,
    },
    /// A sample has no value that could be a moment.
    #[error("{gauge} is no moment: got {got:?}, expected seconds since 1970")]
    NotAMoment {
        /// The gauge's name.
        gauge: &'static str,
        /// What stands there; short.
        got: String,
    },
    /// The page says two different things.
    #[error("{gauge} is there twice, with different values")]
    Ambiguous {
        /// The gauge's name.
        gauge: &'static str,
    },
}

/// The end of the signing certificate.
const CHAIN: &str = "citadel_server_cert_chain_expiry_timestamp";

/// The end of the root.
const ROOT: &str = "citadel_server_root_cert_expiry_timestamp";

/// What was built: `istio_build{component="pilot",tag="1.24.3"} 1`.
const BUILD: &str = "istio_build";

/// A line that is no comment.
struct Sample<'a> {
    name: &'a str,
    /// What is between the braces.
    labels: &'a str,
    value: &'a str,
}

impl Expiries {
    /// Reads both gauges out of a page of metrics; every other one is passed over once it is seen to be one.
    ///
    /// # Errors
    /// When it is no such page, or says of a gauge something else than one moment.
    pub(super) fn parse(page: &str) -> Result<Self, NotGauges> {
        let mut found = Self::default();
        for (line, text) in (1..).zip(page.lines()) {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let Sample {
                name,
                labels,
                value,
            } = sample(text).ok_or(NotGauges::NotMetrics { line })?;
            let (gauge, end) = match name {
                CHAIN => (CHAIN, &mut found.chain),
                ROOT => (ROOT, &mut found.root),
                BUILD => {
                    found.version = found.version.or_else(|| of_pilot(labels));
                    continue;
                }
                _ => continue,
            };
            let told = moment(gauge, value)?;
            if end.is_some_and(|before| Some(before) != told) {
                return Err(NotGauges::Ambiguous { gauge });
            }
            *end = told;
        }
        Ok(found)
    }
}

/// A sample: `name value`, `name{label="text"} value`, either with a time behind.
fn sample(line: &str) -> Option<Sample<'_>> {
    let of_a_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    let (name, rest) = line.split_at(line.find(|c| !of_a_name(c))?);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => ("", rest),
    };
    let mut words = rest.split_ascii_whitespace();
    let value = words.next()?;
    let timed = words.next().is_none_or(|time| time.parse::<i64>().is_ok());
    let well_formed = !name.is_empty() && is_number(value) && timed && words.next().is_none();
    well_formed.then_some(Sample {
        name,
        labels,
        value,
    })
}

/// Up to the brace that ends the labels, and after it; one inside a quoted text does not.
fn labels(text: &str) -> Option<(&str, &str)> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '}' if !quoted => return Some((&text[..at], &text[at + 1..])),
            _ => {}
        }
    }
    None
}

/// The release in the labels of istiod's own build, as Istio writes them: without blanks and escapes.
fn of_pilot(labels: &str) -> Option<Version> {
    let value = |name: &str| {
        let quoted = labels.split(',').find_map(|it| it.strip_prefix(name))?;
        quoted.strip_prefix("=\"")?.strip_suffix('"')
    };
    (value("component")? == "pilot").then(|| Version::of_tag(value("tag")?))?
}

fn is_number(value: &str) -> bool {
    value.parse::<f64>().is_ok()
}

/// Zero is what a gauge shows that was registered and never set.
fn moment(gauge: &'static str, value: &str) -> Result<Option<Timestamp>, NotGauges> {
    let none = || NotGauges::NotAMoment {
        gauge,
        got: value.chars().take(LONGEST_VALUE).collect(),
    };
    let seconds: f64 = value.parse().map_err(|_| none())?;
    if seconds == 0.0 {
        return Ok(None);
    }
    let whole = seconds.fract() == 0.0 && (0.0..LAST_SECOND).contains(&seconds);
    if !whole {
        return Err(none());
    }
    // Whole and within these bounds it is exact.
    let moment = Timestamp::from_second(seconds as i64).map_err(|_| none())?;
    Ok(Some(moment))
}

/// 9999-12-31T23:59:59Z, the last moment that a certificate can name (RFC 5280, 4.1.2.5).
const LAST_SECOND: f64 = 253_402_300_800.0;

/// Enough to recognise what stands there.
const LONGEST_VALUE: usize = 40;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Taken from a real istiod 1.31 with a plugged-in CA, shortened.
    const PAGE: &str = r#"# HELP citadel_server_cert_chain_expiry_seconds The time remaining, in seconds, before cert chain will expire.
# TYPE citadel_server_cert_chain_expiry_seconds gauge
citadel_server_cert_chain_expiry_seconds 7.775998702e+06
# HELP citadel_server_cert_chain_expiry_timestamp The unix timestamp, in seconds, when cert chain will expire.
# TYPE citadel_server_cert_chain_expiry_timestamp gauge
citadel_server_cert_chain_expiry_timestamp 1.803124741e+09
# TYPE citadel_server_csr_count counter
citadel_server_csr_count 2
# HELP citadel_server_root_cert_expiry_timestamp The unix timestamp, in seconds, when root cert will expire.
# TYPE citadel_server_root_cert_expiry_timestamp gauge
citadel_server_root_cert_expiry_timestamp 2.110708741e+09
# TYPE istio_build gauge
istio_build{component="pilot",tag="1.31.0-distroless"} 1
# TYPE pilot_xds_pushes counter
pilot_xds_pushes{type="a \"}\" b",node="x{y}"} 3 1795355141000
go_gc_duration_seconds{quantile="0.5"} NaN
process_virtual_memory_max_bytes 1.8446744073709552e+19
go_bucket{le="+Inf"} +Inf
"#;

    fn at(second: i64) -> Option<Timestamp> {
        Some(Timestamp::from_second(second).unwrap())
    }

    #[test]
    fn both_ends_are_read_to_the_second_out_of_a_page_of_a_real_istiod() {
        let expected = Expiries {
            chain: at(1_803_124_741),
            root: at(2_110_708_741),
            version: Some(Version::new(1, 31, 0)),
        };
        assert_eq!(Expiries::parse(PAGE), Ok(expected));
    }

    #[test]
    fn a_gauge_that_is_not_there_or_was_never_set_tells_nothing() {
        let root_only = format!("{CHAIN} 0\n{ROOT}{{}} 2.0e9\n");
        let expected = Expiries {
            chain: None,
            root: at(2_000_000_000),
            version: None,
        };
        assert_eq!(Expiries::parse(&root_only), Ok(expected));
        assert_eq!(Expiries::parse(""), Ok(Expiries::default()));
    }

    #[test]
    fn what_is_no_moment_is_refused_and_not_rounded() {
        for got in ["NaN", "+Inf", "-1", "1.5", "1e300", "253402300800"] {
            let gauge = CHAIN;
            let refused = Expiries::parse(&format!("{CHAIN} {got}"));
            let got = got.to_owned();
            assert_eq!(refused, Err(NotGauges::NotAMoment { gauge, got }));
        }
    }

    #[test]
    fn a_page_of_something_else_is_refused_at_its_line() {
        for (page, line) in [
            ("<html>", 1),
            ("# fine\nup 1\nupstream connect error or disconnect", 3),
            ("up{job=\"x\" 1", 1),
            ("up 1 2 3", 1),
            ("up one", 1),
            ("up", 1),
            ("{a=\"b\"} 1", 1),
        ] {
            let refused = Expiries::parse(page);
            assert_eq!(refused, Err(NotGauges::NotMetrics { line }), "{page}");
        }
    }

    #[test]
    fn two_answers_are_none() {
        let twice = |second: &str| format!("{ROOT}{{a=\"1\"}} 2e9\n{ROOT}{{a=\"2\"}} {second}\n");
        let agreed = Expiries::parse(&twice("2.0e+09")).unwrap();
        assert_eq!(agreed.root, at(2_000_000_000));
        let refused = Expiries::parse(&twice("2.1e+09"));
        assert_eq!(refused, Err(NotGauges::Ambiguous { gauge: ROOT }));
    }

    #[test]
    fn only_a_release_of_istiod_itself_counts() {
        for (labels, version) in [
            (
                "component=\"pilot\",tag=\"1.24.3\"",
                Some(Version::new(1, 24, 3)),
            ),
            (
                "tag=\"1.24.3\",component=\"pilot\"",
                Some(Version::new(1, 24, 3)),
            ),
            ("component=\"proxy\",tag=\"1.24.3\"", None),
            ("component=\"pilot\",tag=\"unknown\"", None),
            ("component=\"pilot\"", None),
            ("", None),
        ] {
            let page = format!("istio_build{{{labels}}} 1\n");
            assert_eq!(Expiries::parse(&page).unwrap().version, version, "{labels}");
        }
    }

    proptest! {
        /// Go writes floats by `strconv.FormatFloat(v, 'g', -1, 64)`; Rust's `{:e}` is as short.
        #[test]
        fn every_second_comes_back_however_it_is_written(second in 1i64..253_402_300_800, exponent: bool) {
            let value = second as f64;
            let text = if exponent { format!("{value:e}") } else { value.to_string() };
            let page = format!("a 1\n{CHAIN} {text}\nb{{c=\"{ROOT} 7\"}} 2\n");
            let read = Expiries::parse(&page).unwrap();
            prop_assert_eq!(read, Expiries { chain: at(second), ..Expiries::default() });
        }

        #[test]
        fn no_page_makes_reading_panic(page: String, value: String) {
            let _ = Expiries::parse(&page);
            let _ = Expiries::parse(&format!("{CHAIN}{{{page}}} {value}"));
        }
    }
}
