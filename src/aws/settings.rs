//! What the configuration says about signing in, in the vocabulary of hashicorp/aws, and what can
//! be judged of it before anything is asked of AWS.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Uri;
use jiff::SignedDuration;
use serde::{Deserialize, Deserializer};

use super::{Error, guard::Accounts};

/// How the provider signs in to AWS; no field holds a secret, those come from the environment or a
/// profile.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Used for STS, and for services of which no ARN says where they are.
    pub region: Option<String>,
    /// Named profile; when set, keys in the environment are not looked at.
    pub profile: Option<String>,
    /// Instead of `~/.aws/config` (and `AWS_CONFIG_FILE`).
    #[serde(deserialize_with = "or_empty")]
    pub shared_config_files: Vec<String>,
    /// Instead of `~/.aws/credentials` (and `AWS_SHARED_CREDENTIALS_FILE`).
    #[serde(deserialize_with = "or_empty")]
    pub shared_credentials_files: Vec<String>,
    /// Roles assumed one from the other, in this order.
    #[serde(deserialize_with = "or_empty")]
    pub assume_role: Vec<AssumeRole>,
    /// At most one block.
    #[serde(deserialize_with = "or_empty")]
    pub endpoints: Vec<Endpoints>,
    /// How often a throttled or failed call is repeated; null: `AWS_MAX_ATTEMPTS`, else our own
    /// bound.
    pub max_retries: Option<u32>,
    /// FIPS endpoints; null: `AWS_USE_FIPS_ENDPOINT`, the profile.
    pub use_fips_endpoint: Option<bool>,
    /// Dual-stack endpoints; null: `AWS_USE_DUALSTACK_ENDPOINT`, the profile.
    pub use_dualstack_endpoint: Option<bool>,
    /// Accounts that the identity at the end may belong to; empty: any.
    #[serde(deserialize_with = "or_empty")]
    pub allowed_account_ids: Vec<String>,
    /// Accounts that it may not belong to.
    #[serde(deserialize_with = "or_empty")]
    pub forbidden_account_ids: Vec<String>,
}

/// One `assume_role {}` block.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct AssumeRole {
    /// ARN of the IAM role.
    pub role_arn: String,
    /// How the session is called in CloudTrail; null: the provider's name.
    pub session_name: Option<String>,
    /// What the role's trust policy asks of third parties.
    pub external_id: Option<String>,
    /// Length of the session with units, `"15m"` to `"12h"`; null: AWS's one hour.
    pub duration: Option<String>,
    /// Inline session policy, as JSON.
    pub policy: Option<String>,
    /// Managed session policies.
    #[serde(deserialize_with = "or_empty")]
    pub policy_arns: Vec<String>,
    /// Session tags.
    #[serde(deserialize_with = "or_empty")]
    pub tags: BTreeMap<String, String>,
    /// Which of the tags go on to roles assumed from this one.
    #[serde(deserialize_with = "or_empty")]
    pub transitive_tag_keys: Vec<String>,
}

/// The `endpoints {}` block: where the services are, instead of where AWS has them.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Endpoints {
    /// AWS Private CA; null: `AWS_ENDPOINT_URL_ACM_PCA`, `AWS_ENDPOINT_URL`, the region's.
    pub acmpca: Option<String>,
    /// Elastic Kubernetes Service; null: `AWS_ENDPOINT_URL_EKS`, `AWS_ENDPOINT_URL`, the region's.
    pub eks: Option<String>,
    /// Key Management Service; null: `AWS_ENDPOINT_URL_KMS`, `AWS_ENDPOINT_URL`, the region's.
    pub kms: Option<String>,
    /// Security Token Service; null: `AWS_ENDPOINT_URL_STS`, `AWS_ENDPOINT_URL`, the region's.
    pub sts: Option<String>,
}

/// The `acmpca {}` block: another sign-in, for the account that owns the CA.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct AcmPca {
    /// Where STS is asked; null: as outside. (The CA's region is in its ARN.)
    pub region: Option<String>,
    /// Profile to start from; null: from the identity that the provider's own settings end in.
    pub profile: Option<String>,
    /// Roles assumed from there, one from the other.
    #[serde(deserialize_with = "or_empty")]
    pub assume_role: Vec<AssumeRole>,
}

impl Settings {
    /// Refuses what AWS would refuse later and in worse words; the error names the attribute.
    pub fn check(&self) -> Result<(), Error> {
        check_region("region", self.region.as_deref())?;
        check_filled("profile", self.profile.as_deref())?;
        check_roles("assume_role", &self.assume_role)?;
        for (nth, block) in self.endpoints.iter().enumerate() {
            for (name, url) in [
                ("acmpca", &block.acmpca),
                ("eks", &block.eks),
                ("kms", &block.kms),
                ("sts", &block.sts),
            ] {
                check_url(&format!("endpoints[{nth}].{name}"), url.as_deref())?;
            }
        }
        Ok(())
    }

    /// The lists of accounts, if there is one.
    pub(super) fn accounts(&self) -> Option<Accounts> {
        let (allowed, forbidden) = (&self.allowed_account_ids, &self.forbidden_account_ids);
        (!allowed.is_empty() || !forbidden.is_empty()).then(|| Accounts {
            allowed: allowed.clone(),
            forbidden: forbidden.clone(),
        })
    }

    pub(super) fn endpoint(&self, of: impl Fn(&Endpoints) -> Option<&String>) -> Option<String> {
        self.endpoints.iter().find_map(of).cloned()
    }
}

impl AcmPca {
    /// As [`Settings::check`]; paths begin at the block.
    pub fn check(&self) -> Result<(), Error> {
        check_region("acmpca[0].region", self.region.as_deref())?;
        check_filled("acmpca[0].profile", self.profile.as_deref())?;
        check_roles("acmpca[0].assume_role", &self.assume_role)
    }
}

impl AssumeRole {
    /// The session's length, if one is asked for.
    pub(super) fn length(&self) -> Option<Duration> {
        self.duration.as_deref().and_then(session_length)
    }

    /// As [`Settings::check`]; `path` is where the block stands.
    pub fn check(&self, path: &str) -> Result<(), Error> {
        if !is_role_arn(&self.role_arn) {
            let expected = "the ARN of an IAM role, arn:aws:iam::<account>:role/<name>";
            return Err(refuse(
                &format!("{path}.role_arn"),
                &self.role_arn,
                expected,
            ));
        }
        if let Some(name) = self
            .session_name
            .as_deref()
            .filter(|name| !is_session_name(name))
        {
            let expected = "2 to 64 letters, digits or any of _+=,.@-";
            return Err(refuse(&format!("{path}.session_name"), name, expected));
        }
        if let Some(text) = self
            .duration
            .as_deref()
            .filter(|text| session_length(text).is_none())
        {
            let expected = "a length of time from \"15m\" to \"12h\"";
            return Err(refuse(&format!("{path}.duration"), text, expected));
        }
        Ok(())
    }
}

/// Whether this is formed like the name of an AWS region in any partition (`eu-west-1`,
/// `us-gov-east-1`).
pub fn is_region(text: &str) -> bool {
    let mut parts = text.split('-');
    let area = parts
        .next()
        .is_some_and(|part| is_word(part) && (2..=4).contains(&part.len()));
    let number = parts.next_back().is_some_and(|part| {
        (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    });
    let middle: Vec<_> = parts.collect();
    area && number && !middle.is_empty() && middle.into_iter().all(is_word)
}

fn is_word(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn is_role_arn(text: &str) -> bool {
    let parts: Vec<_> = text.splitn(6, ':').collect();
    let [arn, partition, service, region, account, resource] = parts[..] else {
        return false;
    };
    arn == "arn"
        && partition.starts_with("aws")
        && service == "iam"
        && region.is_empty()
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && resource
            .strip_prefix("role/")
            .is_some_and(|name| !name.is_empty())
        && !text.contains(char::is_whitespace)
}

/// RoleSessionName of STS AssumeRole.
fn is_session_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    (2..=64).contains(&text.len()) && text.bytes().all(allowed)
}

/// DurationSeconds of STS AssumeRole: 900 to 43200.
fn session_length(text: &str) -> Option<Duration> {
    let length = text.parse::<SignedDuration>().ok()?;
    let in_bounds = (900..=43_200).contains(&length.as_secs()) && length.subsec_nanos() == 0;
    in_bounds.then(|| length.unsigned_abs())
}

fn check_roles(path: &str, roles: &[AssumeRole]) -> Result<(), Error> {
    let mut numbered = roles.iter().enumerate();
    numbered.try_for_each(|(nth, role)| role.check(&format!("{path}[{nth}]")))
}

fn check_region(path: &str, region: Option<&str>) -> Result<(), Error> {
    match region.filter(|region| !is_region(region)) {
        Some(other) => Err(refuse(
            path,
            other,
            "the name of an AWS region, such as eu-west-1",
        )),
        None => Ok(()),
    }
}

fn check_filled(path: &str, value: Option<&str>) -> Result<(), Error> {
    match value.filter(|value| value.trim().is_empty()) {
        Some(blank) => Err(refuse(path, blank, "a name, or nothing at all")),
        None => Ok(()),
    }
}

fn check_url(path: &str, url: Option<&str>) -> Result<(), Error> {
    let reachable = |uri: &Uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
    };
    match url.filter(|url| !url.parse::<Uri>().is_ok_and(|uri| reachable(&uri))) {
        Some(other) => Err(refuse(
            path,
            other,
            "a URL with http:// or https:// and a host",
        )),
        None => Ok(()),
    }
}

fn refuse(path: &str, found: &str, expected: &'static str) -> Error {
    Error::Setting {
        path: path.to_owned(),
        found: found.to_owned(),
        expected,
    }
}

/// A list or map that is not in the configuration may come as null.
fn or_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(json: &str) -> String {
        let settings: Settings = serde_json::from_str(json).unwrap();
        settings.check().unwrap_err().to_string()
    }

    #[test]
    fn nothing_set_is_fine_and_null_is_nothing() {
        let none: Settings = serde_json::from_str("{}").unwrap();
        let nulls: Settings = serde_json::from_str(
            r#"{"region":null,"shared_config_files":null,"assume_role":null,"endpoints":[{"sts":null}]}"#,
        )
        .unwrap();
        assert_eq!(none, Settings::default());
        assert_eq!(
            nulls,
            Settings {
                endpoints: vec![Endpoints::default()],
                ..Settings::default()
            }
        );
        none.check().unwrap();
        nulls.check().unwrap();
    }

    #[test]
    fn a_full_role_is_read_and_accepted() {
        let settings: Settings = serde_json::from_str(
            r#"{"region":"us-gov-west-1","assume_role":[{"role_arn":"arn:aws-us-gov:iam::123456789012:role/ci/pca",
                "session_name":"ci@mesh","external_id":"x","duration":"1h30m","policy":"{}","policy_arns":["a"],
                "tags":{"team":"mesh"},"transitive_tag_keys":["team"]}],
                "endpoints":[{"acmpca":"http://127.0.0.1:4566","sts":"https://sts.internal/x"}]}"#,
        )
        .unwrap();
        settings.check().unwrap();
        assert_eq!(
            settings.assume_role[0].length(),
            Some(Duration::from_secs(5400))
        );
        assert_eq!(settings.assume_role[0].tags["team"], "mesh");
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_path() {
        let role = |rest: &str| {
            let arn = "arn:aws:iam::123456789012:role/x";
            format!(r#"{{"assume_role":[{{"role_arn":"{arn}"}},{{"role_arn":"{arn}",{rest}}}]}}"#)
        };
        for (json, path, found) in [
            (
                r#"{"region":" eu-west-1"}"#.to_owned(),
                "region",
                " eu-west-1",
            ),
            (r#"{"region":""}"#.to_owned(), "region", ""),
            (r#"{"profile":" "}"#.to_owned(), "profile", " "),
            (
                r#"{"assume_role":[{}]}"#.to_owned(),
                "assume_role[0].role_arn",
                "",
            ),
            (
                role(r#""duration":"10m""#),
                "assume_role[1].duration",
                "10m",
            ),
            (
                role(r#""duration":"13h""#),
                "assume_role[1].duration",
                "13h",
            ),
            (
                role(r#""duration":"3600""#),
                "assume_role[1].duration",
                "3600",
            ),
            (
                role(r#""session_name":"a b""#),
                "assume_role[1].session_name",
                "a b",
            ),
            (
                r#"{"endpoints":[{"sts":"localhost:1"}]}"#.to_owned(),
                "endpoints[0].sts",
                "localhost:1",
            ),
            (
                r#"{"endpoints":[{"acmpca":"ftp://x"}]}"#.to_owned(),
                "endpoints[0].acmpca",
                "ftp://x",
            ),
        ] {
            let text = refused(&json);
            assert!(text.starts_with(&format!("{path}: expected ")), "{text}");
            assert!(text.ends_with(&format!("got {found:?}")), "{text}");
        }
    }

    #[test]
    fn the_block_for_the_ca_names_itself_in_errors() {
        let block: AcmPca =
            serde_json::from_str(r#"{"assume_role":[{"role_arn":"pca"}]}"#).unwrap();
        let text = block.check().unwrap_err().to_string();
        assert!(
            text.starts_with("acmpca[0].assume_role[0].role_arn: "),
            "{text}"
        );
    }

    #[test]
    fn role_arns_are_told_from_others() {
        for good in [
            "arn:aws:iam::123456789012:role/a",
            "arn:aws-cn:iam::123456789012:role/p/a",
        ] {
            assert!(is_role_arn(good), "{good}");
        }
        for bad in [
            "arn:aws:iam::123456789012:user/a",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::12345:role/a",
            "arn:aws:sts::123456789012:assumed-role/a/b",
            "arn:aws:iam::123456789012:role/a ",
        ] {
            assert!(!is_role_arn(bad), "{bad}");
        }
    }

    #[test]
    fn regions_of_every_partition_pass_and_look_alikes_do_not() {
        for good in [
            "eu-west-1",
            "us-gov-east-1",
            "cn-northwest-1",
            "us-iso-east-1",
            "eusc-de-east-1",
            "ap-southeast-7",
        ] {
            assert!(is_region(good), "{good}");
        }
        for bad in [
            "",
            "-",
            "eu-west",
            "eu-1",
            "EU-west-1",
            "eu-west-1a",
            "eu west 1",
            "eu--1",
            "us-east-1-",
            "é-west-1",
        ] {
            assert!(!is_region(bad), "{bad}");
        }
    }
}
