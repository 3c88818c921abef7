//! The few shapes of DER that are put together by hand.

use jiff::Timestamp;
use x509_cert::der::asn1::{Any, BitString, GeneralizedTime, UtcTime};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{DateTime, Encode, Tag, TagNumber};

/// The first year that RFC 5280 §4.1.2.5 has in GeneralizedTime.
const FIRST_GENERALIZED_YEAR: u16 = 2050;

/// `SEQUENCE { parts }`, each part already DER.
pub(crate) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tagged(Tag::Sequence, parts.concat())
}

/// `[number] EXPLICIT inner`.
pub(crate) fn explicit(number: u32, inner: Vec<u8>) -> Vec<u8> {
    tagged(
        Tag::ContextSpecific {
            constructed: true,
            number: TagNumber(number),
        },
        inner,
    )
}

/// `AlgorithmIdentifier`, with `parameters` already DER or absent.
pub(crate) fn algorithm(oid: ObjectIdentifier, parameters: Option<Vec<u8>>) -> Vec<u8> {
    sequence(&[der(&oid), parameters.unwrap_or_default()])
}

/// A bit string of whole bytes.
pub(crate) fn bits(bytes: &[u8]) -> Vec<u8> {
    der(&BitString::from_bytes(bytes)
        .expect("what is encoded here is far below DER's limit of 256 MiB"))
}

/// `Time` by RFC 5280: UTCTime through 2049, GeneralizedTime from 2050 on; whole seconds. Moments
/// before 1970 become 1970.
pub(crate) fn time(moment: Timestamp) -> Vec<u8> {
    let seconds = u64::try_from(moment.as_second()).unwrap_or(0);
    let date = DateTime::from_unix_duration(std::time::Duration::from_secs(seconds))
        .expect("a timestamp ends before the year 10000, as DER's does");
    if date.year() < FIRST_GENERALIZED_YEAR {
        der(&UtcTime::from_date_time(date).expect("the year is between 1970 and 2049"))
    } else {
        der(&GeneralizedTime::from_date_time(date))
    }
}

/// The DER of a value that was decoded or built as one, and so can be encoded.
pub(crate) fn der(value: &impl Encode) -> Vec<u8> {
    value
        .to_der()
        .expect("what is encoded here is far below DER's limit of 256 MiB")
}

fn tagged(tag: Tag, content: Vec<u8>) -> Vec<u8> {
    der(&Any::new(tag, content).expect("what is encoded here is far below DER's limit of 256 MiB"))
}
