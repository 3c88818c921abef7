//! An AWS of one's own: Private CA, EKS and KMS with their rules, and STS, behind one endpoint on the
//! loopback interface.
//!
//! It signs for real, keeps time by a [`Clock`] of its own, knows accounts, roles and shares, can
//! be made to fail, and writes every call down. It takes nothing from the provider: what that gets
//! wrong is not repeated here.
//!
//! ```no_run
//! # async fn story() -> Result<(), Box<dyn std::error::Error>> {
//! use istiopca_acceptance::aws::{Aws, Clock, KeyAlgorithm};
//!
//! let aws = Aws::start(Clock::stopped_at("2026-03-01T00:00:00Z".parse()?))?;
//! let root = aws.root(KeyAlgorithm::EcPrime256v1).create();
//! let issuer = aws.subordinate(&root).path_length(1).create();
//! let keys = aws.account("111122223333").user("ci");
//! // … run something against aws.endpoint() with `keys`, for issuer.arn() …
//! aws.wait_for("IssueCertificate", 1, std::time::Duration::from_secs(60)).await?;
//! # Ok(())
//! # }
//! ```

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use jiff::Timestamp;
use serde_json::Value;

mod accounts;
mod answer;
mod asked;
mod authenticator;
mod caller;
mod calls;
pub mod clock;
mod eks;
mod fault;
mod front;
pub mod identity;
pub mod kms;
mod oidc;
mod partition;
pub mod pca;
pub mod policy;
mod quota;
mod random;
mod service;
mod sigv4;
mod sts;
mod web_identity;
pub(crate) mod x509;

#[cfg(test)]
pub(crate) mod tests;

pub use accounts::Credentials;
pub use answer::Failure;
pub use authenticator::{Authenticator, Identity, Review, Unauthorized};
pub use calls::{Call, NotCalled};
pub use clock::Clock;
pub use eks::{ClusterBuilder, ClusterHandle, ClusterStatus};
pub use identity::{Account, RoleBuilder};
pub use kms::{GrantConstraint, KeyKind, KeyState, KmsKey, KmsKeyBuilder};
pub use oidc::IdentityProvider;
pub use pca::{CaBuilder, CaHandle, IssuedCertificate, RamPermission, Status, UsageMode};
pub use quota::Quotas;
pub use x509::key::{Hash, KeyAlgorithm, SigningAlgorithm};

use accounts::Accounts;
use calls::Calls;
use eks::Clusters;
use fault::{Faults, Rewrite};
use kms::Keys;
use pca::Authorities;
use quota::Buckets;

use crate::loopback::Server;

/// The account that owns a CA unless its builder says otherwise.
pub const ACCOUNT: &str = "111122223333";
/// The Region of a CA unless its builder says otherwise.
pub const REGION: &str = "eu-west-1";

/// The emulator; it stops when this is dropped.
#[derive(Debug)]
pub struct Aws {
    world: Arc<World>,
    server: Server,
}

/// Everything that a call can touch.
#[derive(Debug)]
pub(crate) struct World {
    clock: Clock,
    accounts: Mutex<Accounts>,
    authorities: Mutex<Authorities>,
    clusters: Mutex<Clusters>,
    keys: Mutex<Keys>,
    issuers: Mutex<Vec<IdentityProvider>>,
    calls: Calls,
    faults: Faults,
    buckets: Buckets,
}

impl Aws {
    /// Starts it on a free port, on a thread of its own.
    pub fn start(clock: Clock) -> io::Result<Self> {
        let world = Arc::new(World {
            clock,
            accounts: Mutex::new(Accounts::default()),
            authorities: Mutex::new(Authorities::new()),
            clusters: Mutex::default(),
            keys: Mutex::default(),
            issuers: Mutex::default(),
            calls: Calls::new(),
            faults: Faults::new(),
            buckets: Buckets::default(),
        });
        let app = Router::new()
            .fallback(front::answer)
            .with_state(world.clone());
        let server = Server::start("aws emulator", app)?;
        Ok(Self { world, server })
    }

    /// `http://127.0.0.1:<port>`: for `endpoint_url` of Private CA, EKS, KMS and STS alike, in
    /// every Region.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// The clock that it goes by.
    pub fn clock(&self) -> Clock {
        self.world.clock.clone()
    }

    /// An account of the partition `aws`, to take users and roles from. Accounts need not be made.
    pub fn account(&self, id: &str) -> Account {
        self.account_in("aws", id)
    }

    /// An account of another partition, such as `aws-us-gov`.
    pub fn account_in(&self, partition: &str, id: &str) -> Account {
        Account::new(self.world.clone(), partition, id)
    }

    /// Ends every session that AssumeRole has opened: its keys get ExpiredToken from now on.
    pub fn expire_sessions(&self) {
        self.world.accounts().expire_sessions();
    }

    /// A root CA to be, of [`ACCOUNT`] in [`REGION`] unless the builder says otherwise.
    pub fn root(&self, key: KeyAlgorithm) -> CaBuilder {
        CaBuilder::root(self.world.clone(), ACCOUNT, REGION, key)
    }

    /// A CA to be whose certificate `parent` signs; any depth.
    pub fn subordinate(&self, parent: &CaHandle) -> CaBuilder {
        CaBuilder::subordinate(self.world.clone(), parent)
    }

    /// A cluster of EKS to be, of [`ACCOUNT`] in [`REGION`] unless the builder says otherwise.
    pub fn cluster(&self, name: &str) -> ClusterBuilder {
        ClusterBuilder::new(self.world.clone(), name)
    }

    /// A key of KMS to be, of [`ACCOUNT`] in [`REGION`] and symmetric unless the builder says otherwise.
    pub fn kms_key(&self) -> KmsKeyBuilder {
        KmsKeyBuilder::new(self.world.clone())
    }

    /// What judges the tokens that are shown to this cluster, as EKS does it; each is a new one,
    /// with a book and a time of its own.
    pub fn authenticator(&self, cluster: &ClusterHandle) -> Authenticator {
        Authenticator::new(self.world.clone(), cluster.id().clone())
    }

    /// The issuer of identity tokens with this URL, made when it is first asked for. Its tokens are
    /// to be for `sts.amazonaws.com`, and an account knows it if one of its roles trusts it.
    pub fn identity_provider(&self, url: &str) -> IdentityProvider {
        let mut issuers = self.world.issuers();
        let known = issuers.iter().find(|issuer| issuer.url() == url).cloned();
        known.unwrap_or_else(|| {
            let issuer = IdentityProvider::new(url, oidc::AUDIENCE);
            issuers.push(issuer.clone());
            issuer
        })
    }

    /// Refuses the next `times` calls of an operation with `failure`, before anything is done.
    pub fn fail_next(&self, operation: &str, times: usize, failure: &Failure) {
        self.world.faults.refuse(operation, times, failure);
    }

    /// Refuses every call of an operation with `failure`, before anything is done, until
    /// [`Aws::repair`]. What [`Aws::fail_next`] says comes first.
    pub fn break_down(&self, operation: &str, failure: &Failure) {
        self.world.faults.break_down(operation, failure);
    }

    /// Ends what [`Aws::break_down`] began.
    pub fn repair(&self, operation: &str) {
        self.world.faults.repair(operation);
    }

    /// Carries the next `times` calls of an operation out, but answers HTTP 500, as if the answer
    /// had been lost.
    pub fn lose_next_answers(&self, operation: &str, times: usize) {
        self.world.faults.lose_answers(operation, times);
    }

    /// Changes the JSON of the next answer of an operation that works: what a CA gone wrong would
    /// say. Several are used one after the other.
    pub fn rewrite_next_answer(
        &self,
        operation: &str,
        change: impl FnOnce(&mut Value) + Send + 'static,
    ) {
        let rewrite = Rewrite(Box::new(change));
        self.world.faults.rewrite(operation, rewrite);
    }

    /// Waits that long before each answer of an operation, once the call has been written down.
    pub fn slow_down(&self, operation: &str, delay: Duration) {
        self.world.faults.slow_down(operation, delay);
    }

    /// Waits that long before each answer of every operation: the way to AWS and back, and its work.
    /// None unless set.
    pub fn set_latency(&self, latency: Duration) {
        self.world.faults.set_latency(latency);
    }

    /// Refuses what is above these quotas from now on, with full buckets. None unless set.
    pub fn set_quotas(&self, quotas: Quotas) {
        self.world.buckets.fill(quotas);
    }

    /// Keeps the answers of an operation back, once each call has been carried out and written
    /// down.
    pub fn hold_answers(&self, operation: &str) {
        self.world.faults.hold(operation);
    }

    /// Lets held answers go.
    pub fn release_answers(&self, operation: &str) {
        self.world.faults.release(operation);
    }

    /// For certificates issued from now on: how many times GetCertificate says
    /// RequestInProgressException first; 1 unless set.
    pub fn set_polls_before_delivery(&self, polls: usize) {
        self.world.authorities().polls_before_delivery = polls;
    }

    /// Makes GetCertificate say RequestInProgressException until [`Aws::release_deliveries`].
    pub fn hold_deliveries(&self) {
        self.world.authorities().deliveries_held = true;
    }

    /// Ends what [`Aws::hold_deliveries`] began.
    pub fn release_deliveries(&self) {
        self.world.authorities().deliveries_held = false;
    }

    /// Gives the next `times` issuances an ARN as usual, but their GetCertificate ends in
    /// RequestFailedException.
    pub fn fail_next_issuances(&self, times: usize) {
        self.world.authorities().failing_issuances += times;
    }

    /// Every call so far, in the order in which they were decided.
    pub fn calls(&self) -> Vec<Call> {
        self.world.calls.all()
    }

    /// How many calls of an operation there were.
    pub fn count(&self, operation: &str) -> usize {
        self.world.calls.count(operation)
    }

    /// Begins a new book of calls.
    pub fn forget_calls(&self) {
        self.world.calls.forget();
    }

    /// Returns once there have been `wanted` calls of an operation.
    ///
    /// # Errors
    /// Not that many within `deadline`; the error tells what came instead.
    pub async fn wait_for(
        &self,
        operation: &str,
        wanted: usize,
        deadline: Duration,
    ) -> Result<(), NotCalled> {
        self.world.calls.wait_for(operation, wanted, deadline).await
    }
}

impl World {
    /// The emulator's time in whole seconds, which is all that a certificate can say.
    fn now(&self) -> Timestamp {
        let now = self.clock.now();
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }

    fn accounts(&self) -> MutexGuard<'_, Accounts> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clusters(&self) -> MutexGuard<'_, Clusters> {
        self.clusters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn issuers(&self) -> MutexGuard<'_, Vec<IdentityProvider>> {
        self.issuers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn issuer(&self, url: &str) -> Option<IdentityProvider> {
        let issuers = self.issuers();
        issuers.iter().find(|issuer| issuer.url() == url).cloned()
    }

    fn authorities(&self) -> MutexGuard<'_, Authorities> {
        self.authorities
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
