//! How single settings must be formed; each function says what it expected instead.

use std::time::Duration;

use http::Uri;
use jiff::SignedDuration;
use serde::de::IgnoredAny;

/// Accepted, or what could stand there: `the name of an AWS region, such as eu-west-1`.
pub type Judged = Result<(), &'static str>;

/// Any region of any partition.
pub fn region(text: &str) -> Judged {
    accept(
        is_region(text),
        "the name of an AWS region, such as eu-west-1",
    )
}

/// An IAM role of any partition.
pub fn role_arn(text: &str) -> Judged {
    let role = iam_resource(text, is_account, "role/");
    accept(
        role,
        "the ARN of an IAM role, arn:aws:iam::<account>:role/<name>",
    )
}

/// A managed policy, of an account or of AWS.
pub fn policy_arn(text: &str) -> Judged {
    let owner = |account: &str| account == "aws" || is_account(account);
    let policy = iam_resource(text, owner, "policy/");
    accept(
        policy,
        "the ARN of an IAM policy, arn:aws:iam::<account>:policy/<name>",
    )
}

/// RoleSessionName and SourceIdentity of STS AssumeRole.
pub fn session_name(text: &str) -> Judged {
    let formed = (2..=64).contains(&text.len()) && all(text, "_+=,.@-");
    accept(formed, "2 to 64 letters, digits or any of _+=,.@-")
}

/// ExternalId of STS AssumeRole.
pub fn external_id(text: &str) -> Judged {
    let formed = (2..=1224).contains(&text.len()) && all(text, "_+=,.@:/-");
    accept(formed, "2 to 1224 letters, digits or any of _+=,.@:/-")
}

/// DurationSeconds of STS AssumeRole.
pub fn duration(text: &str) -> Judged {
    let formed = session_length(text).is_some();
    accept(formed, "a length of time from \"15m\" to \"12h\"")
}

/// Policy of STS AssumeRole: what is in it is for AWS to judge.
pub fn policy(text: &str) -> Judged {
    let formed =
        text.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok();
    accept(formed, "a policy as JSON")
}

/// The number of an account.
pub fn account_id(text: &str) -> Judged {
    accept(
        is_account(text),
        "the number of an AWS account, twelve digits",
    )
}

/// The URL of a proxy, or nothing: no proxy then, whatever the environment says.
pub fn proxy(text: &str) -> Judged {
    let expected = "a URL with http:// or https:// and a host, or \"\" for no proxy";
    accept(text.is_empty() || url(text).is_ok(), expected)
}

/// An address that can be asked.
pub fn url(text: &str) -> Judged {
    let reachable = |uri: Uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
    };
    let formed = text.parse().is_ok_and(reachable);
    accept(formed, "a URL with http:// or https:// and a host")
}

/// Something, and no blanks only.
pub fn filled(text: &str) -> Judged {
    accept(!text.trim().is_empty(), "something, or nothing at all")
}

/// How the instance's metadata are reached.
pub const ENDPOINT_MODES: &[&str] = &["IPv4", "IPv6"];

/// Whether this is formed like the name of an AWS region in any partition (`eu-west-1`,
/// `us-gov-east-1`).
pub fn is_region(text: &str) -> bool {
    let mut parts = text.split('-');
    let area = parts
        .next()
        .is_some_and(|part| is_word(part) && (2..=4).contains(&part.len()));
    let number = parts.next_back().is_some_and(|part| {
        (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    });
    let middle: Vec<_> = parts.collect();
    area && number && !middle.is_empty() && middle.into_iter().all(is_word)
}

/// Whether this is formed like the name of a partition: `aws`, `aws-cn`, `aws-us-gov` …
pub fn is_partition(text: &str) -> bool {
    text.split('-').next() == Some("aws") && text.split('-').all(is_word)
}

/// Whether this is formed like the id of an account: twelve digits.
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// 900 to 43200 seconds.
pub(super) fn session_length(text: &str) -> Option<Duration> {
    let length = text.parse::<SignedDuration>().ok()?;
    let in_bounds = (900..=43_200).contains(&length.as_secs()) && length.subsec_nanos() == 0;
    in_bounds.then(|| length.unsigned_abs())
}

fn accept(formed: bool, expected: &'static str) -> Judged {
    formed.then_some(()).ok_or(expected)
}

fn iam_resource(text: &str, owner: impl Fn(&str) -> bool, kind: &str) -> bool {
    let parts: Vec<_> = text.splitn(6, ':').collect();
    let [arn, partition, service, region, account, resource] = parts[..] else {
        return false;
    };
    let place = arn == "arn" && is_partition(partition) && service == "iam" && region.is_empty();
    let name = resource
        .strip_prefix(kind)
        .is_some_and(|name| !name.is_empty());
    place && owner(account) && name && !text.contains(char::is_whitespace)
}

fn is_word(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn all(text: &str, besides: &str) -> bool {
    text.chars()
        .all(|letter| letter.is_ascii_alphanumeric() || besides.contains(letter))
}
