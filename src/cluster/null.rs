//! Lists and maps that come as `null` where they are empty: Go writes them so at times, and hosts write what is not set so.

use serde::{Deserialize, Deserializer};

/// For serde's `deserialize_with`: null is the default.
pub(super) fn null_as_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    from: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}
