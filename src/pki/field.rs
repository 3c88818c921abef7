//! The single values of names, as somebody writes them, judged one by one.

use std::fmt;
use std::net::IpAddr;

/// The values that a subject or its alternative names can have, in the words of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// CN.
    CommonName,
    /// O.
    Organization,
    /// OU.
    OrganizationalUnit,
    /// C.
    Country,
    /// ST.
    Province,
    /// L.
    Locality,
    /// street.
    StreetAddress,
    /// postalCode.
    PostalCode,
    /// serialNumber, which is part of the name and not the certificate's serial number.
    SerialNumber,
    /// dNSName.
    DnsNames,
    /// rfc822Name.
    EmailAddresses,
    /// iPAddress.
    IpAddresses,
    /// uniformResourceIdentifier.
    Uris,
}

/// What is wrong with one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Nothing is there.
    #[error("is empty")]
    Empty,
    /// More characters than X.520 allows for this attribute.
    #[error("has {got} characters, expected at most {most}")]
    TooLong {
        /// Characters given.
        got: usize,
        /// The upper bound of RFC 5280, appendix A.1.
        most: usize,
    },
    /// Blanks around a value are never meant, and no display shows them.
    #[error("begins or ends with a blank")]
    Blank,
    /// A tab, a line end or another control character.
    #[error("contains the control character U+{code:04X}")]
    Control {
        /// Its code point.
        code: u32,
    },
    /// Not two letters.
    #[error("is no country code, expected two letters (ISO 3166)")]
    NotACountry,
    /// A letter outside PrintableString (X.680 §41.4).
    #[error("contains {letter:?}, expected letters, digits, blanks and '()+,-./:=? only")]
    NotPrintable {
        /// The first such letter.
        letter: char,
    },
    /// A letter outside ASCII, where the encoding has only that (IA5String).
    #[error(
        "contains {letter:?}, expected ASCII (internationalised names in their xn-- or % form)"
    )]
    NotAscii {
        /// The first such letter.
        letter: char,
    },
    /// A scheme or a path, where only a host is expected.
    #[error("is a URL, expected the host alone; a URL belongs into uris")]
    UrlNotHost,
    /// An address, where a name is expected.
    #[error("is an IP address, which belongs into ip_addresses")]
    AddressNotHost,
    /// Not the preferred name syntax of RFC 1034 §3.5 (an underscore and a leading `*.` are
    /// allowed).
    #[error(
        "is no DNS name, expected labels of 1 to 63 letters, digits and hyphens, at most 253 in all"
    )]
    NotADnsName,
    /// Not local-part@host.
    #[error("is no e-mail address, expected local-part@host")]
    NotAnEmailAddress,
    /// Neither IPv4 nor IPv6.
    #[error("is no IP address, expected IPv4 or IPv6 without a prefix length")]
    NotAnIpAddress,
    /// RFC 5280 §4.2.1.6 wants a scheme and something after it.
    #[error("is no URI, expected a scheme, as in spiffe://cluster.local/ns/foo")]
    NotAUri,
}

/// One value that was refused, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} {problem}", place(*field, *index))]
pub struct InvalidValue {
    /// Which field.
    pub field: Field,
    /// Which of the field's values, from 0; always 0 for `common_name` and `serial_number`.
    pub index: usize,
    /// What is wrong with it.
    pub problem: Problem,
}

impl Field {
    /// The name that the configuration has for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CommonName => "common_name",
            Self::Organization => "organization",
            Self::OrganizationalUnit => "organizational_unit",
            Self::Country => "country",
            Self::Province => "province",
            Self::Locality => "locality",
            Self::StreetAddress => "street_address",
            Self::PostalCode => "postal_code",
            Self::SerialNumber => "serial_number",
            Self::DnsNames => "dns_names",
            Self::EmailAddresses => "email_addresses",
            Self::IpAddresses => "ip_addresses",
            Self::Uris => "uris",
        }
    }

    /// Whether it takes many values; `common_name` and `serial_number` take one.
    pub const fn is_list(self) -> bool {
        !matches!(self, Self::CommonName | Self::SerialNumber)
    }

    /// Judges one value by itself, also while the rest of a configuration is still unknown.
    pub fn check(self, value: &str) -> Result<(), Problem> {
        check_plain(value)?;
        match self {
            Self::Country => check_country(value),
            Self::SerialNumber => at_most(64, value).and_then(|()| check_printable(value)),
            Self::CommonName | Self::Organization | Self::OrganizationalUnit => at_most(64, value),
            Self::Province | Self::Locality | Self::StreetAddress => at_most(128, value),
            Self::PostalCode => at_most(40, value),
            Self::DnsNames => check_dns_name(value),
            Self::EmailAddresses => check_email_address(value),
            Self::IpAddresses => parse_ip_address(value).map(drop),
            Self::Uris => check_uri(value),
        }
    }

    pub(super) fn check_all(self, values: &[String], faults: &mut Vec<InvalidValue>) {
        for (index, value) in values.iter().enumerate() {
            if let Err(problem) = self.check(value) {
                faults.push(InvalidValue {
                    field: self,
                    index,
                    problem,
                });
            }
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn place(field: Field, index: usize) -> String {
    if field.is_list() {
        format!("{field}[{index}]")
    } else {
        field.to_string()
    }
}

fn check_plain(value: &str) -> Result<(), Problem> {
    if value.is_empty() {
        return Err(Problem::Empty);
    }
    if let Some(control) = value.chars().find(|letter| letter.is_control()) {
        return Err(Problem::Control {
            code: control.into(),
        });
    }
    if value.trim() != value {
        return Err(Problem::Blank);
    }
    Ok(())
}

fn at_most(most: usize, value: &str) -> Result<(), Problem> {
    let got = value.chars().count();
    if got > most {
        Err(Problem::TooLong { got, most })
    } else {
        Ok(())
    }
}

fn check_country(value: &str) -> Result<(), Problem> {
    let letters = value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_alphabetic());
    if letters {
        Ok(())
    } else {
        Err(Problem::NotACountry)
    }
}

fn check_printable(value: &str) -> Result<(), Problem> {
    let printable =
        |letter: char| letter.is_ascii_alphanumeric() || " '()+,-./:=?".contains(letter);
    match value.chars().find(|letter| !printable(*letter)) {
        Some(letter) => Err(Problem::NotPrintable { letter }),
        None => Ok(()),
    }
}

fn check_ascii(value: &str) -> Result<(), Problem> {
    match value.chars().find(|letter| !letter.is_ascii()) {
        Some(letter) => Err(Problem::NotAscii { letter }),
        None => Ok(()),
    }
}

fn check_dns_name(value: &str) -> Result<(), Problem> {
    check_ascii(value)?;
    if value.contains('/') {
        return Err(Problem::UrlNotHost);
    }
    if value.parse::<IpAddr>().is_ok() {
        return Err(Problem::AddressNotHost);
    }
    if is_host(value.strip_prefix("*.").unwrap_or(value)) && value.len() <= 253 {
        return Ok(());
    }
    Err(Problem::NotADnsName)
}

fn is_host(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    name.len() <= 253
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(inner)
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

fn check_email_address(value: &str) -> Result<(), Problem> {
    check_ascii(value)?;
    let sound = value.split_once('@').is_some_and(|(local, host)| {
        (1..=64).contains(&local.len())
            && local
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !br#"<>(),;:\"[]"#.contains(&byte))
            && is_host(host)
    });
    if sound {
        Ok(())
    } else {
        Err(Problem::NotAnEmailAddress)
    }
}

pub(super) fn parse_ip_address(value: &str) -> Result<IpAddr, Problem> {
    value.parse().map_err(|_| Problem::NotAnIpAddress)
}

fn check_uri(value: &str) -> Result<(), Problem> {
    check_ascii(value)?;
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    // RFC 3986, appendix A: what may not stand unescaped anywhere in a URI.
    let allowed = |byte: u8| byte.is_ascii_graphic() && !br#"<>"{}|\^`"#.contains(&byte);
    let sound = value.split_once(':').is_some_and(|(scheme, rest)| {
        is_scheme(scheme) && !rest.trim_matches('/').is_empty() && rest.bytes().all(allowed)
    });
    if sound { Ok(()) } else { Err(Problem::NotAUri) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn accepted(field: Field, values: &[&str]) {
        for value in values {
            assert_eq!(field.check(value), Ok(()), "{value:?}");
        }
    }

    #[track_caller]
    fn refused(field: Field, value: &str, problem: Problem) {
        assert_eq!(field.check(value), Err(problem), "{value:?}");
    }

    #[test]
    fn upper_bounds_count_characters_not_bytes() {
        let bounds = [
            (Field::CommonName, 64),
            (Field::Organization, 64),
            (Field::OrganizationalUnit, 64),
            (Field::Province, 128),
            (Field::Locality, 128),
            (Field::StreetAddress, 128),
            (Field::PostalCode, 40),
        ];
        for (field, most) in bounds {
            accepted(field, &[&"ü".repeat(most)]);
            refused(
                field,
                &"ü".repeat(most + 1),
                Problem::TooLong {
                    got: most + 1,
                    most,
                },
            );
        }
        accepted(Field::SerialNumber, &[&"7".repeat(64)]);
        refused(
            Field::SerialNumber,
            &"7".repeat(65),
            Problem::TooLong { got: 65, most: 64 },
        );
    }

    #[test]
    fn no_value_is_empty_blank_at_its_ends_or_holds_control_characters() {
        for field in [
            Field::CommonName,
            Field::Country,
            Field::DnsNames,
            Field::IpAddresses,
        ] {
            refused(field, "", Problem::Empty);
            refused(field, " x", Problem::Blank);
            refused(field, "x\u{a0}", Problem::Blank);
            refused(field, "a\nb", Problem::Control { code: 10 });
            refused(field, "a\0", Problem::Control { code: 0 });
        }
    }

    #[test]
    fn country_and_serial_number_are_printable_strings() {
        accepted(Field::Country, &["DE", "US"]);
        for value in ["D", "DEU", "D1", "ÄÖ", "ü"] {
            refused(Field::Country, value, Problem::NotACountry);
        }
        accepted(Field::SerialNumber, &["HRB 12345/A", "+1 (2):=?'.,-"]);
        refused(
            Field::SerialNumber,
            "A_1",
            Problem::NotPrintable { letter: '_' },
        );
        refused(
            Field::SerialNumber,
            "ä",
            Problem::NotPrintable { letter: 'ä' },
        );
    }

    #[test]
    fn dns_names_are_hosts() {
        let longest = [&"a".repeat(63)[..]; 4].join(".")[..253].to_owned();
        accepted(
            Field::DnsNames,
            &[
                "localhost",
                "istiod.istio-system.svc",
                "*.example.com",
                "_a.b",
                "1e",
                &longest,
            ],
        );
        refused(Field::DnsNames, "https://example.com", Problem::UrlNotHost);
        refused(Field::DnsNames, "example.com/x", Problem::UrlNotHost);
        refused(Field::DnsNames, "10.0.0.1", Problem::AddressNotHost);
        refused(Field::DnsNames, "::1", Problem::AddressNotHost);
        refused(
            Field::DnsNames,
            "bücher.example",
            Problem::NotAscii { letter: 'ü' },
        );
        let too_long = format!("{longest}a");
        let label = "a".repeat(64);
        for value in [
            "a..b", "a.", ".a", "-a", "a-", "a b", "a:80", "x.*.y", "*", "a@b", &label, &too_long,
        ] {
            refused(Field::DnsNames, value, Problem::NotADnsName);
        }
    }

    #[test]
    fn email_addresses_have_one_at_sign() {
        accepted(Field::EmailAddresses, &["mesh@example.com", "a.b+c@x"]);
        let long = format!("{}@x", "a".repeat(65));
        for value in [
            "mesh", "@x", "a@", "a@b@c", "a b@c", "A <a@b>", "a@b c", &long,
        ] {
            refused(Field::EmailAddresses, value, Problem::NotAnEmailAddress);
        }
        refused(
            Field::EmailAddresses,
            "ä@b",
            Problem::NotAscii { letter: 'ä' },
        );
    }

    #[test]
    fn addresses_are_ipv4_or_ipv6() {
        accepted(Field::IpAddresses, &["10.0.0.1", "::1", "2001:db8::7"]);
        for value in ["10.0.0.1/8", "10.0.0", "010.0.0.1", "fe80::1%eth0", "host"] {
            refused(Field::IpAddresses, value, Problem::NotAnIpAddress);
        }
    }

    #[test]
    fn uris_have_a_scheme() {
        accepted(
            Field::Uris,
            &[
                "spiffe://cluster.local/ns/foo",
                "https://a/b?c=%20#d",
                "urn:x:y",
                "a+b-c.d:e",
            ],
        );
        for value in [
            "cluster.local/ns",
            "://x",
            "1a:b",
            "a:",
            "http://",
            "http://a b",
            "a:{b}",
        ] {
            refused(Field::Uris, value, Problem::NotAUri);
        }
        refused(Field::Uris, "spiffe://ü", Problem::NotAscii { letter: 'ü' });
    }

    proptest! {
        #[test]
        fn no_text_makes_a_check_panic(value in ".{0,80}") {
            for field in [
                Field::CommonName, Field::Country, Field::SerialNumber, Field::DnsNames,
                Field::EmailAddresses, Field::IpAddresses, Field::Uris,
            ] {
                let _ = field.check(&value);
            }
        }
    }
}
