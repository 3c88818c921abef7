//! Runs of secrets, each as one number: whether a number is one of them is asked for every byte
//! that is searched.

use std::collections::HashMap;

/// Numbers that show a secret, and which piece of it each is.
pub(crate) struct Windows {
    /// Asked first: a bit for every number that falls on it, and few others.
    filter: Vec<u64>,
    /// How many of a number's mixed bits are too many for the filter.
    excess: u32,
    pieces: HashMap<u64, Vec<Piece>>,
}

/// Where in which part of a secret a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The part, as it is counted by the search.
    pub(crate) part: usize,
    /// In the units of the spelling: bytes, bits or digits.
    pub(crate) offset: usize,
}

/// How many bits of the filter there are for a number.
const SPARSE: usize = 32;

impl Windows {
    pub(crate) fn new(all: impl Iterator<Item = (u64, Piece)>) -> Self {
        let mut pieces: HashMap<u64, Vec<Piece>> = HashMap::new();
        for (number, piece) in all {
            pieces.entry(number).or_default().push(piece);
        }
        let bits = (pieces.len() * SPARSE).next_power_of_two().max(64);
        let mut all = Self {
            filter: vec![0; bits / 64],
            excess: 64 - bits.ilog2(),
            pieces,
        };
        for number in all.pieces.keys() {
            let bit = mixed(*number) >> all.excess;
            all.filter[(bit >> 6) as usize] |= 1 << (bit & 63);
        }
        all
    }

    /// Which pieces it is, if it is any.
    #[inline]
    pub(crate) fn find(&self, number: u64) -> Option<&[Piece]> {
        let bit = mixed(number) >> self.excess;
        if self.filter[(bit >> 6) as usize] >> (bit & 63) & 1 == 0 {
            return None;
        }
        self.pieces.get(&number).map(Vec::as_slice)
    }
}

/// Spreads numbers that differ little over all values: multiplied by 2^64 over the golden ratio.
#[inline]
fn mixed(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_is_found_and_nothing_else() {
        let piece = |number: u64| Piece {
            part: 3,
            offset: number as usize,
        };
        let inside = |number: u64| number.wrapping_mul(0x0123_4567_89ab_cdef);
        let pieces = (0..1000).map(|number| (inside(number), piece(number)));
        let windows = Windows::new(pieces);
        for number in 0..1000 {
            assert_eq!(windows.find(inside(number)), Some(&[piece(number)][..]));
        }
        let others = (1000..100_000).filter(|number| windows.find(inside(*number)).is_some());
        assert_eq!(others.count(), 0);
        assert_eq!(Windows::new([].into_iter()).find(0), None);
    }
}
