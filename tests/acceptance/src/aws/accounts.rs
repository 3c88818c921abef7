//! Who may call: accounts, users, roles, and the keys that they sign with.

use std::collections::HashMap;

use jiff::Timestamp;

use super::policy::{Facts, Policy, Request, Verdict};
use super::random;

/// What a caller signs its requests with. Printing it shows the key id only.
#[derive(Clone)]
pub struct Credentials {
    /// `AKIA…` for a user, `ASIA…` for a session.
    pub access_key_id: String,
    /// Base64.
    pub secret_access_key: String,
    /// Only temporary keys have one, and then it must go with every call.
    pub session_token: Option<String>,
}

/// Who a key belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Principal {
    pub(crate) account: String,
    pub(crate) partition: String,
    /// As `GetCallerIdentity` tells it: a user, or an assumed role with its session's name.
    pub(crate) arn: String,
    pub(crate) user_id: String,
    /// The role behind a session.
    pub(crate) role: Option<String>,
    /// Actions that its identity policy allows, `*` at the end as a wildcard; `None` allows
    /// everything.
    pub(crate) allowed: Option<Vec<String>>,
    /// Its identity policy, where it is a whole one; then `allowed` says nothing.
    pub(crate) policy: Option<Policy>,
}

/// A role that can be assumed.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) account: String,
    pub(crate) partition: String,
    pub(crate) arn: String,
    pub(crate) id: String,
    /// Account ids, or ARNs of users and roles.
    pub(crate) trusted: Vec<String>,
    pub(crate) external_id: Option<String>,
    /// Whom it trusts on the word of an issuer.
    pub(crate) token_trusts: Vec<TokenTrust>,
    pub(crate) allowed: Option<Vec<String>>,
    pub(crate) policy: Option<Policy>,
    pub(crate) longest_session_seconds: i64,
}

/// The conditions on an identity token.
#[derive(Clone, Debug)]
pub(crate) struct TokenTrust {
    /// `iss`.
    pub(crate) issuer: String,
    /// `sub`, `*` at the end as a wildcard.
    pub(crate) subject: String,
    /// `aud`.
    pub(crate) audience: String,
}

/// A key, whose it is, and until when it is good.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) credentials: Credentials,
    pub(crate) principal: Principal,
    pub(crate) expires: Option<Timestamp>,
}

/// Every key and role that the emulator knows.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    keys: HashMap<String, Key>,
    roles: HashMap<String, Role>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({})", self.access_key_id)
    }
}

impl Accounts {
    /// A user of the account, and its one key.
    pub(crate) fn add_user(
        &mut self,
        partition: &str,
        account: &str,
        name: &str,
        allowed: Option<Vec<String>>,
        policy: Option<Policy>,
    ) -> Credentials {
        let principal = Principal {
            policy,
            ..Principal::user(partition, account, name, allowed)
        };
        self.add_key("AKIA", None, principal, None)
    }

    /// A user of the account with keys that were made elsewhere, such as those of a published
    /// example.
    pub(crate) fn add_known_user(
        &mut self,
        partition: &str,
        account: &str,
        name: &str,
        credentials: &Credentials,
    ) {
        let principal = Principal::user(partition, account, name, None);
        self.keep(Key {
            credentials: credentials.clone(),
            principal,
            expires: None,
        });
    }

    pub(crate) fn add_role(&mut self, role: Role) {
        self.roles.insert(role.arn.clone(), role);
    }

    pub(crate) fn role(&self, arn: &str) -> Option<&Role> {
        self.roles.get(arn)
    }

    /// Whether the account has an OpenID Connect provider for this issuer, which it has if any of
    /// its roles trusts it.
    pub(crate) fn knows_issuer(&self, account: &str, issuer: &str) -> bool {
        let mut roles = self.roles.values().filter(|role| role.account == account);
        roles.any(|role| {
            let mut trusts = role.token_trusts.iter();
            trusts.any(|trust| trust.issuer == issuer)
        })
    }

    /// Temporary keys of a role.
    pub(crate) fn open_session(&mut self, role: &Role, session: &str, expires: Timestamp) -> Key {
        let Role {
            account, partition, ..
        } = role;
        let name = role.arn.rsplit('/').next().unwrap_or_default();
        let principal = Principal {
            account: account.clone(),
            partition: partition.clone(),
            arn: format!("arn:{partition}:sts::{account}:assumed-role/{name}/{session}"),
            user_id: format!("{}:{session}", role.id),
            role: Some(role.arn.clone()),
            allowed: role.allowed.clone(),
            policy: role.policy.clone(),
        };
        let token = Some(random::secret::<96>());
        let credentials = self.add_key("ASIA", token, principal.clone(), Some(expires));
        Key {
            credentials,
            principal,
            expires: Some(expires),
        }
    }

    pub(crate) fn key(&self, access_key_id: &str) -> Option<&Key> {
        self.keys.get(access_key_id)
    }

    /// Ends every session opened so far.
    pub(crate) fn expire_sessions(&mut self) {
        for key in self.keys.values_mut().filter(|key| key.expires.is_some()) {
            key.expires = Some(Timestamp::MIN);
        }
    }

    fn add_key(
        &mut self,
        prefix: &str,
        session_token: Option<String>,
        principal: Principal,
        expires: Option<Timestamp>,
    ) -> Credentials {
        let credentials = Credentials {
            access_key_id: random::identifier(prefix),
            secret_access_key: random::secret::<30>(),
            session_token,
        };
        self.keep(Key {
            credentials: credentials.clone(),
            principal,
            expires,
        });
        credentials
    }

    fn keep(&mut self, key: Key) {
        self.keys.insert(key.credentials.access_key_id.clone(), key);
    }
}

impl Principal {
    fn user(partition: &str, account: &str, name: &str, allowed: Option<Vec<String>>) -> Self {
        Self {
            account: account.to_owned(),
            partition: partition.to_owned(),
            arn: format!("arn:{partition}:iam::{account}:user/{name}"),
            user_id: random::identifier("AIDA"),
            role: None,
            allowed,
            policy: None,
        }
    }

    /// Whether the identity policy lets it call `action`, such as `acm-pca:IssueCertificate`, on a resource.
    pub(crate) fn may(&self, action: &str, resource: &str) -> bool {
        let facts = Facts::default();
        let request = Request {
            action,
            resource,
            facts: &facts,
        };
        self.judge(&request) == Verdict::Allowed
    }

    /// What the identity policy says of a request.
    pub(crate) fn judge(&self, request: &Request<'_>) -> Verdict {
        if let Some(policy) = &self.policy {
            return policy.judge(request);
        }
        let Some(allowed) = &self.allowed else {
            return Verdict::Allowed;
        };
        let mut allowed = allowed.iter();
        let among = allowed.any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => request.action.starts_with(start),
            None => request.action == pattern,
        });
        if among {
            Verdict::Allowed
        } else {
            Verdict::Unsaid
        }
    }
}

impl Role {
    /// Whether the trust policy names this caller: by itself, by the role behind its session, or by
    /// its account.
    pub(crate) fn trusts(&self, caller: &Principal) -> bool {
        self.trusted.iter().any(|trusted| {
            *trusted == caller.account
                || *trusted == caller.arn
                || Some(trusted) == caller.role.as_ref()
                || *trusted == format!("arn:{}:iam::{}:root", caller.partition, caller.account)
        })
    }
}
