//! What a request says beside its path: who writes and how, what is to be listed, and the body.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::header::{CONTENT_TYPE, HeaderName, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::api::Api;
use super::claims::Preconditions;
use super::status::Refusal;
use super::store::{Edit, Writer};

const APPLY: &str = "application/apply-patch+yaml";

/// Which objects of a collection are wanted.
pub(super) struct Selection {
    /// The only name that is wanted, if not all are.
    pub(super) name: Option<String>,
}

/// A body that nobody has read yet, and what it says that it is.
pub(super) struct Sent {
    media_type: String,
    bytes: Bytes,
}

/// What a PATCH asks for.
pub(super) enum Patch {
    /// Server-side apply of this.
    Apply(Value),
    /// A change told as a difference.
    Edit(Edit),
}

/// The body of a DELETE, which may be missing.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct DeleteOptions {
    pub(super) preconditions: Preconditions,
    pub(super) dry_run: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WriteQuery {
    field_manager: String,
    force: bool,
    dry_run: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ListQuery {
    field_selector: String,
    label_selector: String,
    watch: String,
}

impl Sent {
    /// The body of every write that is no patch.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        // kubectl's own `create secret` sends protobuf.
        if !["", "application/json"].contains(&self.media_type.as_str()) {
            return Err(Refusal::media_type(&self.media_type));
        }
        self.parse()
    }

    /// The body of a DELETE: no body asks for nothing in particular.
    pub(super) fn delete_options(&self) -> Result<DeleteOptions, Refusal> {
        if self.bytes.is_empty() {
            Ok(DeleteOptions::default())
        } else {
            self.json()
        }
    }

    /// The body of a PATCH, by its media type.
    pub(super) fn patch(&self) -> Result<Patch, Refusal> {
        match self.media_type.as_str() {
            APPLY => self.parse().map(Patch::Apply),
            "application/json-patch+json" => self.parse().map(Edit::Json).map(Patch::Edit),
            "application/merge-patch+json" | "application/strategic-merge-patch+json" => {
                self.parse().map(Edit::Merge).map(Patch::Edit)
            }
            other => Err(Refusal::media_type(other)),
        }
    }

    /// JSON is YAML too, and the only YAML that clients are known to send.
    fn parse<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let words = |error| format!("the body is not the JSON that is expected here: {error}");
        serde_json::from_slice(&self.bytes).map_err(|error| Refusal::bad_request(words(error)))
    }
}

impl FromRequest<Api> for Sent {
    type Rejection = Refusal;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Refusal> {
        let media_type = text(request.headers(), CONTENT_TYPE).split(';').next();
        let media_type = media_type.unwrap_or_default().trim().to_owned();
        let bytes = Bytes::from_request(request, api).await;
        let bytes = bytes.map_err(|error| Refusal::bad_request(error.body_text()))?;
        Ok(Self { media_type, bytes })
    }
}

impl FromRequestParts<Api> for Writer {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Refusal> {
        let query: WriteQuery = query(&parts.uri)?;
        if query.field_manager.is_empty() && text(&parts.headers, CONTENT_TYPE) == APPLY {
            return Err(Refusal::no_field_manager());
        }
        // Who does not say its name has its program's, as in "kubectl/v1.34.0 (linux/amd64)".
        let program = text(&parts.headers, USER_AGENT)
            .split('/')
            .next()
            .unwrap_or_default();
        let names = [query.field_manager.as_str(), program, "unknown"];
        let manager = names
            .into_iter()
            .find(|name| !name.is_empty())
            .unwrap_or_default();
        Ok(Self {
            manager: manager.to_owned(),
            force: query.force,
            dry_run: query.dry_run == "All",
            now: api.now(),
        })
    }
}

impl FromRequestParts<Api> for Selection {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Refusal> {
        let ListQuery {
            field_selector,
            label_selector,
            watch,
        } = query(&parts.uri)?;
        if ["true", "1"].contains(&watch.as_str()) {
            return Err(Refusal::not_supported("watches"));
        }
        if !label_selector.is_empty() {
            return Err(Refusal::not_supported("selection by labels"));
        }
        match field_selector.split_once('=') {
            None if field_selector.is_empty() => Ok(Self { name: None }),
            Some(("metadata.name", name)) => Ok(Self {
                name: Some(name.trim_start_matches('=').to_owned()),
            }),
            _ => Err(Refusal::bad_request(format!(
                "field label not supported: {field_selector:?}"
            ))),
        }
    }
}

/// A header's text; empty, if it is not there.
pub(super) fn text(headers: &HeaderMap, name: HeaderName) -> &str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Refusal> {
    let query = Query::try_from_uri(uri).map(|Query(query)| query);
    query.map_err(|error| Refusal::bad_request(error.body_text()))
}
