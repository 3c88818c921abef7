//! What can go wrong in signing in to AWS.

use std::fmt::Display;

use super::authority::Told;
use super::{Instance, UNTOUCHED, sentence};
use crate::aws::{Error, Tried};
use crate::clients::NoSignIn;
use crate::terraform::Diagnostic;

/// Signing in to AWS could not even be prepared.
pub(in crate::resources) fn sign_in(instance: &Instance, error: &NoSignIn) -> Diagnostic {
    instance.error(
        "no way to sign in to AWS",
        &[
            &sentence(&format!(
                "The provider's configuration does not lead to AWS credentials: {error}."
            )),
            UNTOUCHED,
            "Correct the provider block or the environment, then run it again.",
        ],
    )
}

/// There is no identity to ask something with.
pub(super) fn failed(asked: &impl Display, error: &Error) -> Told {
    let told = sentence(&format!("There is no identity for {asked}: {error}."));
    let (what, told, remedy) = match error {
        Error::Credentials { tried } => (
            "no AWS credentials",
            looked_for(asked, tried),
            "Sign in, or name a `profile` or role in the provider block, then run it again.",
        ),
        Error::NoIdentity { .. } => (
            "no AWS credentials",
            told,
            "Sign in, or name a `profile` or role in the provider block, then run it again.",
        ),
        Error::RoleRefused { code, .. } if is_expired(code) => {
            ("the AWS credentials have expired", told, RENEW)
        }
        Error::Unidentified { code, .. } if code.as_deref().is_some_and(is_expired) => {
            ("the AWS credentials have expired", told, RENEW)
        }
        Error::RoleRefused { .. } => (
            "a role cannot be assumed",
            told,
            "Let the role trust the identity before it, with the `external_id` that it asks for, and \
             allow that identity `sts:AssumeRole` on the role.",
        ),
        Error::RoleUnreachable { .. } | Error::Unidentified { .. } => (
            "AWS STS gives no answer",
            told,
            "Check the network, proxies, `region` and `endpoints {}`, then run it again.",
        ),
        Error::WrongAccount { .. } => (
            "the AWS account is not allowed",
            told,
            "Sign in to an account that is allowed, or correct `allowed_account_ids` or \
             `forbidden_account_ids`.",
        ),
        Error::Setting { .. }
        | Error::TokenFile { .. }
        | Error::CaBundle { .. }
        | Error::Unsigned { .. }
        | Error::NoSts { .. } => (
            "no way to sign in to AWS",
            told,
            "Correct the provider block or the environment, then run it again.",
        ),
    };
    (what, told, remedy.to_owned())
}

/// AWS does not take the credentials that it was shown.
pub(super) fn refused(code: &str, whose: &str, told: &str) -> Told {
    let told = format!("{told} The credentials came from {whose}.");
    match is_expired(code) {
        true => ("the AWS credentials have expired", told, RENEW.to_owned()),
        false => (
            "AWS refuses the credentials",
            told,
            "Sign in again: they are unknown, or the clock of this machine is wrong.".to_owned(),
        ),
    }
}

/// Credentials of roles are renewed before they end.
const RENEW: &str = "Sign in again (`aws sso login`, new keys, a new token), then run it again. Roles that the \
                     provider assumes are renewed by itself, so it is where the chain begins that has run \
                     out.";

fn looked_for(asked: &impl Display, tried: &[Tried]) -> String {
    let line = |it: &Tried| format!("- {}: {}", it.source, it.said);
    let lines: Vec<_> = tried.iter().map(line).collect();
    format!(
        "There is no identity for {asked}. Looked for, in this order:\n{}",
        lines.join("\n")
    )
}

fn is_expired(code: &str) -> bool {
    matches!(
        code,
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired"
    )
}
