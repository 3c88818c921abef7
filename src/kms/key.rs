//! Names of KMS keys.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::aws::{is_account, is_partition, is_region};

/// A KMS key as the user names it: `arn:aws:kms:eu-west-1:123456789012:key/…`, the same with `alias/name`,
/// `alias/name` alone, or the key's id alone, a UUID or `mrk-` and 32 hexadecimal digits (KMS Developer
/// Guide, Key identifiers).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId {
    /// Where an ARN says the key is.
    place: Option<Place>,
    name: Name,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Place {
    partition: String,
    region: String,
    account: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Name {
    Key(String),
    Alias(String),
}

/// A text that names no KMS key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected arn:aws:kms:<region>:<account>:key/<id>, the same with alias/<name>, alias/<name> or a key's id, got \
     {got:?}: {wrong} is wrong"
)]
pub struct NotAKeyId {
    /// What was written.
    pub got: String,
    /// The part of it that cannot be.
    pub wrong: &'static str,
}

impl KeyId {
    /// Where the key is, and therefore where KMS is asked; `None` where no ARN says it.
    pub fn region(&self) -> Option<&str> {
        self.place.as_ref().map(|place| place.region.as_str())
    }

    /// Whether it is an alias, behind which another key may stand tomorrow.
    pub fn is_alias(&self) -> bool {
        matches!(self.name, Name::Alias(_))
    }

    /// Whether this can be a name of the key of that ARN: an alias can of any key in its place.
    pub fn may_be(&self, key_arn: &str) -> bool {
        let Ok(Self {
            place: Some(place),
            name: Name::Key(id),
        }) = key_arn.parse()
        else {
            return false;
        };
        let here = self.place.as_ref().is_none_or(|named| *named == place);
        here && match &self.name {
            Name::Key(named) => *named == id,
            Name::Alias(_) => true,
        }
    }
}

impl FromStr for KeyId {
    type Err = NotAKeyId;

    fn from_str(text: &str) -> Result<Self, NotAKeyId> {
        let wrong = |wrong| NotAKeyId {
            got: text.to_owned(),
            wrong,
        };
        if !text.starts_with("arn:") {
            let name = text.strip_prefix(ALIAS).map(alias);
            let name = name.unwrap_or_else(|| key(text)).map_err(wrong)?;
            return Ok(Self { place: None, name });
        }
        let parts: Vec<_> = text.splitn(6, ':').collect();
        let ["arn", partition, service, region, account, resource] = parts[..] else {
            return Err(wrong("the form"));
        };
        let place = place(partition, service, region, account).map_err(wrong)?;
        let name = match (resource.strip_prefix("key/"), resource.strip_prefix(ALIAS)) {
            (Some(id), _) => key(id),
            (_, Some(name)) => alias(name),
            _ => Err("what stands behind the account"),
        };
        Ok(Self {
            place: Some(place),
            name: name.map_err(wrong)?,
        })
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            let Place {
                partition,
                region,
                account,
            } = place;
            write!(f, "arn:{partition}:kms:{region}:{account}:")?;
        }
        match (&self.name, &self.place) {
            (Name::Alias(name), _) => write!(f, "{ALIAS}{name}"),
            (Name::Key(id), Some(_)) => write!(f, "key/{id}"),
            (Name::Key(id), None) => f.write_str(id),
        }
    }
}

impl TryFrom<String> for KeyId {
    type Error = NotAKeyId;

    fn try_from(text: String) -> Result<Self, NotAKeyId> {
        text.parse()
    }
}

impl From<KeyId> for String {
    fn from(key: KeyId) -> Self {
        key.to_string()
    }
}

const ALIAS: &str = "alias/";

/// What ids of multi-region keys begin with (KMS Developer Guide, Multi-Region keys).
const MULTI_REGION: &str = "mrk-";

fn place(
    partition: &str,
    service: &str,
    region: &str,
    account: &str,
) -> Result<Place, &'static str> {
    match () {
        () if !is_partition(partition) => Err("the partition"),
        () if service != "kms" => Err("the service"),
        () if !is_region(region) => Err("the region"),
        () if !is_account(account) => Err("the account"),
        () => Ok(Place {
            partition: partition.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
        }),
    }
}

fn key(id: &str) -> Result<Name, &'static str> {
    let multi_region = id
        .strip_prefix(MULTI_REGION)
        .map(|digits| is_hex(digits, 32));
    match multi_region.unwrap_or_else(|| is_uuid(id)) {
        true => Ok(Name::Key(id.to_owned())),
        false => Err("the key's id"),
    }
}

/// KMS API, CreateAlias: with `alias/` up to 256 letters, digits, `/`, `_` and `-`.
fn alias(name: &str) -> Result<Name, &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-".contains(&byte);
    let fits = (1..=256 - ALIAS.len()).contains(&name.len());
    match fits && name.bytes().all(allowed) {
        true => Ok(Name::Alias(name.to_owned())),
        false => Err("the alias's name"),
    }
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<_> = text.split('-').collect();
    let lengths = [8, 4, 4, 4, 12];
    groups.len() == lengths.len()
        && groups
            .iter()
            .zip(lengths)
            .all(|(group, length)| is_hex(group, length))
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
    const MRK: &str = "mrk-1234abcd12ab34cd56ef1234567890ab";

    fn key(text: &str) -> KeyId {
        text.parse().unwrap()
    }

    #[test]
    fn every_form_is_read_and_written_in_every_partition() {
        for text in [
            UUID,
            MRK,
            "alias/mesh/ca_1-a",
            &format!("arn:aws:kms:eu-west-1:111122223333:key/{UUID}"),
            &format!("arn:aws-cn:kms:cn-north-1:111122223333:key/{MRK}"),
            "arn:aws-us-gov:kms:us-gov-west-1:111122223333:alias/mesh",
        ] {
            assert_eq!(key(text).to_string(), text);
            let json = serde_json::to_string(&key(text)).unwrap();
            assert_eq!(json, format!("{text:?}"));
            assert_eq!(serde_json::from_str::<KeyId>(&json).unwrap(), key(text));
        }
    }

    #[test]
    fn only_an_arn_says_where_a_key_is() {
        let there = key("arn:aws-cn:kms:cn-north-1:111122223333:alias/mesh");
        assert_eq!(there.region(), Some("cn-north-1"));
        assert!(there.is_alias());
        let nowhere = [key("alias/mesh"), key(UUID), key(MRK)];
        assert!(nowhere.iter().all(|it| it.region().is_none()));
    }

    #[test]
    fn what_is_wrong_with_a_name_is_said() {
        let wrong = |text: &str| text.parse::<KeyId>().unwrap_err().wrong;
        let too_long = format!("alias/{}", "a".repeat(251));
        assert!(
            format!("alias/{}", "a".repeat(250))
                .parse::<KeyId>()
                .is_ok()
        );
        for (text, part) in [
            ("", "the key's id"),
            ("mesh", "the key's id"),
            ("1234abcd-12ab-34cd-56ef-1234567890ag", "the key's id"),
            ("1234abcd12ab34cd56ef1234567890ab", "the key's id"),
            ("mrk-1234abcd-12ab-34cd-56ef-1234567890ab", "the key's id"),
            ("mrk-1234", "the key's id"),
            ("key/1234abcd-12ab-34cd-56ef-1234567890ab", "the key's id"),
            ("alias/", "the alias's name"),
            ("alias/a b", "the alias's name"),
            (&too_long, "the alias's name"),
            ("arn:aws:kms:eu-west-1", "the form"),
            (
                "arn:amazon:kms:eu-west-1:111122223333:alias/a",
                "the partition",
            ),
            ("arn:aws:s3:eu-west-1:111122223333:alias/a", "the service"),
            ("arn:aws:kms::111122223333:alias/a", "the region"),
            ("arn:aws:kms:eu-west-1:1111:alias/a", "the account"),
            (
                "arn:aws:kms:eu-west-1:111122223333:alias/",
                "the alias's name",
            ),
            ("arn:aws:kms:eu-west-1:111122223333:key/a", "the key's id"),
            (
                "arn:aws:kms:eu-west-1:111122223333:a",
                "what stands behind the account",
            ),
        ] {
            assert_eq!(wrong(text), part, "{text:?}");
        }
        assert_eq!(
            "mesh".parse::<KeyId>().unwrap_err().to_string(),
            "expected arn:aws:kms:<region>:<account>:key/<id>, the same with alias/<name>, alias/<name> or a key's id, \
             got \"mesh\": the key's id is wrong"
        );
    }

    #[test]
    fn a_name_may_be_that_of_the_key_it_says_and_an_alias_of_any_in_its_place() {
        let arn = format!("arn:aws:kms:eu-west-1:111122223333:key/{UUID}");
        for name in [
            arn.as_str(),
            UUID,
            "alias/mesh",
            "arn:aws:kms:eu-west-1:111122223333:alias/mesh",
        ] {
            assert!(key(name).may_be(&arn), "{name}");
        }
        for name in [
            MRK,
            "00000000-12ab-34cd-56ef-1234567890ab",
            "arn:aws:kms:eu-west-2:111122223333:alias/mesh",
            "arn:aws:kms:eu-west-1:444455556666:alias/mesh",
            &arn.replace("west-1", "west-2"),
        ] {
            assert!(!key(name).may_be(&arn), "{name}");
        }
        assert!(!key(UUID).may_be(UUID) && !key("alias/a").may_be("alias/a"));
    }
}
