//! How bytes show in text: each reader goes over a text byte by byte and says what the last of it
//! would be a spelling of, as one number.
//!
//! A reader skips what may stand between the signs of its spelling, such as the line breaks of a
//! PEM, the colons of openssl and the `0x` of a program, and begins anew after anything else.

/// One spelling.
pub(crate) trait Reader: Default {
    /// Its name in a report.
    const NAME: &'static str;

    /// By how much the number moves on with the next sign, in the units of its windows.
    const STEP: usize;

    /// Takes the next byte of the text. A number is eight bytes of what is spelled, or as many of
    /// its bits or digits as are as telling.
    fn take(&mut self, byte: u8) -> Option<u64>;
}

/// A spelling whose signs can be told one by one.
pub(crate) trait Signs: Reader {
    /// How many signs there are in the run so far.
    fn count(&self) -> usize;

    /// The value of the last one.
    fn last(&self) -> u8;
}

/// The bytes themselves.
#[derive(Default)]
pub(crate) struct Bytes {
    last: u64,
    count: usize,
}

/// Two hexadecimal digits a byte.
#[derive(Default)]
pub(crate) struct Hex {
    /// Twice as many as are needed, so that the zero of `0x` can be taken back.
    last: u128,
    count: usize,
}

/// A list of numbers: decimal, with a sign or without.
#[derive(Default)]
pub(crate) struct Numbers {
    last: u64,
    count: usize,
    number: Option<u16>,
    negative: bool,
}

/// Base64 of either alphabet, wherever its groups begin: the last ten signs, which are sixty bits.
#[derive(Default)]
pub(crate) struct Base64 {
    last: u64,
    count: usize,
}

/// One large decimal number: its last nineteen digits, which are sixty-three bits.
#[derive(Default)]
pub(crate) struct Digits {
    last: u64,
    count: usize,
}

/// How many bytes are a find.
pub(crate) const BYTES: usize = 8;
/// How many signs of base64 eight bytes fill wholly, wherever they begin.
const SIGNS: usize = 10;
/// How many bits those are.
pub(crate) const BITS: usize = 6 * SIGNS;
/// How many digits are a find.
pub(crate) const DIGITS: usize = 19;

impl Reader for Bytes {
    const NAME: &'static str = "bytes";
    const STEP: usize = 1;

    #[inline]
    fn take(&mut self, byte: u8) -> Option<u64> {
        self.last = self.last << 8 | u64::from(byte);
        self.count += 1;
        (self.count >= BYTES).then_some(self.last)
    }
}

impl Reader for Hex {
    const NAME: &'static str = "hex";
    const STEP: usize = 1;

    #[inline]
    fn take(&mut self, byte: u8) -> Option<u64> {
        match HEX[usize::from(byte)] {
            digit @ 0..16 => {
                self.last = self.last << 4 | u128::from(digit);
                self.count += 1;
                (self.count >= 2 * BYTES).then_some(self.last as u64)
            }
            BETWEEN => None,
            _ if matches!(byte, b'x' | b'X') && self.count > 0 && self.last & 15 == 0 => {
                self.last >>= 4;
                self.count -= 1;
                None
            }
            _ => {
                self.count = 0;
                None
            }
        }
    }
}

impl Signs for Hex {
    fn count(&self) -> usize {
        self.count
    }

    fn last(&self) -> u8 {
        (self.last & 15) as u8
    }
}

impl Signs for Numbers {
    fn count(&self) -> usize {
        self.count
    }

    fn last(&self) -> u8 {
        (self.last & 255) as u8
    }
}

impl Reader for Numbers {
    const NAME: &'static str = "a list of numbers";
    const STEP: usize = 1;

    #[inline]
    fn take(&mut self, byte: u8) -> Option<u64> {
        if byte.is_ascii_digit() {
            let before = self.number.unwrap_or(0);
            self.number = Some((before * 10 + u16::from(byte - b'0')).min(999));
            return None;
        }
        let window = self.number.take().and_then(|number| self.end(number));
        if byte.is_ascii_alphabetic() {
            self.count = 0;
        }
        self.negative = byte == b'-';
        window
    }
}

impl Numbers {
    fn end(&mut self, number: u16) -> Option<u64> {
        let byte = match (self.negative, number) {
            (false, 0..256) => number,
            (true, 1..=128) => 256 - number,
            _ => {
                self.count = 0;
                return None;
            }
        };
        self.last = self.last << 8 | u64::from(byte);
        self.count += 1;
        (self.count >= BYTES).then_some(self.last)
    }
}

impl Reader for Base64 {
    const NAME: &'static str = "base64";
    const STEP: usize = 6;

    #[inline]
    fn take(&mut self, byte: u8) -> Option<u64> {
        match BASE64[usize::from(byte)] {
            sign @ 0..64 => {
                self.last = (self.last << 6 | u64::from(sign)) & ((1 << BITS) - 1);
                self.count += 1;
                (self.count >= SIGNS).then_some(self.last)
            }
            BETWEEN => None,
            _ => {
                self.count = 0;
                None
            }
        }
    }
}

impl Reader for Digits {
    const NAME: &'static str = "a large number";
    const STEP: usize = 1;

    #[inline]
    fn take(&mut self, byte: u8) -> Option<u64> {
        if byte.is_ascii_digit() {
            let rest = self.last % 10_u64.pow(DIGITS as u32 - 1);
            self.last = rest * 10 + u64::from(byte - b'0');
            self.count += 1;
            return (self.count >= DIGITS).then_some(self.last);
        }
        // Programs that print long numbers break them so.
        if !matches!(byte, b'\\' | b'\r' | b'\n') {
            self.count = 0;
        }
        None
    }
}

/// What stands between signs, and means nothing.
const BETWEEN: u8 = 254;
/// What ends a run of signs.
const END: u8 = 255;

/// What a byte is worth as a hexadecimal digit: punctuation means nothing, other letters end it.
const HEX: [u8; 256] = {
    let mut table = [BETWEEN; 256];
    let mut byte = 0;
    while byte < 256 {
        let sign = byte as u8;
        table[byte] = match sign {
            b'0'..=b'9' => sign - b'0',
            b'a'..=b'f' => sign - b'a' + 10,
            b'A'..=b'F' => sign - b'A' + 10,
            b'g'..=b'z' | b'G'..=b'Z' | 128.. => END,
            _ => BETWEEN,
        };
        byte += 1;
    }
    table
};

/// What a byte is worth as a sign of base64 of either alphabet: white space means nothing.
pub(crate) const BASE64: [u8; 256] = {
    let mut table = [END; 256];
    let mut byte = 0;
    while byte < 256 {
        let sign = byte as u8;
        table[byte] = match sign {
            b'A'..=b'Z' => sign - b'A',
            b'a'..=b'z' => sign - b'a' + 26,
            b'0'..=b'9' => sign - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b' ' | b'\t' | b'\r' | b'\n' => BETWEEN,
            _ => END,
        };
        byte += 1;
    }
    table
};
