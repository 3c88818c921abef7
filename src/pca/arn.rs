//! Names of things in AWS Private CA: of an authority, of a certificate it issued, of a template.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::aws::{is_account, is_partition, is_region};

/// ARN of a private CA, of any partition:
/// `arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/<uuid>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Arn {
    partition: String,
    region: String,
    account: String,
    id: String,
}

impl Arn {
    /// `aws`, `aws-cn`, `aws-us-gov` …; the CA's templates live in the same one.
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// Where the CA is, and therefore where it must be called.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Twelve digits: who owns the CA, which need not be who calls it.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The UUID at the end.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl FromStr for Arn {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, ArnError> {
        let wrong = |part, expected| Err(ArnError::new("a private CA", part, expected, text));
        if text.contains(char::is_whitespace) {
            return wrong(text, "no blanks");
        }
        let parts: Vec<_> = text.splitn(6, ':').collect();
        let ["arn", partition, service, region, account, resource] = parts[..] else {
            return wrong(
                text,
                "arn:aws:acm-pca:<region>:<account>:certificate-authority/<uuid>",
            );
        };
        let id = resource.strip_prefix("certificate-authority/");
        match () {
            () if !is_partition(partition) => {
                wrong(partition, "a partition, such as aws or aws-cn")
            }
            () if service != "acm-pca" => wrong(service, "the service acm-pca"),
            () if !is_region(region) => wrong(region, "a region, such as eu-west-1"),
            () if !is_account(account) => wrong(account, "an account of 12 digits"),
            () => match id.filter(|id| is_uuid(id)) {
                Some(id) => Ok(Self {
                    partition: partition.to_owned(),
                    region: region.to_owned(),
                    account: account.to_owned(),
                    id: id.to_owned(),
                }),
                None => wrong(
                    resource,
                    "certificate-authority/<uuid> and nothing after it",
                ),
            },
        }
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            partition,
            region,
            account,
            id,
        } = self;
        write!(
            f,
            "arn:{partition}:acm-pca:{region}:{account}:certificate-authority/{id}"
        )
    }
}

/// Name of an issued certificate, as AWS gave it. Opaque: the end looks like the serial number, but
/// AWS writes it in hex here and in decimal there, so the serial is read from the certificate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CertificateArn(String);

impl CertificateArn {
    /// Takes AWS's answer, or what an earlier apply wrote down, as it is.
    pub fn new(arn: impl Into<String>) -> Self {
        Self(arn.into())
    }

    /// As AWS wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CertificateArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// ARN of a template, which alone decides whether the result is a CA and how far down it may sign:
/// `arn:aws:acm-pca:::template/SubordinateCACertificate_PathLen0/V1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TemplateArn {
    partition: String,
    name: String,
}

impl TemplateArn {
    /// The template of a subordinate CA below which `path_length` more CAs fit; AWS has them for 0
    /// to 3.
    pub fn subordinate(partition: &str, path_length: u8) -> Result<Self, ArnError> {
        let found = path_length.to_string();
        if path_length > 3 {
            return Err(ArnError::new(
                "a subordinate CA's template",
                &found,
                "a path length of 0 to 3",
                &found,
            ));
        }
        let (partition, name) = (
            partition.to_owned(),
            format!("SubordinateCACertificate_PathLen{path_length}/V1"),
        );
        Ok(Self { partition, name })
    }

    /// Must be the CA's own.
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// The name with its version: `SubordinateCACertificate_PathLen0/V1`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether extensions of a request get into the certificate, beyond those that the template sets.
    pub fn takes_extensions(&self) -> bool {
        self.name.contains("CSRPassthrough")
    }
}

impl FromStr for TemplateArn {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, ArnError> {
        let wrong = |part, expected| Err(ArnError::new("a template", part, expected, text));
        if text.contains(char::is_whitespace) {
            return wrong(text, "no blanks");
        }
        let parts: Vec<_> = text.splitn(6, ':').collect();
        let ["arn", partition, service, region, account, resource] = parts[..] else {
            return wrong(text, "arn:aws:acm-pca:::template/<name>/V1");
        };
        let name = resource.strip_prefix("template/");
        match () {
            () if !is_partition(partition) => {
                wrong(partition, "a partition, such as aws or aws-cn")
            }
            () if service != "acm-pca" => wrong(service, "the service acm-pca"),
            () if !region.is_empty() => wrong(region, "no region"),
            () if !account.is_empty() => wrong(account, "no account"),
            () => match name.filter(|name| is_template(name)) {
                Some(name) => Ok(Self {
                    partition: partition.to_owned(),
                    name: name.to_owned(),
                }),
                None => wrong(resource, "template/<name>/V1"),
            },
        }
    }
}

impl fmt::Display for TemplateArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arn:{}:acm-pca:::template/{}", self.partition, self.name)
    }
}

/// What is wrong with an ARN, and where in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the ARN of {what}: expected {expected}, got {found:?} in {text:?}")]
pub struct ArnError {
    what: &'static str,
    expected: &'static str,
    found: String,
    text: String,
}

impl ArnError {
    fn new(what: &'static str, found: &str, expected: &'static str, text: &str) -> Self {
        Self {
            what,
            expected,
            found: found.to_owned(),
            text: text.to_owned(),
        }
    }

    /// What should stand there.
    pub fn expected(&self) -> &'static str {
        self.expected
    }

    /// The part that cannot be.
    pub fn found(&self) -> &str {
        &self.found
    }
}

macro_rules! text_in_serde {
    ($($name:ident)*) => { $(
        impl From<$name> for String {
            fn from(arn: $name) -> Self {
                arn.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = ArnError;

            fn try_from(text: String) -> Result<Self, ArnError> {
                text.parse()
            }
        }
    )* };
}
text_in_serde!(Arn TemplateArn);

fn is_uuid(text: &str) -> bool {
    let groups: Vec<_> = text.split('-').collect();
    let hex = |group: &&str| group.bytes().all(|byte| byte.is_ascii_hexdigit());
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) && groups.iter().all(hex)
}

fn is_template(text: &str) -> bool {
    let Some((name, version)) = text.split_once('/') else {
        return false;
    };
    let number = version.strip_prefix('V').unwrap_or_default();
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CA: &str = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/11111111-2222-3333-4444-555555555555";

    #[test]
    fn the_parts_of_a_ca_are_read() {
        let arn: Arn = CA.parse().unwrap();
        assert_eq!(
            (arn.partition(), arn.region(), arn.account()),
            ("aws", "eu-west-1", "123456789012")
        );
        assert_eq!(arn.id(), "11111111-2222-3333-4444-555555555555");
    }

    #[test]
    fn whatever_is_no_ca_is_refused_with_what_was_found() {
        let refused = |from: &str, to: &str| CA.replacen(from, to, 1).parse::<Arn>().unwrap_err();
        for (from, to, found) in [
            ("arn:", " arn:", None),
            ("555555555555", "555555555555\n", None),
            ("arn:", "", None),
            (":123456789012", "", None),
            ("arn:aws:", "arn:gcp:", Some("gcp")),
            ("arn:aws:", "arn:aws-:", Some("aws-")),
            ("acm-pca", "acm", Some("acm")),
            ("eu-west-1", "", Some("")),
            ("eu-west-1", "Europe", Some("Europe")),
            ("123456789012", "1234", Some("1234")),
            (
                "certificate-authority",
                "certificate",
                Some("certificate/11111111-2222-3333-4444-555555555555"),
            ),
            (
                "555555555555",
                "55555555555",
                Some("certificate-authority/11111111-2222-3333-4444-55555555555"),
            ),
            (
                "1111-2222",
                "1111-222g",
                Some("certificate-authority/11111111-222g-3333-4444-555555555555"),
            ),
        ] {
            let error = refused(from, to);
            let whole = CA.replacen(from, to, 1);
            assert_eq!(error.found(), found.unwrap_or(&whole), "{error}");
        }
        let issued = format!("{CA}/certificate/0123");
        assert_eq!(
            issued.parse::<Arn>().unwrap_err().expected(),
            "certificate-authority/<uuid> and nothing after it"
        );
    }

    #[test]
    fn a_refusal_says_what_was_expected_and_what_was_found() {
        let error = CA.replace("acm-pca", "iam").parse::<Arn>().unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with(
                "not the ARN of a private CA: expected the service acm-pca, got \"iam\" in "
            ),
            "{text}"
        );
    }

    #[test]
    fn templates_follow_the_path_length_and_the_partition() {
        let zero = TemplateArn::subordinate("aws", 0).unwrap();
        assert_eq!(
            zero.to_string(),
            "arn:aws:acm-pca:::template/SubordinateCACertificate_PathLen0/V1"
        );
        let three = TemplateArn::subordinate("aws-us-gov", 3).unwrap();
        assert_eq!(
            three.to_string(),
            "arn:aws-us-gov:acm-pca:::template/SubordinateCACertificate_PathLen3/V1"
        );
        assert_eq!(
            TemplateArn::subordinate("aws", 4).unwrap_err().expected(),
            "a path length of 0 to 3"
        );
    }

    #[test]
    fn a_template_by_its_arn_is_read_or_refused() {
        let blank = "arn:aws-cn:acm-pca:::template/BlankSubordinateCACertificate_PathLen1_APIPassthrough/V1";
        let arn: TemplateArn = blank.parse().unwrap();
        assert_eq!(
            (arn.partition(), arn.to_string().as_str()),
            ("aws-cn", blank)
        );
        assert_eq!(
            arn.name(),
            "BlankSubordinateCACertificate_PathLen1_APIPassthrough/V1"
        );
        for (bad, found) in [
            ("arn:aws:acm-pca:::template/X", "template/X"),
            ("arn:aws:acm-pca:::template//V1", "template//V1"),
            ("arn:aws:acm-pca:::template/X/V", "template/X/V"),
            ("arn:aws:acm-pca:::template/X/V1/V2", "template/X/V1/V2"),
            ("arn:aws:acm-pca:eu-west-1::template/X/V1", "eu-west-1"),
            (
                "arn:aws:acm-pca::123456789012:template/X/V1",
                "123456789012",
            ),
            ("arn:aws:s3:::template/X/V1", "s3"),
            (CA, "eu-west-1"),
        ] {
            assert_eq!(bad.parse::<TemplateArn>().unwrap_err().found(), found);
        }
    }

    #[test]
    fn in_json_an_arn_is_its_text() {
        let arn: Arn = serde_json::from_value(CA.into()).unwrap();
        assert_eq!(serde_json::to_value(&arn).unwrap(), CA);
        let error = serde_json::from_value::<Arn>("arn".into())
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("not the ARN of a private CA"), "{error}");
        let issued = CertificateArn::new("any text");
        assert_eq!(serde_json::to_value(&issued).unwrap(), "any text");
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_back(
            partition in "aws(-[a-z]{2,3}){0,2}",
            region in "[a-z]{2,4}(-[a-z]{2,9}){1,2}-[1-9]",
            account in "[0-9]{12}",
            id in "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        ) {
            let text = format!("arn:{partition}:acm-pca:{region}:{account}:certificate-authority/{id}");
            let arn: Arn = text.parse().unwrap();
            prop_assert_eq!(arn.to_string(), text);
            prop_assert_eq!((arn.partition(), arn.region()), (partition.as_str(), region.as_str()));
        }

        #[test]
        fn garbage_is_refused_or_written_back_and_never_panics(
            text in prop_oneof![any::<String>(), "arn:aws:acm-pca:[^\\s]{0,20}:(template|certificate-authority)/[^\\s]{0,40}"],
        ) {
            if let Ok(arn) = text.parse::<Arn>() {
                prop_assert_eq!(arn.to_string(), text.clone());
            }
            if let Ok(arn) = text.parse::<TemplateArn>() {
                prop_assert_eq!(arn.to_string(), text);
            }
        }
    }
}
