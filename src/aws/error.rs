//! Why there is no identity to call AWS with.

use std::error::Error as StdError;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::RequestId as _;
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::Caller;
use super::guard::Accounts;

/// What went wrong in signing in. It travels inside the SDK's own errors and is found again with
/// [`Error::behind`], which is why it can be cloned.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// A setting that cannot be right, found without asking AWS.
    #[error("{path}: expected {expected}, got {found:?}")]
    Setting {
        /// Where in the provider block, as Terraform writes it: `assume_role[0].duration`.
        path: String,
        /// What the configuration says.
        found: String,
        /// What could stand there.
        expected: &'static str,
    },
    /// No source had credentials.
    #[error("no AWS credentials: {}", listed(tried))]
    Credentials {
        /// Where they were looked for, in this order; the last may be there and have failed.
        tried: Vec<Tried>,
    },
    /// There may have been credentials, but the SDK got none.
    #[error("no AWS credentials: {reason}")]
    NoIdentity {
        /// The innermost words.
        reason: String,
    },
    /// The file with a web identity's token cannot be used.
    #[error("no web identity token from {file}: {reason}")]
    TokenFile {
        /// Its path.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// STS was asked for a role and said no.
    #[error("AWS did not let {role_arn} be assumed: {code}: {message}")]
    RoleRefused {
        /// The role that was asked for.
        role_arn: String,
        /// AWS's name of the error, such as `AccessDenied`.
        code: String,
        /// AWS's own words.
        message: String,
        /// What AWS's support asks for.
        request_id: Option<String>,
    },
    /// STS could not be asked for a role.
    #[error("STS could not be asked for {role_arn}: {reason}")]
    RoleUnreachable {
        /// The role that was to be assumed.
        role_arn: String,
        /// The network's words.
        reason: String,
    },
    /// STS did not say whose the credentials are.
    #[error("AWS did not say whose the credentials are: {}{reason}", prefixed(code.as_deref()))]
    Unidentified {
        /// AWS's name of the error, such as `ExpiredToken`; `None` where AWS gave no clear answer.
        code: Option<String>,
        /// AWS's own words, or the network's.
        reason: String,
    },
    /// The identity belongs to an account that the settings exclude.
    #[error("the credentials of {} belong to account {}, {}", caller.arn, caller.account, excluded(accounts))]
    WrongAccount {
        /// Who the credentials say we are.
        caller: Box<Caller>,
        /// What the settings say.
        accounts: Box<Accounts>,
    },
    /// AWS has no STS there.
    #[error("no AWS STS is known for {region}: {reason}")]
    NoSts {
        /// The region.
        region: String,
        /// The SDK's words.
        reason: String,
    },
    /// A request that others are to send could not be signed.
    #[error("a request cannot be signed: {reason}")]
    Unsigned {
        /// The signer's words.
        reason: String,
    },
    /// The file with the CAs to trust cannot be used.
    #[error("{said}={path}: {reason}")]
    CaBundle {
        /// The setting or variable that names it.
        said: &'static str,
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// A source that gave no credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Which.
    pub source: Source,
    /// Why not, in its own words.
    pub said: String,
}

/// A place where credentials are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `access_key` and its siblings in the provider block.
    Keys,
    /// `AWS_ACCESS_KEY_ID` and its siblings.
    Environment,
    /// A profile of the shared files, with all that it can stand for (keys, SSO, a process, a
    /// role). `None`: the one that `AWS_PROFILE` names, or `default`.
    Profile(Option<String>),
    /// `AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN`, as IRSA sets them.
    WebIdentity,
    /// ECS, or EKS Pod Identity.
    Container,
    /// The role of the EC2 instance.
    InstanceMetadata,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keys => f.write_str("the provider block (access_key)"),
            Self::Environment => f.write_str("the environment (AWS_ACCESS_KEY_ID)"),
            Self::Profile(Some(name)) => write!(f, "the profile {name:?}"),
            Self::Profile(None) => f.write_str("the profile of AWS_PROFILE or \"default\""),
            Self::WebIdentity => f.write_str("a web identity token (AWS_WEB_IDENTITY_TOKEN_FILE)"),
            Self::Container => f.write_str("the container's credentials"),
            Self::InstanceMetadata => f.write_str("the instance's metadata"),
        }
    }
}

impl Error {
    /// Whether trying again later may help without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::RoleUnreachable { .. } | Self::Unidentified { code: None, .. }
        )
    }

    pub(super) fn unsigned(error: &(dyn StdError + 'static)) -> Self {
        let reason = words(error);
        Self::Unsigned { reason }
    }

    /// The sign-in's failure that an SDK error was caused by, if that is what it was caused by.
    pub fn behind(error: &(dyn StdError + 'static)) -> Option<Self> {
        let ours = || {
            chain(error)
                .find_map(|cause| cause.downcast_ref::<Self>())
                .cloned()
        };
        let foreign = || chain(error).find_map(|cause| cause.downcast_ref::<CredentialsError>());
        ours().or_else(|| {
            let reason = words(foreign()?);
            Some(Self::NoIdentity { reason })
        })
    }

    pub(super) fn role<E>(role_arn: &str, failed: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        if let Some(earlier) = Self::behind(failed) {
            return earlier;
        }
        let role_arn = role_arn.to_owned();
        match failed.as_service_error() {
            Some(refusal) => Self::RoleRefused {
                role_arn,
                code: refusal.code().unwrap_or("no error code").to_owned(),
                message: refusal.message().unwrap_or("no message").to_owned(),
                request_id: failed.request_id().map(str::to_owned),
            },
            None => Self::RoleUnreachable {
                role_arn,
                reason: words(failed),
            },
        }
    }

    pub(super) fn unidentified(failed: &SdkError<GetCallerIdentityError, HttpResponse>) -> Self {
        let refusal = failed.as_service_error();
        let said = refusal.and_then(|refusal| Some((refusal.code()?, refusal.message())));
        let answer = said.map(|(code, message)| Self::Unidentified {
            code: Some(code.to_owned()),
            reason: message.unwrap_or("no message").to_owned(),
        });
        let unanswered = || Self::Unidentified {
            code: None,
            reason: words(failed),
        };
        Self::behind(failed).or(answer).unwrap_or_else(unanswered)
    }
}

/// The innermost cause's own words: those of the operating system, of TLS or of a file, rather than
/// those of the layers around it.
pub fn words(error: &(dyn StdError + 'static)) -> String {
    let innermost = chain(error).last().unwrap_or(error);
    match innermost.downcast_ref::<CredentialsError>() {
        Some(CredentialsError::CredentialsNotLoaded(_)) => "it holds no credentials".to_owned(),
        _ => innermost.to_string(),
    }
}

/// The error and what caused it, outermost first.
pub fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    // An `io::Error` made of another error skips that one when it is asked for its source.
    std::iter::successors(Some(error), |&outer| {
        let payload = outer
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        payload
            .map(|inner| inner as &(dyn StdError + 'static))
            .or_else(|| outer.source())
    })
}

fn prefixed(code: Option<&str>) -> String {
    code.map(|code| format!("{code}: ")).unwrap_or_default()
}

fn excluded(accounts: &Accounts) -> String {
    let (list, named) = match &accounts.allowed[..] {
        [] => (&accounts.forbidden[..], "which is in forbidden_account_ids"),
        allowed => (allowed, "which is not in allowed_account_ids"),
    };
    format!("{named} ({})", list.join(", "))
}

fn listed(tried: &[Tried]) -> String {
    let told = |it: &Tried| format!("{}: {}", it.source, it.said);
    let all: Vec<_> = tried.iter().map(told).collect();
    all.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_error_is_found_inside_the_sdks() {
        let ours = Error::RoleUnreachable {
            role_arn: "r".into(),
            reason: "no route".into(),
        };
        let wrapped =
            CredentialsError::provider_error(CredentialsError::provider_error(ours.clone()));
        assert_eq!(Error::behind(&wrapped), Some(ours));
        assert_eq!(Error::behind(&std::io::Error::other("else")), None);
    }

    #[test]
    fn a_foreign_credentials_error_keeps_its_innermost_words() {
        let foreign = CredentialsError::provider_error(std::io::Error::other(
            std::io::Error::other("disk on fire"),
        ));
        let found = Error::behind(&foreign).unwrap();
        assert_eq!(found.to_string(), "no AWS credentials: disk on fire");
    }

    #[test]
    fn every_source_is_told_with_what_it_said() {
        let tried = [
            (Source::Environment, "nothing is set"),
            (
                Source::Profile(Some("ci".into())),
                "the SSO session has expired",
            ),
        ];
        let tried = tried.map(|(source, said)| Tried {
            source,
            said: said.to_owned(),
        });
        let error = Error::Credentials {
            tried: tried.into(),
        };
        assert_eq!(
            error.to_string(),
            "no AWS credentials: the environment (AWS_ACCESS_KEY_ID): nothing is set; the profile \
             \"ci\": the SSO session has expired"
        );
    }
}
