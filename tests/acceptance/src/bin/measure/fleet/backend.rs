//! Where core keeps its state: somewhere else, as fleets do.
//!
//! With a file beside the configuration, core writes the whole state after each resource, which costs
//! it minutes of processor time for a thousand of them. To a backend it hands the state every twenty
//! seconds, and in the end.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A backend of the type `http`, without locks; it ends with this.
pub(super) struct Backend {
    address: String,
    kept: Kept,
    serving: JoinHandle<()>,
}

type Kept = Arc<Mutex<Option<Bytes>>>;

impl Backend {
    /// An empty one on a free port.
    pub(super) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}/state", listener.local_addr()?);
        let kept = Kept::default();
        let app = Router::new()
            .route("/state", get(read).post(write))
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&kept));
        let serving = tokio::spawn(async {
            _ = axum::serve(listener, app).await;
        });
        Ok(Self {
            address,
            kept,
            serving,
        })
    }

    /// The state that it has.
    pub(super) fn state(&self) -> Bytes {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clone().unwrap_or_default()
    }

    /// Its block in a configuration.
    pub(super) fn block(&self) -> String {
        let address = &self.address;
        format!("terraform {{\n  backend \"http\" {{\n    address = {address:?}\n  }}\n}}\n")
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn read(State(kept): State<Kept>) -> Result<Bytes, StatusCode> {
    let kept = kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
    kept.ok_or(StatusCode::NOT_FOUND)
}

async fn write(State(kept): State<Kept>, state: Bytes) {
    *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(state);
}
