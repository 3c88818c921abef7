//! What stands in the way of issuing, and what can go wrong in asking for it.

use std::time::Duration;

use super::{CA, Chapter, Instance, intermediate, moment, ordered, secret};
use crate::pca::{
    AlgorithmError, Answer, Asked, CaKeyAlgorithm, Error, Operation, SigningAlgorithm, Status,
    Unreachable,
};
use crate::pki::{BeyondIssuer, ChainError, Fingerprint};
use crate::resources::issue::Obstacle;
use crate::resources::words;
use crate::terraform::Diagnostic;

pub(super) fn obstacles() -> Chapter {
    let arn = CA.parse().expect("an ARN");
    let (last, found) = (Fingerprint::of(b"last"), Fingerprint::of(b"found"));
    let ends = moment("2026-04-01T00:00:00Z");
    let obstacles = [
        Obstacle::Status(Status::Disabled),
        Obstacle::Status(Status::Expired),
        Obstacle::Status(Status::Deleted),
        Obstacle::Status(Status::PendingCertificate),
        Obstacle::Algorithm(AlgorithmError::CaKey("ML_DSA_65".to_owned())),
        Obstacle::Algorithm(AlgorithmError::Family {
            asked: SigningAlgorithm::Sha256WithRsa,
            ca: CaKeyAlgorithm::EcPrime256v1,
        }),
        Obstacle::PathLength {
            allowed: 0,
            wanted: 0,
        },
        Obstacle::Partition {
            authority: "aws".to_owned(),
            template: "aws-cn".to_owned(),
        },
        Obstacle::Beyond(BeyondIssuer {
            wanted: moment("2026-05-01T00:00:00Z"),
            issuer_not_after: ends,
        }),
        Obstacle::PathEnds { at: ends },
        Obstacle::ShortLived,
        Obstacle::Sha512,
        Obstacle::NotLater {
            new: ends,
            old: ends,
        },
        Obstacle::Root {
            expected: last,
            found,
        },
        Obstacle::RootReplaced { last, found },
    ];
    let told = |obstacle: &Obstacle| words::obstacle(&intermediate(), &arn, obstacle);
    Chapter {
        title: "What keeps a CA from issuing",
        about: "Told while planning, where AWS can be asked, and before anything is ordered. For a \
                renewal that is due these are warnings in a plan, and errors when it is applied.",
        messages: obstacles.iter().map(told).collect(),
    }
}

/// What a look at a CA has to tell.
pub(super) fn looks() -> Chapter {
    use Operation::{DescribeCertificateAuthority as Describe, GetCertificateAuthorityCertificate};
    let arn: crate::pca::Arn = CA.parse().expect("an ARN");
    let instance = Instance::authority(&arn);
    let denied = |operation| {
        let answer = answer(operation, "AccessDeniedException", "not authorized");
        words::unseen(&instance, &Error::AccessDenied(answer))
    };
    let absent = answer(
        Describe,
        "ResourceNotFoundException",
        "Could not find the CA",
    );
    let ends = moment("2026-04-01T00:00:00Z");
    let because = [
        words::cannot_issue(&arn, &Obstacle::Status(Status::Disabled)),
        words::cannot_issue(&arn, &Obstacle::PathEnds { at: ends }),
        vec![words::leads_nowhere(&arn, &ChainError::Empty)],
        vec![words::uncertified(&arn)],
    ];
    Chapter {
        title: "CAs that are looked at",
        about: "What `data \"istiopca_certificate_authority\"` has to tell. The last one is not told by itself: these \
                are sentences of its `cannot_issue_because`, which says of whatever keeps the CA from issuing what the \
                messages above say of it.",
        messages: vec![
            words::unseen(&instance, &Error::NotFound(absent)),
            denied(Describe),
            denied(GetCertificateAuthorityCertificate),
            instance.warning(
                "it could not issue a mesh's CA",
                &[&because.concat().join("\n\n")],
            ),
        ],
    }
}

pub(super) fn asked(operation: Operation) -> Box<Asked> {
    Box::new(Asked {
        operation,
        authority: CA.parse().expect("an ARN"),
        attempts: 1,
        open: false,
    })
}

pub(super) fn answer(operation: Operation, code: &str, message: &str) -> Box<Answer> {
    Box::new(Answer {
        asked: *asked(operation),
        code: code.to_owned(),
        message: message.to_owned(),
        request_id: Some("0a1b2c3d".to_owned()),
    })
}

fn failed() -> Vec<Error> {
    use Operation::{DescribeCertificateAuthority as Describe, IssueCertificate as Issue};
    vec![
        Error::Stopped(asked(Issue)),
        Error::OutOfTime(asked(Issue)),
        Error::Unreachable {
            asked: asked(Describe),
            how: Unreachable::Connection,
            reason: "dial tcp 10.0.0.1:443: connect: connection refused".to_owned(),
        },
        Error::Incomplete {
            asked: asked(Describe),
            missing: "the status",
        },
        Error::Throttled(answer(Issue, "ThrottlingException", "Rate exceeded")),
        Error::Unavailable(answer(
            Issue,
            "InternalFailure",
            "An internal error occurred",
        )),
        Error::LimitExceeded(answer(
            Issue,
            "LimitExceededException",
            "Certificates per CA",
        )),
        Error::AccessDenied(answer(Issue, "AccessDeniedException", "not authorized")),
        Error::NotFound(answer(
            Describe,
            "ResourceNotFoundException",
            "Could not find the CA",
        )),
        Error::InvalidState(answer(
            Issue,
            "InvalidStateException",
            "The CA is not active",
        )),
        Error::Invalid(answer(
            Issue,
            "ValidationException",
            "The validity is too long",
        )),
        Error::NotIssued {
            certificate: ordered(),
            answer: answer(
                Operation::GetCertificate,
                "RequestFailedException",
                "It failed",
            ),
        },
    ]
}

pub(super) fn failures() -> Chapter {
    let arn = CA.parse().expect("an ARN");
    let instance = intermediate();
    let mut messages: Vec<Diagnostic> = failed()
        .iter()
        .map(|error| words::authority(&instance, error))
        .collect();
    let lost = Error::Unreachable {
        asked: Box::new(Asked {
            open: true,
            ..*asked(Operation::IssueCertificate)
        }),
        how: Unreachable::Timeout,
        reason: "no answer within 30 s".to_owned(),
    };
    let pending = Error::StillPending {
        asked: asked(Operation::GetCertificate),
        certificate: ordered(),
        waited: Duration::from_secs(300),
    };
    let refused = &Error::AccessDenied(answer(
        Operation::RevokeCertificate,
        "AccessDeniedException",
        "not authorized",
    ));
    messages.extend([
        words::not_ordered(&instance, &lost),
        words::under_way(&secret(), &ordered(), &pending, false),
        words::under_way(&intermediate(), &ordered(), &pending, true),
        words::unusable(&instance, &ordered(), "its path length is 1, expected 0"),
        words::authority_chain(&instance, &arn, &ChainError::Empty),
        words::no_request(&instance, "the subject has no common name"),
        words::not_revoked(&instance, "6a3f", refused),
        words::not_revoked_once_gone(&secret(), "6a3f", refused),
    ]);
    Chapter {
        title: "AWS Private CA",
        about: "What can go wrong in asking AWS. What was there before goes on serving in every case.",
        messages,
    }
}
