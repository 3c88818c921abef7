//! The gRPC service: translate in, call, translate out.
//!
//! Failures are messages for the user, never gRPC errors. Every operation runs in a task of its
//! own: it is not cut off half-way when the host stops listening, and a panic in it ends as a
//! message.

mod failed;
mod fillable;
mod lifecycle;
mod rpc;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::{Response, Status};

pub(in crate::terraform) use failed::Failed;

use super::provider::{Configuration, Configured, Provider};
use super::resource::Call;
use super::{Diagnostic, Dynamic, log};

/// Tells the time; the framework's only clock.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What logs call the type of a managed resource, of a data source, and of an ephemeral one.
const RESOURCE: &str = "tf_resource_type";
const DATA_SOURCE: &str = "tf_data_source_type";
const EPHEMERAL: &str = "tf_ephemeral_resource_type";

/// What a call comes to, or the messages that it consists of instead.
type Answer<T> = Result<T, Vec<Diagnostic>>;

/// How long a look at the world may take; there is no setting for it.
const LOOK: Duration = Duration::from_secs(120);

/// The clock on the wall; nothing else in the crate reads it.
pub fn wall_clock() -> Timestamp {
    Timestamp::now()
}

/// A provider, ready to be served.
pub struct Service<C, P>(Arc<Inner<C, P>>);

struct Inner<C, P> {
    provider: Provider<C, P>,
    clock: Clock,
    /// Replaced at each `ConfigureProvider`: a process that is kept over several runs of the host
    /// is configured in each.
    session: RwLock<Option<Arc<Session<C, P>>>>,
}

struct Session<C, P> {
    configured: Configured<C, P>,
    stop: CancellationToken,
}

impl<C: Send + Sync + 'static, P: Send + Sync + 'static> Service<C, P> {
    /// A service that has not been configured yet.
    pub fn new(provider: Provider<C, P>, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            provider,
            clock,
            session: RwLock::new(None),
        }))
    }

    /// What cancels everything that is under way, also when the service is served by somebody else.
    pub fn stopper(&self) -> impl FnOnce() + Send + 'static {
        let inner = Arc::clone(&self.0);
        move || inner.stop()
    }

    /// Answers a call that is about a managed resource of that type, or about none.
    async fn answer<T, F>(
        &self,
        rpc: &'static str,
        about: String,
        work: impl FnOnce(Arc<Inner<C, P>>) -> F,
    ) -> Result<Response<T>, Status>
    where
        T: Failed + Send + 'static,
        F: Future<Output = Result<T, Vec<Diagnostic>>> + Send + 'static,
    {
        self.answer_about(rpc, (RESOURCE, about), work).await
    }

    /// Does the work of one call in a task of its own and turns whatever becomes of it into an
    /// answer.
    async fn answer_about<T, F>(
        &self,
        rpc: &'static str,
        (kind, about): (&'static str, String),
        work: impl FnOnce(Arc<Inner<C, P>>) -> F,
    ) -> Result<Response<T>, Status>
    where
        T: Failed + Send + 'static,
        F: Future<Output = Result<T, Vec<Diagnostic>>> + Send + 'static,
    {
        let context = vec![("tf_rpc", rpc.to_owned()), (kind, about.clone())];
        let work = work(Arc::clone(&self.0));
        let logged = log::within(context, async {
            log::at(log::Level::Trace, "called", &[]);
            let answer = work.await;
            log::at(log::Level::Trace, "answered", &[]);
            answer
        });
        let answer = match tokio::spawn(logged).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(problems)) => T::failed(problems),
            Err(_) => T::failed(vec![bug(rpc, &about)]),
        };
        Ok(Response::new(answer))
    }
}

/// What a panic is to the user; the log has where it happened.
fn bug(rpc: &str, about: &str) -> Diagnostic {
    let subject = if about.is_empty() {
        String::new()
    } else {
        format!(" for {about}")
    };
    Diagnostic::error(
        format!("The provider failed in {rpc}{subject}"),
        "This is a bug of the provider, not of your configuration. Nothing that this operation had \
         not already done was changed, and what it had done may be missing from the state: compare \
         before you apply again. Please report it with the log of a run with TF_LOG=debug.",
    )
}

impl<C, P> Inner<C, P> {
    /// A fault in handling the lock's content is no reason to stop answering.
    fn session(&self) -> Result<Arc<Session<C, P>>, Diagnostic> {
        let session = self.session.read().unwrap_or_else(PoisonError::into_inner);
        session.clone().ok_or_else(|| {
            Diagnostic::error(
                "The provider is not configured",
                "The host asked for an operation before it configured the provider.",
            )
        })
    }

    fn configure(&self, config: &Dynamic, terraform_version: &str) -> Result<(), Vec<Diagnostic>> {
        let stop = CancellationToken::new();
        let settings = self.provider.schema.wanted(config);
        let configuration = Configuration {
            settings: &settings,
            terraform_version,
            stop: stop.clone(),
        };
        let configured = (self.provider.configure)(&configuration)?;
        let session = Arc::new(Session { configured, stop });
        *self.session.write().unwrap_or_else(PoisonError::into_inner) = Some(session);
        Ok(())
    }

    fn stop(&self) {
        let session = self.session.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = session.as_ref() {
            session.stop.cancel();
        }
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }
}

impl<C, P> Session<C, P> {
    fn call(&self, now: Timestamp, limit: Duration) -> Call<'_, C> {
        Call {
            clients: &self.configured.clients,
            now,
            deadline: Instant::now() + limit,
            stop: self.stop.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use istiopca_proto::tfplugin6 as proto;
    use proto::provider_server::Provider as _;
    use tonic::Request;

    use super::*;
    use crate::terraform::tests::lamp::{Bench, config, service};
    use crate::terraform::wire::proto::dynamic_value;

    fn settings(lamps: &str) -> proto::configure_provider::Request {
        proto::configure_provider::Request {
            config: Some(dynamic_value(&Dynamic::from([("lamps", lamps)]))),
            ..Default::default()
        }
    }

    async fn configured() -> Service<Bench, bool> {
        let service = service();
        let answer = service
            .configure_provider(Request::new(settings("allowed")))
            .await;
        assert_eq!(answer.expect("no status").into_inner().diagnostics, []);
        service
    }

    fn creation(name: &str, timeouts: Dynamic) -> Request<proto::apply_resource_change::Request> {
        let planned = config(&[
            ("name", name.into()),
            ("watts", 5.into()),
            ("timeouts", timeouts),
        ]);
        Request::new(proto::apply_resource_change::Request {
            type_name: "house_lamp".to_owned(),
            planned_state: Some(dynamic_value(&planned)),
            config: Some(dynamic_value(&planned)),
            ..Default::default()
        })
    }

    async fn created(service: &Service<Bench, bool>, name: &str) -> Vec<String> {
        let answer = service
            .apply_resource_change(creation(name, Dynamic::Null))
            .await;
        let diagnostics = answer
            .expect("no status")
            .into_inner()
            .diagnostics
            .into_iter();
        diagnostics.map(|diagnostic| diagnostic.summary).collect()
    }

    fn done(service: &Service<Bench, bool>) -> Vec<String> {
        service
            .0
            .session()
            .expect("configured")
            .configured
            .clients
            .done()
    }

    #[tokio::test]
    async fn without_a_configuration_nothing_is_done_and_that_is_said() {
        let service = service();
        assert_eq!(
            created(&service, "hall").await,
            ["The provider is not configured"]
        );
    }

    #[tokio::test]
    async fn a_bug_is_told_by_its_call_and_the_next_call_works() {
        let service = configured().await;
        let told = created(&service, "bug").await;
        assert_eq!(
            told,
            ["The provider failed in ApplyResourceChange for house_lamp"]
        );
        assert_eq!(created(&service, "hall").await, [""; 0]);
        let answer = service
            .configure_provider(Request::new(settings("bug")))
            .await;
        let told = answer.expect("no status").into_inner().diagnostics;
        assert_eq!(told[0].summary, "The provider failed in ConfigureProvider");
        assert_eq!(created(&service, "hall").await, [""; 0]);
    }

    #[tokio::test]
    async fn what_has_begun_goes_on_when_nobody_listens_any_more() {
        let service = configured().await;
        let mut call = Box::pin(service.apply_resource_change(creation("slow", Dynamic::Null)));
        let begun = std::future::poll_fn(|context| {
            std::task::Poll::Ready(call.as_mut().poll(context).is_pending())
        });
        assert!(begun.await, "a slow operation is not done at once");
        drop(call);
        let seen = async {
            while !done(&service).iter().any(|event| event == "made slowly") {
                tokio::task::yield_now().await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(10), seen).await;
        assert!(waited.is_ok(), "the operation was cut off");
    }

    #[tokio::test]
    async fn an_interrupt_reaches_what_is_under_way_and_not_the_next_run() {
        let service = configured().await;
        let stop = async {
            tokio::task::yield_now().await;
            let answer = service
                .stop_provider(Request::new(Default::default()))
                .await;
            assert_eq!(answer.expect("no status").into_inner().error, "");
        };
        let (told, ()) = tokio::join!(created(&service, "patient"), stop);
        assert_eq!(told, ["The lamp did not obey"]);
        let session = service.0.session().expect("configured");
        assert!(session.stop.is_cancelled());
        let answer = service
            .configure_provider(Request::new(settings("allowed")))
            .await;
        answer.expect("no status");
        assert!(!service.0.session().expect("configured").stop.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn the_users_timeouts_bound_an_operation() {
        let service = configured().await;
        created(&service, "timed").await;
        assert_eq!(done(&service)[1], "60 s left");
        let timeouts = Dynamic::from([
            ("create", Dynamic::from("2m")),
            ("update", Dynamic::Null),
            ("delete", Dynamic::Null),
        ]);
        let answer = service
            .apply_resource_change(creation("timed", timeouts))
            .await;
        assert_eq!(answer.expect("no status").into_inner().diagnostics, []);
        assert_eq!(done(&service)[1], "120 s left");
    }

    #[tokio::test]
    async fn each_configuration_takes_the_place_of_the_last() {
        let service = configured().await;
        let answer = service
            .configure_provider(Request::new(settings("forbidden")))
            .await;
        assert_eq!(answer.expect("no status").into_inner().diagnostics, []);
        let session = service.0.session().expect("configured");
        assert!(!session.configured.policy);
    }
}
