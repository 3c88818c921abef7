//! The book of calls: what was asked of the emulator, by whom, and what came of it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use thiserror::Error;
use tokio::sync::watch;

/// One call, written down when it has been decided and before it is answered.
#[derive(Clone, Debug)]
pub struct Call {
    /// The operation's name, such as `IssueCertificate`; empty if the request named none.
    pub operation: String,
    /// When, by the emulator's clock.
    pub at: Timestamp,
    /// The caller's account; `None` if its signature or key was refused, or if the operation needs
    /// neither, as AssumeRoleWithWebIdentity.
    pub account: Option<String>,
    /// The caller's ARN, as `GetCallerIdentity` would tell it.
    pub principal: Option<String>,
    /// The Region that the request was signed for.
    pub region: Option<String>,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// The code of the error that was answered; `None` if the call worked.
    pub error: Option<String>,
    /// The certificate that the call was about, or that it made.
    pub certificate_arn: Option<String>,
    /// The KMS key that the call used, if it worked; whichever name it was asked for by.
    pub key_arn: Option<String>,
    /// The request as JSON; the parameters of the Query protocol as one object.
    pub request: Value,
}

/// The wait was over before the calls had come.
#[derive(Debug, Error)]
#[error(
    "{seen} of {wanted} calls of {operation} came within {deadline:?}; all calls so far: {all:?}"
)]
pub struct NotCalled {
    /// The operation that was waited for.
    pub operation: String,
    /// How many calls were wanted.
    pub wanted: usize,
    /// How many came.
    pub seen: usize,
    /// How long was waited.
    pub deadline: Duration,
    /// The operations of all calls, in order.
    pub all: Vec<String>,
}

/// Calls in the order in which they were decided.
#[derive(Debug)]
pub(crate) struct Calls {
    written: Mutex<Vec<Call>>,
    length: watch::Sender<usize>,
}

impl Call {
    /// `CertificateAuthorityArn` of the request.
    pub fn ca_arn(&self) -> Option<&str> {
        self.text("CertificateAuthorityArn")
    }

    /// `IdempotencyToken` of the request.
    pub fn token(&self) -> Option<&str> {
        self.text("IdempotencyToken")
    }

    /// `TemplateArn` of the request.
    pub fn template(&self) -> Option<&str> {
        self.text("TemplateArn")
    }

    /// `RoleArn` of the request.
    pub fn role(&self) -> Option<&str> {
        self.text("RoleArn")
    }

    /// `name` of a DescribeCluster.
    pub fn cluster(&self) -> Option<&str> {
        self.text("name")
    }

    /// `KeyId` of a call to KMS, as it was asked for.
    pub fn key_id(&self) -> Option<&str> {
        self.text("KeyId")
    }

    /// `EncryptionContext` of a call to KMS; empty if it has none.
    pub fn encryption_context(&self) -> BTreeMap<String, String> {
        let context = self
            .request
            .get("EncryptionContext")
            .and_then(Value::as_object);
        let pairs = context.into_iter().flatten();
        let pairs =
            pairs.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        pairs.collect()
    }

    fn text(&self, member: &str) -> Option<&str> {
        self.request.get(member)?.as_str()
    }
}

impl Calls {
    pub(crate) fn new() -> Self {
        Self {
            written: Mutex::new(Vec::new()),
            length: watch::Sender::new(0),
        }
    }

    pub(crate) fn write(&self, call: Call) {
        let length = {
            let mut written = self.written();
            written.push(call);
            written.len()
        };
        // Only now, with the book closed: who waits opens it while holding the length.
        self.length.send_replace(length);
    }

    pub(crate) fn all(&self) -> Vec<Call> {
        self.written().clone()
    }

    pub(crate) fn count(&self, operation: &str) -> usize {
        self.written()
            .iter()
            .filter(|call| call.operation == operation)
            .count()
    }

    pub(crate) fn forget(&self) {
        self.written().clear();
    }

    pub(crate) async fn wait_for(
        &self,
        operation: &str,
        wanted: usize,
        deadline: Duration,
    ) -> Result<(), NotCalled> {
        let mut length = self.length.subscribe();
        let there = length.wait_for(|_| self.count(operation) >= wanted);
        if tokio::time::timeout(deadline, there).await.is_ok() {
            return Ok(());
        }
        let all = self.all().into_iter().map(|call| call.operation).collect();
        Err(NotCalled {
            operation: operation.to_owned(),
            wanted,
            seen: self.count(operation),
            deadline,
            all,
        })
    }

    fn written(&self) -> MutexGuard<'_, Vec<Call>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
