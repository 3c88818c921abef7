//! AWS STS, as far as signing in needs it: AssumeRole and GetCallerIdentity. What a web identity
//! gets is in [`super::web_identity`].

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::World;
use super::accounts::{Key, Principal, Role};
use super::answer::{Failure, element, xml_result};
use super::caller::Caller;

const DEFAULT_SESSION_SECONDS: i64 = 3600;
const SHORTEST_SESSION_SECONDS: i64 = 900;
/// The cap on a session that was opened from another session.
const LONGEST_CHAINED_SECONDS: i64 = 3600;

/// The moment by the real clock. Sessions end by it and not by the emulator's, because SDKs compare
/// the end with theirs.
pub(crate) fn real_now() -> Timestamp {
    Timestamp::now()
}

/// Carries out one action of the Query protocol and gives the XML of its answer.
pub(crate) fn operate(
    world: &World,
    caller: &Caller,
    action: &str,
    request: &Value,
    request_id: &str,
) -> Result<String, Failure> {
    let result = match action {
        "AssumeRole" => assume_role(world, &caller.principal, request)?,
        "GetCallerIdentity" => identity(&caller.principal),
        _ => {
            return Err(Failure::of(
                "InvalidAction",
                format!("Could not find operation {action} for version 2011-06-15"),
            ));
        }
    };
    Ok(xml_result(action, request_id, &result))
}

fn assume_role(world: &World, caller: &Principal, request: &Value) -> Result<String, Failure> {
    let arn = required(request, "RoleArn")?;
    let session = session_name(request)?;
    let mut accounts = world.accounts();
    let role = accounts
        .role(arn)
        .filter(|role| admits(role, caller, request))
        .cloned()
        .ok_or_else(|| denied(caller, arn))?;
    let seconds = session_seconds(request, &role, caller.role.is_some())?;
    let expires = real_now() + SignedDuration::from_secs(seconds);
    Ok(assumed(&accounts.open_session(&role, session, expires)))
}

/// `RoleSessionName`, which goes into the session's ARN.
pub(super) fn session_name(request: &Value) -> Result<&str, Failure> {
    let session = required(request, "RoleSessionName")?;
    if !(2..=64).contains(&session.len())
        || !session
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c))
    {
        return Err(invalid(Failure::unfit(
            "RoleSessionName",
            session,
            "satisfy regular expression pattern: [\\w+=,.@-]*",
        )));
    }
    Ok(session)
}

/// A role that is not there and one that does not trust the caller get the same answer, so that
/// nobody can probe.
fn admits(role: &Role, caller: &Principal, request: &Value) -> bool {
    let external_id = request.get("ExternalId").and_then(Value::as_str);
    let named = role.external_id.is_none() || role.external_id.as_deref() == external_id;
    role.trusts(caller) && named && caller.may("sts:AssumeRole", &role.arn)
}

/// `DurationSeconds` or its default; `chained` if it is opened from another session.
pub(super) fn session_seconds(request: &Value, role: &Role, chained: bool) -> Result<i64, Failure> {
    let asked = match request.get("DurationSeconds").and_then(Value::as_str) {
        Some(text) => text
            .parse()
            .map_err(|_| invalid(Failure::unfit("DurationSeconds", text, "be a number")))?,
        None => DEFAULT_SESSION_SECONDS,
    };
    if asked < SHORTEST_SESSION_SECONDS {
        return Err(invalid(Failure::unfit(
            "DurationSeconds",
            &asked.to_string(),
            "have value greater than or equal to 900",
        )));
    }
    if chained && asked > LONGEST_CHAINED_SECONDS {
        return Err(Failure::of(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by \
             role chaining",
        ));
    }
    if asked > role.longest_session_seconds {
        return Err(Failure::of(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    Ok(asked)
}

/// `Credentials` and `AssumedRoleUser` of the API.
pub(super) fn assumed(key: &Key) -> String {
    let credentials = [
        element("AccessKeyId", &key.credentials.access_key_id),
        element("SecretAccessKey", &key.credentials.secret_access_key),
        element(
            "SessionToken",
            key.credentials.session_token.as_deref().unwrap_or_default(),
        ),
        element(
            "Expiration",
            &seconds_only(key.expires.unwrap_or(Timestamp::MAX)),
        ),
    ];
    let user = [
        element("AssumedRoleId", &key.principal.user_id),
        element("Arn", &key.principal.arn),
    ];
    format!(
        "<Credentials>{}</Credentials><AssumedRoleUser>{}</AssumedRoleUser>",
        credentials.concat(),
        user.concat()
    )
}

fn identity(caller: &Principal) -> String {
    [
        element("Arn", &caller.arn),
        element("UserId", &caller.user_id),
        element("Account", &caller.account),
    ]
    .concat()
}

/// A parameter that must be there.
pub(super) fn required<'a>(request: &'a Value, member: &str) -> Result<&'a str, Failure> {
    let value = request
        .get(member)
        .and_then(Value::as_str)
        .filter(|value| !value.is_empty());
    value.ok_or_else(|| invalid(Failure::absent(member)))
}

fn denied(caller: &Principal, role: &str) -> Failure {
    let arn = &caller.arn;
    Failure::of(
        "AccessDenied",
        format!("User: {arn} is not authorized to perform: sts:AssumeRole on resource: {role}"),
    )
    .with_status(403)
}

/// STS has its own name for what JSON services call a ValidationException.
fn invalid(failure: Failure) -> Failure {
    Failure {
        code: "ValidationError".to_owned(),
        ..failure
    }
}

fn seconds_only(moment: Timestamp) -> String {
    Timestamp::from_second(moment.as_second())
        .unwrap_or(moment)
        .to_string()
}
