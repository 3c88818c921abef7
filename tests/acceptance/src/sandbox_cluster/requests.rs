//! The book of requests: who asked for what, with which program, and how it was answered.

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::extract::Request;
use axum::http::header::USER_AGENT;

use super::request::text;

/// A request that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Who asked: `sandbox` with the cluster's own token, the user of an access entry with one of
    /// EKS, nobody where neither was shown.
    pub user: Option<String>,
    /// `GET`, `PATCH` …
    pub method: String,
    /// Without the query.
    pub path: String,
    /// `User-Agent`; empty if there was none.
    pub user_agent: String,
    /// The HTTP status of the answer.
    pub status: u16,
}

#[derive(Debug, Default)]
pub(super) struct Requests(Mutex<Vec<Answered>>);

impl Answered {
    /// A request whose answer is still to come.
    pub(super) fn of(request: &Request, user: Option<&str>) -> Self {
        Self {
            user: user.map(str::to_owned),
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            user_agent: text(request.headers(), USER_AGENT).to_owned(),
            status: 0,
        }
    }
}

impl Requests {
    pub(super) fn write(&self, answered: Answered) {
        self.written().push(answered);
    }

    pub(super) fn all(&self) -> Vec<Answered> {
        self.written().clone()
    }

    pub(super) fn forget(&self) {
        self.written().clear();
    }

    fn written(&self) -> MutexGuard<'_, Vec<Answered>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
