//! Credentials of the wrong account are not handed out.

use std::fmt;
use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_sts::Client;
use aws_sdk_sts::config::Builder;
use tokio::sync::OnceCell;

use super::{Caller, Error, caller};

/// Which accounts may be acted in; one of the lists is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accounts {
    /// These only, if any.
    pub allowed: Vec<String>,
    /// All but these.
    pub forbidden: Vec<String>,
}

struct Guarded {
    inner: SharedCredentialsProvider,
    accounts: Accounts,
    sts: Builder,
    caller: Arc<OnceCell<Caller>>,
}

/// The credentials of `inner`, once STS has said that they are of an account that is allowed. The
/// guard stands in the credentials' way rather than before each service, so that no client can be
/// made that goes around it.
pub(super) fn guarded(
    inner: SharedCredentialsProvider,
    accounts: Accounts,
    sts: Builder,
    caller: Arc<OnceCell<Caller>>,
) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Guarded {
        inner,
        accounts,
        sts,
        caller,
    })
}

impl Accounts {
    fn judge(&self, caller: &Caller) -> Result<(), Error> {
        let among = |list: &[String]| list.contains(&caller.account);
        let refused = among(&self.forbidden) || !self.allowed.is_empty() && !among(&self.allowed);
        match refused {
            true => Err(Error::WrongAccount {
                caller: caller.clone().into(),
                accounts: self.clone().into(),
            }),
            false => Ok(()),
        }
    }
}

impl Guarded {
    async fn credentials(&self) -> Result<Credentials, CredentialsError> {
        let credentials = self.inner.provide_credentials().await?;
        let sts = self.sts.clone().credentials_provider(credentials.clone());
        let sts = Client::from_conf(sts.build());
        let caller = self.caller.get_or_try_init(|| caller::ask(&sts)).await;
        caller
            .and_then(|caller| self.accounts.judge(caller))
            .map_err(CredentialsError::provider_error)?;
        Ok(credentials)
    }
}

impl ProvideCredentials for Guarded {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

/// Not the client's configuration, which shows the secret keys of every profile.
impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Guarded");
        shown
            .field("accounts", &self.accounts)
            .finish_non_exhaustive()
    }
}
