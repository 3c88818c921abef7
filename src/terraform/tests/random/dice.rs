//! Chance that answers the same question in the same way each time.

/// Dice whose fall depends on a seed and on the labels that led to them.
///
/// There is no state: what is added to or taken from a case leaves the rest of it as it was, so a
/// failing case shrinks without turning into another one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    /// The dice for one of several things.
    pub(crate) fn of(self, label: &str) -> Self {
        let fold = |hash, byte: &u8| mix(hash ^ u64::from(*byte));
        Self(label.as_bytes().iter().fold(mix(self.0 ^ 0x5f), fold))
    }

    /// The dice for the one of that number.
    pub(crate) fn nth(self, number: usize) -> Self {
        self.of(&number.to_string())
    }

    /// A number below another one.
    pub(crate) fn below(self, limit: usize) -> usize {
        usize::try_from(mix(self.0) % u64::try_from(limit).expect("small")).expect("small")
    }

    /// True once in so many times.
    pub(crate) fn one_in(self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of several.
    pub(crate) fn pick<T: Copy>(self, items: &[T]) -> T {
        items[self.below(items.len())]
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
