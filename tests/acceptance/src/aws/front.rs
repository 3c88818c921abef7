//! The one door: every request is recognised, its caller found, faults applied, the call carried
//! out, written down, and answered, in this order.

use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use serde_json::Value;

use super::answer::{Failure, Outcome, plain, response};
use super::asked::{Asked, text};
use super::caller::Caller;
use super::calls::Call;
use super::fault::Fault;
use super::service::Service;
use super::{World, eks, kms, pca, random, sts, web_identity};

const LONGEST_BODY: usize = 1 << 20;

/// The handler of the whole server.
pub(crate) async fn answer(State(world): State<Arc<World>>, request: Request) -> Response<Body> {
    let request_id = random::uuid();
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LONGEST_BODY).await else {
        return plain(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is longer than 1 MiB",
        );
    };
    let asked = match Asked::read(&parts, &body) {
        Ok(asked) => asked,
        Err(refused) => return *refused,
    };
    let caller = Caller::of(&world, &asked, &parts, &body);
    let outcome = match &caller {
        Ok(caller) => carried_out(&world, &asked, caller.as_ref(), &request_id),
        Err(refusal) => Err(refusal.failure(asked.service.protocol())),
    };
    let caller = caller.ok().flatten();
    world
        .calls
        .write(written(&world, &parts, &asked, caller, &outcome));
    world.faults.wait_until_answerable(&asked.operation).await;
    response(asked.service.protocol(), &request_id, outcome)
}

fn carried_out(
    world: &World,
    asked: &Asked,
    caller: Option<&Caller>,
    request_id: &str,
) -> Result<Outcome, Failure> {
    if let Some(caller) = caller
        && !world
            .buckets
            .allow(&asked.operation, caller, Instant::now())
    {
        return Err(asked.service.throttling());
    }
    let fault = world.faults.next(&asked.operation);
    if let Some(Fault::Refused(failure)) = fault {
        return Err(failure);
    }
    let outcome = operated(world, asked, caller, request_id);
    match fault {
        Some(_) => outcome.and_then(|_| Err(Failure::internal())),
        None => outcome,
    }
}

fn operated(
    world: &World,
    asked: &Asked,
    caller: Option<&Caller>,
    request_id: &str,
) -> Result<Outcome, Failure> {
    let Asked {
        operation, request, ..
    } = asked;
    let rewritten = |result| Outcome::Json(world.faults.rewritten(operation, result));
    match (asked.service, caller) {
        (Service::Pca, Some(caller)) => {
            pca::operate(world, caller, operation, request).map(rewritten)
        }
        (Service::Kms, Some(caller)) => {
            kms::operate(world, caller, operation, request).map(rewritten)
        }
        (Service::Eks, Some(caller)) => eks::describe(world, caller, request).map(rewritten),
        (Service::Sts, Some(caller)) => {
            sts::operate(world, caller, operation, request, request_id).map(Outcome::Xml)
        }
        (_, None) => web_identity::assume_with_token(world, request, request_id).map(Outcome::Xml),
    }
}

fn written(
    world: &World,
    parts: &Parts,
    asked: &Asked,
    caller: Option<Caller>,
    outcome: &Result<Outcome, Failure>,
) -> Call {
    let result = match outcome {
        Ok(Outcome::Json(result)) => Some(result),
        _ => None,
    };
    let made = result.and_then(|result| result.get("CertificateArn"));
    let used = result.and_then(|result| result.get("KeyId"));
    let about = made
        .or_else(|| asked.request.get("CertificateArn"))
        .and_then(Value::as_str);
    let (region, principal) = caller
        .map(|caller| (caller.region, caller.principal))
        .unzip();
    Call {
        operation: asked.operation.clone(),
        at: world.clock.now(),
        account: principal
            .as_ref()
            .map(|principal| principal.account.clone()),
        principal: principal.map(|principal| principal.arn),
        region,
        user_agent: text(parts, "user-agent"),
        error: outcome.as_ref().err().map(|failure| failure.code.clone()),
        certificate_arn: about.map(str::to_owned),
        key_arn: used.and_then(Value::as_str).map(str::to_owned),
        request: asked.request.clone(),
    }
}
