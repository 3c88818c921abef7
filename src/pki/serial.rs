//! Serial numbers of certificates, in the two forms that people meet.

use std::fmt;

use super::fingerprint::write_hex;

/// A certificate's serial number, shown as openssl does, in lower case: whole bytes of hex, a minus
/// sign before negatives.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SerialNumber {
    negative: bool,
    /// Big-endian, without leading zeros; zero is empty.
    magnitude: Vec<u8>,
}

impl SerialNumber {
    /// Takes the content of a DER INTEGER: big-endian two's complement.
    pub(super) fn from_integer(content: &[u8]) -> Self {
        let negative = content.first().is_some_and(|first| first & 0x80 != 0);
        let mut magnitude = content.to_vec();
        if negative {
            negate(&mut magnitude);
        }
        let zeros = magnitude.iter().take_while(|byte| **byte == 0).count();
        magnitude.drain(..zeros);
        Self {
            negative,
            magnitude,
        }
    }

    /// The number in base ten, as the AWS console shows it.
    pub fn to_decimal(&self) -> String {
        let mut digits = vec![0u8];
        for byte in &self.magnitude {
            let mut carry = u32::from(*byte);
            for digit in &mut digits {
                let value = u32::from(*digit) * 256 + carry;
                *digit = (value % 10) as u8;
                carry = value / 10;
            }
            while carry > 0 {
                digits.push((carry % 10) as u8);
                carry /= 10;
            }
        }
        let sign = self.negative.then_some('-');
        sign.into_iter()
            .chain(digits.iter().rev().map(|digit| char::from(b'0' + digit)))
            .collect()
    }

    /// Whether it is below zero, which RFC 5280 §4.1.2.2 forbids and some authorities did.
    pub(super) fn is_negative(&self) -> bool {
        self.negative
    }

    /// The number's bytes without its sign, big-endian.
    pub(super) fn magnitude(&self) -> &[u8] {
        &self.magnitude
    }
}

impl fmt::Display for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        if self.magnitude.is_empty() {
            return f.write_str("00");
        }
        write_hex(f, &self.magnitude)
    }
}

/// Two's complement in place: every bit turned, then one added.
fn negate(bytes: &mut [u8]) {
    let mut carry = true;
    for byte in bytes.iter_mut().rev() {
        (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(content: &[u8], hex: &str, decimal: &str) {
        let serial = SerialNumber::from_integer(content);
        assert_eq!(
            (serial.to_string(), serial.to_decimal()),
            (hex.to_owned(), decimal.to_owned())
        );
    }

    #[test]
    fn hex_is_whole_bytes_and_decimal_is_what_the_console_shows() {
        check(&[0], "00", "0");
        check(&[5], "05", "5");
        check(&[0x01, 0x00], "0100", "256");
        check(&[0x00, 0xff], "ff", "255");
        // python3 -c 'print(0x7f3a9c0e5d1b2846a1c2e3f405162738)'
        let longest = "7f3a9c0e5d1b2846a1c2e3f405162738";
        check(
            &0x7f3a_9c0e_5d1b_2846_a1c2_e3f4_0516_2738_u128.to_be_bytes(),
            longest,
            "169116273876386717829627343270898444088",
        );
    }

    #[test]
    fn negative_numbers_have_a_sign() {
        check(&[0xff], "-01", "-1");
        check(&[0x80], "-80", "-128");
        check(&[0xfe, 0xff], "-0101", "-257");
    }

    proptest! {
        #[test]
        fn both_forms_agree_with_the_machines_own_numbers(number: i128) {
            let serial = SerialNumber::from_integer(&number.to_be_bytes());
            prop_assert_eq!(serial.to_decimal(), number.to_string());
            let hex = format!("{:x}", number.unsigned_abs());
            let even = format!("{}{hex}", "0".repeat(hex.len() % 2));
            let sign = if number < 0 { "-" } else { "" };
            prop_assert_eq!(serial.to_string(), format!("{sign}{even}"));
        }
    }
}
