//! `AssumeRoleWithWebIdentity`: a role for whoever an issuer vouches for, without a key of AWS.
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::World;
use super::accounts::Role;
use super::answer::{Failure, element, xml_result};
use super::oidc::{Claims, IdentityToken};
use super::sts::{assumed, real_now, required, session_name, session_seconds};

/// Carries it out and gives the XML of its answer.
pub(crate) fn assume_with_token(
    world: &World,
    request: &Value,
    request_id: &str,
) -> Result<String, Failure> {
    let arn = required(request, "RoleArn")?;
    let session = session_name(request)?;
    let token = required(request, "WebIdentityToken")?;
    let claims = vouched(world, arn, token, real_now())?;
    let mut accounts = world.accounts();
    let role = accounts
        .role(arn)
        .filter(|role| admits(role, &claims))
        .cloned()
        .ok_or_else(denied)?;
    let seconds = session_seconds(request, &role, false)?;
    let key = accounts.open_session(
        &role,
        session,
        real_now() + SignedDuration::from_secs(seconds),
    );
    let result = [
        assumed(&key),
        element("SubjectFromWebIdentityToken", &claims.sub),
        element("Provider", &claims.iss),
    ]
    .concat();
    Ok(xml_result("AssumeRoleWithWebIdentity", request_id, &result))
}

/// What the token claims, if an issuer that the role's account knows signed it and it is not over.
fn vouched(world: &World, role: &str, token: &str, now: Timestamp) -> Result<Claims, Failure> {
    let token = IdentityToken::read(token).ok_or_else(|| {
        invalid(
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an \
             Access Token)",
        )
    })?;
    let claims = &token.claims;
    let account = role.split(':').nth(4).unwrap_or_default();
    let issuer = world
        .issuer(&claims.iss)
        .filter(|issuer| world.accounts().knows_issuer(account, issuer.url()))
        .ok_or_else(|| {
            invalid(format!(
                "No OpenIDConnect provider found in your account for {}",
                claims.iss
            ))
        })?;
    if !issuer.has_signed(&token) {
        return Err(invalid(
            "Couldn't verify the token's signature with the keys of your identity provider",
        ));
    }
    if !claims.aud.has(issuer.audience()) {
        return Err(invalid("Incorrect token audience"));
    }
    if claims.exp <= now.as_second() {
        let (now, end) = (now.as_second(), claims.exp);
        return Err(Failure::of(
            "ExpiredTokenException",
            format!(
                "Token expired: current date/time {now} must be before the expiration date/time \
                 {end}"
            ),
        ));
    }
    Ok(token.claims)
}

fn admits(role: &Role, claims: &Claims) -> bool {
    role.token_trusts.iter().any(|trust| {
        let subject = match trust.subject.strip_suffix('*') {
            Some(start) => claims.sub.starts_with(start),
            None => claims.sub == trust.subject,
        };
        trust.issuer == claims.iss && subject && claims.aud.has(&trust.audience)
    })
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::of("InvalidIdentityToken", message)
}

/// Neither the role nor its trust is told.
fn denied() -> Failure {
    Failure::of(
        "AccessDenied",
        "Not authorized to perform sts:AssumeRoleWithWebIdentity",
    )
    .with_status(403)
}
