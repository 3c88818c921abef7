//! Whose the credentials are.

use aws_sdk_sts::Client;

use super::Error;

/// The answer to GetCallerIdentity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Twelve digits.
    pub account: String,
    /// `aws`, `aws-cn`, `aws-us-gov` …, from the ARN.
    pub partition: String,
    /// Of the user, or of the role's session.
    pub arn: String,
}

pub(super) async fn ask(sts: &Client) -> Result<Caller, Error> {
    let sent = sts.get_caller_identity().send().await;
    let answer = sent.map_err(|failed| Error::unidentified(&failed))?;
    let read = || {
        let (account, arn) = (answer.account()?, answer.arn()?);
        let partition = arn.strip_prefix("arn:")?.split(':').next()?;
        Some(Caller {
            account: account.to_owned(),
            partition: partition.to_owned(),
            arn: arn.to_owned(),
        })
    };
    read().ok_or_else(|| Error::Unidentified {
        code: None,
        reason: "the answer holds no account and ARN".to_owned(),
    })
}
