//! Names of keys.

use std::fmt;

use super::super::partition::partition_of;
use super::super::random;

/// Where a key is and how it is called there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyArn {
    pub(super) region: String,
    pub(super) account: String,
    /// A UUID, or `mrk-` and 32 hexadecimal digits.
    pub(super) id: String,
}

impl KeyArn {
    /// Of a new key.
    pub(super) fn fresh(region: &str, account: &str, multi_region: bool) -> Self {
        let id = match multi_region {
            true => format!("mrk-{}", random::uuid().replace('-', "")),
            false => random::uuid(),
        };
        Self {
            region: region.to_owned(),
            account: account.to_owned(),
            id,
        }
    }

    /// The same key in another Region, as a multi-Region key has it.
    pub(super) fn sibling(&self, region: &str) -> Self {
        Self {
            region: region.to_owned(),
            ..self.clone()
        }
    }

    pub(super) fn is_multi_region(&self) -> bool {
        self.id.starts_with("mrk-")
    }

    /// The ARN of an alias beside the key; `name` without `alias/`.
    pub(super) fn alias(&self, name: &str) -> String {
        let Self {
            region, account, ..
        } = self;
        format!(
            "arn:{}:kms:{region}:{account}:alias/{name}",
            partition_of(region)
        )
    }
}

impl fmt::Display for KeyArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            region,
            account,
            id,
        } = self;
        write!(
            f,
            "arn:{}:kms:{region}:{account}:key/{id}",
            partition_of(region)
        )
    }
}
