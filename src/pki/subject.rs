//! The subject of a certificate and its alternative names: every value of every list, in order.

use std::net::IpAddr;
use std::slice;

use serde::{Deserialize, Serialize};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::oid::db::rfc4519::{
    COMMON_NAME, COUNTRY_NAME, LOCALITY_NAME, ORGANIZATION_NAME, ORGANIZATIONAL_UNIT_NAME,
    POSTAL_CODE, SERIAL_NUMBER, ST, STREET,
};

use super::field::{Field, InvalidValue, parse_ip_address};

/// A subject as it is written, nothing checked yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SubjectValues {
    /// CN, the one value that a subject must have.
    pub common_name: String,
    /// O.
    pub organization: Vec<String>,
    /// OU.
    pub organizational_unit: Vec<String>,
    /// C, two letters each.
    pub country: Vec<String>,
    /// ST.
    pub province: Vec<String>,
    /// L.
    pub locality: Vec<String>,
    /// street.
    pub street_address: Vec<String>,
    /// postalCode.
    pub postal_code: Vec<String>,
    /// serialNumber, part of the name.
    pub serial_number: Option<String>,
}

impl SubjectValues {
    /// Field by field in the order of encoding, as authorities write it: from the country down to
    /// the name itself.
    fn in_order(&self) -> [(Field, ObjectIdentifier, &[String]); 9] {
        [
            (Field::Country, COUNTRY_NAME, &self.country),
            (Field::Province, ST, &self.province),
            (Field::Locality, LOCALITY_NAME, &self.locality),
            (Field::StreetAddress, STREET, &self.street_address),
            (Field::PostalCode, POSTAL_CODE, &self.postal_code),
            (Field::Organization, ORGANIZATION_NAME, &self.organization),
            (
                Field::OrganizationalUnit,
                ORGANIZATIONAL_UNIT_NAME,
                &self.organizational_unit,
            ),
            (
                Field::SerialNumber,
                SERIAL_NUMBER,
                self.serial_number.as_slice(),
            ),
            (
                Field::CommonName,
                COMMON_NAME,
                slice::from_ref(&self.common_name),
            ),
        ]
    }
}

/// A subject whose every value can be encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject(SubjectValues);

impl Subject {
    /// Checks every value and names all that are wrong, not only the first.
    pub fn new(values: SubjectValues) -> Result<Self, Vec<InvalidValue>> {
        let mut faults = Vec::new();
        for (field, _, values) in values.in_order() {
            field.check_all(values, &mut faults);
        }
        if faults.is_empty() {
            Ok(Self(values))
        } else {
            Err(faults)
        }
    }

    /// The values as they were written.
    pub fn values(&self) -> &SubjectValues {
        &self.0
    }

    /// Every single value with its attribute type, in the order of encoding.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (ObjectIdentifier, &str)> {
        let in_order = self.0.in_order().into_iter();
        in_order.flat_map(|(_, oid, values)| values.iter().map(move |value| (oid, value.as_str())))
    }
}

/// Alternative names as they are written, nothing checked yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AlternativeNameValues {
    /// Host names.
    pub dns_names: Vec<String>,
    /// E-mail addresses.
    pub email_addresses: Vec<String>,
    /// IPv4 and IPv6 addresses.
    pub ip_addresses: Vec<String>,
    /// URIs, SPIFFE ids among them.
    pub uris: Vec<String>,
}

/// Alternative names that can all be encoded; may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlternativeNames {
    pub(super) dns_names: Vec<String>,
    pub(super) email_addresses: Vec<String>,
    pub(super) ip_addresses: Vec<IpAddr>,
    pub(super) uris: Vec<String>,
}

impl AlternativeNames {
    /// Checks every value and names all that are wrong, not only the first.
    pub fn new(values: AlternativeNameValues) -> Result<Self, Vec<InvalidValue>> {
        let mut faults = Vec::new();
        Field::DnsNames.check_all(&values.dns_names, &mut faults);
        Field::EmailAddresses.check_all(&values.email_addresses, &mut faults);
        Field::IpAddresses.check_all(&values.ip_addresses, &mut faults);
        Field::Uris.check_all(&values.uris, &mut faults);
        if !faults.is_empty() {
            return Err(faults);
        }
        let AlternativeNameValues {
            dns_names,
            email_addresses,
            ip_addresses,
            uris,
        } = values;
        let ip_addresses = ip_addresses
            .iter()
            .filter_map(|a| parse_ip_address(a).ok())
            .collect();
        Ok(Self {
            dns_names,
            email_addresses,
            ip_addresses,
            uris,
        })
    }

    /// Whether there is no name at all, so that the extension is left out.
    pub fn is_empty(&self) -> bool {
        let Self {
            dns_names,
            email_addresses,
            ip_addresses,
            uris,
        } = self;
        [dns_names, email_addresses, uris]
            .iter()
            .all(|names| names.is_empty())
            && ip_addresses.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_value_is_named_with_its_place() {
        let values = SubjectValues {
            organizational_unit: vec!["fine".to_owned(), String::new()],
            country: vec!["Germany".to_owned()],
            ..SubjectValues::default()
        };
        let faults = Subject::new(values).unwrap_err();
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            faults,
            [
                "country[0] is no country code, expected two letters (ISO 3166)",
                "organizational_unit[1] is empty",
                "common_name is empty",
            ]
        );
        let names = AlternativeNameValues {
            dns_names: vec!["fine".to_owned(), "10.0.0.1".to_owned()],
            ip_addresses: vec!["host".to_owned()],
            ..AlternativeNameValues::default()
        };
        let faults = AlternativeNames::new(names).unwrap_err();
        let places: Vec<_> = faults
            .iter()
            .map(|it| (it.field.name(), it.index))
            .collect();
        assert_eq!(places, [("dns_names", 1), ("ip_addresses", 0)]);
        assert!(
            AlternativeNames::new(AlternativeNameValues::default())
                .unwrap()
                .is_empty()
        );
    }
}
