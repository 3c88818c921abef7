//! The ARNs of CAs and of what they issue.

use std::fmt;

use super::super::answer::Failure;
use super::super::partition::partition_of;
use super::super::random;

/// `arn:<partition>:acm-pca:<region>:<account>:certificate-authority/<uuid>`
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct CaArn {
    pub(super) partition: String,
    pub(super) region: String,
    pub(super) account: String,
    pub(super) id: String,
}

const LONGEST: usize = 200;

impl CaArn {
    /// An ARN of a CA that does not exist yet, in the partition that the Region belongs to.
    pub(super) fn fresh(region: &str, account: &str) -> Self {
        Self {
            partition: partition_of(region).to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
            id: random::uuid(),
        }
    }

    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let parts: Vec<&str> = text.split(':').collect();
        let ["arn", partition, "acm-pca", region, account, resource] = parts[..] else {
            return Err(malformed(text));
        };
        let id = resource
            .strip_prefix("certificate-authority/")
            .unwrap_or_default();
        let digits = !account.is_empty() && account.bytes().all(|byte| byte.is_ascii_digit());
        if text.len() > LONGEST
            || partition.is_empty()
            || region.is_empty()
            || !digits
            || !is_uuid(id)
        {
            return Err(malformed(text));
        }
        let [partition, region, account, id] = [partition, region, account, id].map(str::to_owned);
        Ok(Self {
            partition,
            region,
            account,
            id,
        })
    }

    /// The ARN of a certificate of this CA.
    pub(super) fn certificate(&self, serial: &str) -> String {
        format!("{self}/certificate/{serial}")
    }
}

impl fmt::Display for CaArn {
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

pub(super) fn malformed(text: &str) -> Failure {
    Failure::of(
        "InvalidArnException",
        format!("The ARN {text} is not valid."),
    )
}

fn is_uuid(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_hexdigit() { '0' } else { c })
        .collect();
    shape == "00000000-0000-0000-0000-000000000000"
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "certificate-authority/11111111-2222-3333-4444-555555555555";

    #[test]
    fn an_arn_reads_as_it_was_written() {
        let text = format!("arn:aws-us-gov:acm-pca:us-gov-west-1:123456789012:{ID}");
        assert_eq!(CaArn::parse(&text).unwrap().to_string(), text);
        assert_eq!(
            CaArn::fresh("cn-north-1", "123456789012").partition,
            "aws-cn"
        );
        assert_eq!(CaArn::fresh("eu-west-1", "123456789012").partition, "aws");
    }

    #[test]
    fn what_is_not_the_arn_of_a_ca_is_refused() {
        for text in [
            String::new(),
            format!("arn:aws:acm:eu-west-1:123456789012:{ID}"),
            format!("arn:aws:acm-pca:eu-west-1::{ID}"),
            format!("arn:aws:acm-pca::123456789012:{ID}"),
            format!("arn:aws:acm-pca:eu-west-1:123456789012:{ID}/certificate/00"),
            "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/no-uuid".to_owned(),
        ] {
            let refused = CaArn::parse(&text).unwrap_err();
            assert_eq!(refused.code, "InvalidArnException", "{text}");
        }
    }
}
