//! What can go wrong in signing in to AWS.

use super::authority::{answer, asked};
use super::{Chapter, intermediate};
use crate::aws::{self, Accounts, Caller, Source, Tried};
use crate::clients::NoSignIn;
use crate::pca::{Error, Operation};
use crate::resources::words;
use crate::terraform::value::Unreadable;
use crate::terraform::{Diagnostic, Path};

const ROLE: &str = "arn:aws:iam::111122223333:role/mesh-ca-issuer";

fn failed() -> Vec<aws::Error> {
    let role_arn = ROLE.to_owned();
    vec![
        nothing_found(),
        aws::Error::NoIdentity {
            reason: "identity resolver timed out after 80s".to_owned(),
        },
        role_refused("AccessDenied", "not authorized to perform: sts:AssumeRole"),
        role_refused(
            "ExpiredToken",
            "The security token included in the request is expired",
        ),
        aws::Error::RoleUnreachable {
            role_arn,
            reason: "dial tcp 10.0.0.2:443: connect: connection refused".to_owned(),
        },
        wrong_account(),
        aws::Error::TokenFile {
            file: "/var/run/token".to_owned(),
            reason: "it is empty".to_owned(),
        },
        aws::Error::CaBundle {
            said: "custom_ca_bundle",
            path: "/etc/proxy-ca.pem".to_owned(),
            reason: "it is not PEM".to_owned(),
        },
    ]
}

fn nothing_found() -> aws::Error {
    let tried = [
        (Source::Environment, "environment variable not set"),
        (
            Source::Profile(Some("mesh".to_owned())),
            "the SSO token has expired and cannot be refreshed",
        ),
    ];
    let tried = tried.map(|(source, said)| Tried {
        source,
        said: said.to_owned(),
    });
    aws::Error::Credentials {
        tried: tried.into(),
    }
}

fn role_refused(code: &str, message: &str) -> aws::Error {
    aws::Error::RoleRefused {
        role_arn: ROLE.to_owned(),
        code: code.to_owned(),
        message: message.to_owned(),
        request_id: None,
    }
}

fn wrong_account() -> aws::Error {
    aws::Error::WrongAccount {
        caller: Box::new(Caller {
            account: "444455556666".to_owned(),
            partition: "aws".to_owned(),
            arn: "arn:aws:iam::444455556666:user/ci".to_owned(),
        }),
        accounts: Box::new(Accounts {
            allowed: vec!["111122223333".to_owned()],
            forbidden: Vec::new(),
        }),
    }
}

pub(super) fn chapter() -> Chapter {
    let instance = intermediate();
    let described = || asked(Operation::DescribeCertificateAuthority);
    let not_signed_in = |source| Error::NotSignedIn {
        asked: described(),
        source,
    };
    let refused = |code, message| Error::IdentityRefused {
        answer: answer(Operation::DescribeCertificateAuthority, code, message),
        whose: "the profile \"mesh\"".to_owned(),
    };
    let errors = failed().into_iter().map(not_signed_in).chain([
        refused(
            "ExpiredTokenException",
            "The security token included in the request is expired",
        ),
        refused(
            "UnrecognizedClientException",
            "The security token included in the request is invalid",
        ),
    ]);
    let mut messages: Vec<Diagnostic> = errors
        .map(|error| words::authority(&instance, &error))
        .collect();
    let unknown = NoSignIn::Settings(Unreadable::NotYetKnown {
        path: Path::from("profile"),
    });
    messages.push(words::sign_in(&instance, &unknown));
    Chapter {
        title: "Signing in to AWS",
        about: "Told when something is first asked of AWS: nothing is asked, and nobody signs in, before \
                that.",
        messages,
    }
}
