//! What can go wrong on the way to a cluster of EKS.

use std::sync::Arc;

use super::{Chapter, secret};
use crate::aws;
use crate::aws::patience::Ended;
use crate::clients::{NoCluster, NoSignIn};
use crate::eks::{ClusterArn, Error, Place};
use crate::resources::words;
use crate::terraform::Diagnostic;

fn place() -> Place {
    Place {
        name: "mesh-a".to_owned(),
        region: "eu-west-1".to_owned(),
    }
}

fn arn(account: &str) -> ClusterArn {
    let text = format!("arn:aws:eks:eu-west-1:{account}:cluster/mesh-a");
    text.parse().expect("an ARN")
}

pub(super) fn absent() -> Error {
    Error::Absent {
        place: place(),
        account: Some("444455556666".to_owned()),
    }
}

fn no_credentials() -> aws::Error {
    aws::Error::RoleRefused {
        role_arn: "arn:aws:iam::111122223333:role/mesh-ci".to_owned(),
        code: "AccessDenied".to_owned(),
        message: "User: … is not authorized to perform: sts:AssumeRole".to_owned(),
        request_id: None,
    }
}

fn refusals() -> Vec<Error> {
    let place = place();
    vec![
        absent(),
        Error::NotReady {
            place: place.clone(),
            status: "CREATING".to_owned(),
        },
        Error::Denied {
            place: place.clone(),
            message: "User: … is not authorized to perform: eks:DescribeCluster".to_owned(),
        },
        Error::NotSignedIn {
            place: place.clone(),
            source: Box::new(no_credentials()),
        },
        Error::IdentityRefused {
            place: place.clone(),
            code: "ExpiredTokenException".to_owned(),
            message: "The security token included in the request is expired".to_owned(),
            whose: "the environment (AWS_ACCESS_KEY_ID)".to_owned(),
        },
        Error::Unreachable {
            place: place.clone(),
            reason: "Connection refused".to_owned(),
        },
        Error::Refused {
            place: place.clone(),
            code: "InvalidParameterException".to_owned(),
            message: "(what AWS says)".to_owned(),
        },
        Error::Incomplete {
            place,
            missing: "the endpoint",
        },
    ]
}

pub(super) fn chapter() -> Chapter {
    let instance = secret();
    let refused = refusals().into_iter();
    let refused = refused.map(|error| NoCluster::Eks(Arc::new(error)));
    let others = [
        NoCluster::SignIn(NoSignIn::SignIn(no_credentials())),
        NoCluster::NoRegion {
            name: "mesh-a".to_owned(),
        },
        NoCluster::Ended(Ended::Stopped),
        NoCluster::Ended(Ended::Deadline),
        NoCluster::Another {
            wanted: Box::new(arn("111122223333")),
            found: Box::new(arn("444455556666")),
        },
    ];
    let connecting = refused.chain(others);
    let mut messages: Vec<Diagnostic> = connecting
        .map(|error| words::connection(&instance, &error))
        .collect();
    let absent = NoCluster::Eks(Arc::new(absent()));
    messages.extend([
        words::not_there_yet(&instance, &absent),
        words::cluster_gone(&instance, &absent),
    ]);
    Chapter {
        title: "The way to a cluster of EKS",
        about: "What can go wrong before there is an API server to speak to.",
        messages,
    }
}
