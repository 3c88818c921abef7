//! Looks for secrets in bytes, however they are spelled there.

use std::collections::BTreeSet;

use crate::archives;
use crate::layers;
use crate::readers::{BITS, BYTES, Base64, Bytes, DIGITS, Digits, Hex, Numbers, Reader};
use crate::secret::{Form, Part, Secret};
use crate::windows::{Piece, Windows};

/// Secrets, laid out so that any of them is found by one walk over the bytes.
pub struct Search<'a> {
    parts: Vec<(&'a Secret, &'a Part)>,
    bytes: Windows,
    bits: Windows,
    digits: Windows,
}

/// A part of a secret that shows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// Whose it is.
    pub secret: String,
    /// Which part of it.
    pub part: &'static str,
    /// How it is spelled.
    pub spelling: &'static str,
}

/// How many times something may be encoded over: a file in gzip, in base64, in a value that is in
/// base64 in JSON.
const DEPTH: usize = 4;

impl<'a> Search<'a> {
    /// A search for all of these.
    #[must_use]
    pub fn new(secrets: &[&'a Secret]) -> Self {
        let all = secrets
            .iter()
            .flat_map(|&secret| secret.parts().iter().map(move |part| (secret, part)));
        let parts: Vec<_> = all.collect();
        let windows = |of: fn(&Part) -> Vec<(u64, usize)>| {
            let all = parts.iter().enumerate().flat_map(|(at, (_, part))| {
                let pieces = of(part).into_iter();
                pieces.map(move |(number, offset)| (number, Piece { part: at, offset }))
            });
            Windows::new(all)
        };
        Self {
            bytes: windows(runs_of_bytes),
            bits: windows(runs_of_bits),
            digits: windows(runs_of_digits),
            parts,
        }
    }

    /// What shows in these bytes, or in what they hide.
    #[must_use]
    pub fn seen_in(&self, bytes: &[u8]) -> BTreeSet<Seen> {
        let mut seen = BTreeSet::new();
        self.look(bytes, 0, &mut seen);
        seen
    }

    fn look(&self, bytes: &[u8], depth: usize, seen: &mut BTreeSet<Seen>) {
        self.read(bytes, seen);
        let plain = layers::unescaped(bytes);
        if let Some(plain) = &plain {
            self.read(plain, seen);
        }
        if depth == DEPTH {
            return;
        }
        for hidden in layers::decoded(plain.as_deref().unwrap_or(bytes)) {
            self.look(&hidden, depth + 1, seen);
        }
        for member in archives::members(bytes) {
            self.look(&member.bytes, depth + 1, seen);
        }
    }

    /// Reads the bytes as every spelling.
    fn read(&self, bytes: &[u8], seen: &mut BTreeSet<Seen>) {
        self.read_as::<Bytes>(&self.bytes, bytes, seen);
        self.read_as::<Hex>(&self.bytes, bytes, seen);
        self.read_as::<Numbers>(&self.bytes, bytes, seen);
        self.read_as::<Base64>(&self.bits, bytes, seen);
        self.read_as::<Digits>(&self.digits, bytes, seen);
    }

    fn read_as<R: Reader>(&self, windows: &Windows, bytes: &[u8], seen: &mut BTreeSet<Seen>) {
        let mut reader = R::default();
        // What the last piece may have been, and how many of its neighbours came before it.
        let mut last: Vec<(Piece, usize)> = Vec::new();
        // After the end comes a sign that ends whatever is being read.
        for byte in bytes.iter().copied().chain([b'\n']) {
            let Some(pieces) = reader.take(byte).and_then(|number| windows.find(number)) else {
                continue;
            };
            let goes_on = |piece: &Piece| {
                let before = last.iter().find(|(last, _)| {
                    last.part == piece.part && last.offset + R::STEP == piece.offset
                });
                (*piece, before.map_or(0, |(_, length)| *length) + 1)
            };
            last = pieces.iter().map(goes_on).collect();
            for (piece, length) in &last {
                let (secret, part) = self.parts[piece.part];
                if *length >= enough::<R>(part) {
                    seen.insert(Seen {
                        secret: secret.name().to_owned(),
                        part: part.what,
                        spelling: R::NAME,
                    });
                }
            }
        }
    }
}

/// How many runs in a row are the part: one of what is all random, all of what is told from other
/// text only as a whole.
fn enough<R: Reader>(part: &Part) -> usize {
    let bytes = part.bytes.len();
    match (part.form, R::STEP) {
        (Form::Number, _) => 1,
        (Form::Text, 1) => bytes - BYTES + 1,
        // The first and the last sign may be of its neighbours, too.
        (Form::Text, step) => (8 * bytes - 4 - BITS) / step + 1,
    }
}

/// Runs of eight bytes.
fn runs_of_bytes(part: &Part) -> Vec<(u64, usize)> {
    let runs = part.bytes.windows(BYTES).enumerate();
    let number = |run: &[u8]| run.iter().fold(0, |all, byte| all << 8 | u64::from(*byte));
    runs.map(|(at, run)| (number(run), at)).collect()
}

/// Runs of sixty bits from every second one on: a sign of base64 can begin at none but those.
fn runs_of_bits(part: &Part) -> Vec<(u64, usize)> {
    let bit = |at: usize| u64::from(part.bytes[at / 8] >> (7 - at % 8) & 1);
    let begins = (0..=8 * part.bytes.len() - BITS).step_by(2);
    let number = |at: usize| (at..at + BITS).fold(0, |all, next| all << 1 | bit(next));
    begins.map(|at| (number(at), at)).collect()
}

/// Runs of digits of the whole number.
fn runs_of_digits(part: &Part) -> Vec<(u64, usize)> {
    let Form::Number = part.form else {
        return Vec::new();
    };
    let digits = decimal(&part.bytes);
    let runs = digits.windows(DIGITS).enumerate();
    let number = |run: &[u8]| {
        run.iter()
            .fold(0, |all, digit| all * 10 + u64::from(*digit))
    };
    runs.map(|(at, run)| (number(run), at)).collect()
}

/// The decimal digits of a big-endian number, the highest first.
fn decimal(bytes: &[u8]) -> Vec<u8> {
    // From the lowest on, nine digits each.
    let mut groups: Vec<u64> = Vec::new();
    for byte in bytes {
        let mut carry = u64::from(*byte);
        for group in &mut groups {
            let value = 256 * *group + carry;
            *group = value % 1_000_000_000;
            carry = value / 1_000_000_000;
        }
        if carry > 0 {
            groups.push(carry);
        }
    }
    let text: String = groups
        .iter()
        .rev()
        .map(|group| format!("{group:09}"))
        .collect();
    let text = text.trim_start_matches('0');
    text.bytes().map(|digit| digit - b'0').collect()
}
