//! `ListCertificateAuthorities`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::World;
use super::super::answer::Failure;
use super::super::caller::Caller;
use super::access::may;
use super::authority::Authority;
use super::describe::description;

/// The request as it comes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListCertificateAuthorities {
    max_results: Option<i64>,
    next_token: Option<String>,
    resource_owner: Option<String>,
}

/// What MaxResults may say, and how many AWS really gives at most.
const LARGEST_REQUEST: i64 = 1000;
const LARGEST_PAGE: usize = 100;

/// A page of the CAs of the caller's account, or of those shared with it, in the Region that it
/// asks in.
pub(super) fn list(
    world: &World,
    caller: &Caller,
    request: &ListCertificateAuthorities,
) -> Result<Value, Failure> {
    may(caller, "ListCertificateAuthorities", "*")?;
    let (first, size) = (request.first()?, request.page_size()?);
    let wanted = request.ownership(&caller.principal.account)?;
    let authorities = world.authorities();
    let all: Vec<_> = authorities
        .in_order()
        .filter(|a| a.arn.region == caller.region && wanted(a))
        .collect();
    let now = world.now();
    let page: Vec<_> = all
        .iter()
        .skip(first)
        .take(size)
        .map(|authority| description(authority, now))
        .collect();
    let next = first + page.len();
    let mut answer = json!({ "CertificateAuthorities": page });
    if next < all.len() {
        answer["NextToken"] = json!(URL_SAFE_NO_PAD.encode(next.to_string()));
    }
    Ok(answer)
}

impl ListCertificateAuthorities {
    fn first(&self) -> Result<usize, Failure> {
        let Some(token) = &self.next_token else {
            return Ok(0);
        };
        let decoded = URL_SAFE_NO_PAD
            .decode(token)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        decoded.and_then(|text| text.parse().ok()).ok_or_else(|| {
            Failure::of(
                "InvalidNextTokenException",
                "The NextToken is not one that was returned.",
            )
        })
    }

    fn page_size(&self) -> Result<usize, Failure> {
        match self.max_results {
            None => Ok(LARGEST_PAGE),
            Some(size @ 1..=LARGEST_REQUEST) => {
                Ok(usize::try_from(size).map_or(LARGEST_PAGE, |size| size.min(LARGEST_PAGE)))
            }
            Some(size) => Err(Failure::unfit(
                "MaxResults",
                &size.to_string(),
                "have value between 1 and 1000",
            )),
        }
    }

    fn ownership(&self, account: &str) -> Result<impl Fn(&Authority) -> bool, Failure> {
        let others = match self.resource_owner.as_deref() {
            None | Some("SELF") => false,
            Some("OTHER_ACCOUNTS") => true,
            Some(other) => {
                return Err(Failure::unfit(
                    "ResourceOwner",
                    other,
                    "satisfy enum value set: [SELF, OTHER_ACCOUNTS]",
                ));
            }
        };
        Ok(move |authority: &Authority| {
            if others {
                authority.is_shared_with(account)
            } else {
                authority.arn.account == account
            }
        })
    }
}
