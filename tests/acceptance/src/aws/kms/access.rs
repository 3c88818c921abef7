//! Who may use which key: the key's policy and grants together with the policy of who asks.
//!
//! <https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html>

use super::super::answer::Failure;
use super::super::caller::Caller;
use super::super::policy::{Facts, Named, Request, Verdict};
use super::key::Key;
use super::keys::{Found, Keys};
use super::{Context, SYMMETRIC};

/// What somebody wants to do with a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish<'a> {
    pub(super) operation: &'a str,
    pub(super) context: &'a Context,
}

/// Why it is not allowed.
enum Denied {
    /// A policy of this kind says no.
    By(&'static str),
    /// No policy of this kind says yes.
    Without(&'static str),
}

const IDENTITY: &str = "identity-based policy";
const RESOURCE: &str = "resource-based policy";

impl Wish<'_> {
    pub(super) fn is_allowed(
        &self,
        keys: &Keys,
        caller: &Caller,
        found: Found<'_>,
    ) -> Result<(), Failure> {
        let (arn, action) = (found.key.arn.to_string(), format!("kms:{}", self.operation));
        let facts = self.facts(keys, caller, found);
        let request = Request {
            action: &action,
            resource: &arn,
            facts: &facts,
        };
        self.decided(found.key, caller, &request).map_err(|denied| {
            let began = format!(
                "User: {} is not authorized to perform: {action} on resource: {arn}",
                caller.principal.arn
            );
            Failure::access_denied(match denied {
                Denied::By(policy) => {
                    let article = if policy == IDENTITY { "an" } else { "a" };
                    format!("{began} with an explicit deny in {article} {policy}")
                }
                Denied::Without(policy) => {
                    format!("{began} because no {policy} allows the {action} action")
                }
            })
        })
    }

    /// Within an account the key's policy may let somebody in by itself, or leave it to the account's own
    /// policies; across accounts both sides must agree.
    fn decided(&self, key: &Key, caller: &Caller, request: &Request<'_>) -> Result<(), Denied> {
        let principal = &caller.principal;
        let identity = principal.judge(request);
        let named = |named| key.policy.judge_for(principal, &[named], request);
        let (itself, by_account) = (named(Named::Itself), named(Named::ByAccount));
        if identity == Verdict::Denied {
            return Err(Denied::By(IDENTITY));
        }
        if itself == Verdict::Denied || by_account == Verdict::Denied {
            return Err(Denied::By(RESOURCE));
        }
        let granted = key.grants.iter().any(|grant| grant.allows(principal, self));
        let in_person = granted || itself == Verdict::Allowed;
        let at_home = key.arn.account == principal.account;
        match identity {
            _ if in_person && at_home => Ok(()),
            _ if !in_person && by_account != Verdict::Allowed => Err(Denied::Without(RESOURCE)),
            Verdict::Allowed => Ok(()),
            _ => Err(Denied::Without(IDENTITY)),
        }
    }

    /// <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html>
    fn facts(&self, keys: &Keys, caller: &Caller, found: Found<'_>) -> Facts {
        let (principal, mut facts) = (&caller.principal, Facts::default());
        for (name, value) in self.context {
            facts.add(&format!("kms:EncryptionContext:{name}"), value);
            facts.add("kms:EncryptionContextKeys", name);
        }
        facts.add("kms:CallerAccount", &principal.account);
        if let Some(alias) = found.alias {
            facts.add("kms:RequestAlias", alias);
        }
        for alias in keys.aliases_of(&found.key.arn) {
            facts.add("kms:ResourceAliases", alias);
        }
        if self.operation == "Decrypt" {
            facts.add("kms:EncryptionAlgorithm", SYMMETRIC);
        }
        let multi_region = found.key.arn.is_multi_region().to_string();
        facts.add("kms:MultiRegion", multi_region);
        facts.add("aws:PrincipalAccount", &principal.account);
        let arn = principal.role.as_ref().unwrap_or(&principal.arn);
        facts.add("aws:PrincipalArn", arn);
        facts.add("aws:RequestedRegion", &caller.region);
        facts
    }
}
