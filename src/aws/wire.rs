//! A scripted wire for tests: the real SDK above it, answers from a list below, every request kept.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;

use super::{AssumeRole, Settings};

/// Hands out its answers in order and remembers what was asked; asking too often fails the call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wire(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    answers: VecDeque<Answer>,
    asked: Vec<Asked>,
}

/// One scripted answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    status: u16,
    body: String,
    headers: Vec<(&'static str, &'static str)>,
    after: Duration,
}

/// One request as it left.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) uri: String,
    pub(crate) target: String,
    pub(crate) authorization: String,
    pub(crate) user_agent: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Wire {
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let answers = answers.into_iter().collect();
        Self(Arc::new(Mutex::new(Script {
            answers,
            asked: Vec::new(),
        })))
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.0.lock().unwrap().asked.clone()
    }

    pub(crate) fn client(&self) -> SharedHttpClient {
        let connector = SharedHttpConnector::new(self.clone());
        http_client_fn(move |_, _| connector.clone())
    }
}

impl Answer {
    pub(crate) fn ok(body: impl Into<String>) -> Self {
        Self {
            status: 200,
            body: body.into(),
            headers: Vec::new(),
            after: Duration::ZERO,
        }
    }

    /// A refusal as AWS words it in JSON 1.1.
    pub(crate) fn refusal(code: &str, message: &str) -> Self {
        let body = serde_json::json!({ "__type": code, "message": message });
        Self {
            status: 400,
            ..Self::ok(body.to_string())
        }
    }

    pub(crate) fn status(status: u16, body: &str) -> Self {
        Self {
            status,
            ..Self::ok(body)
        }
    }

    pub(crate) fn with(mut self, header: &'static str, value: &'static str) -> Self {
        self.headers.push((header, value));
        self
    }

    pub(crate) fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }

    fn response(self) -> HttpResponse {
        let status = self.status.try_into().unwrap();
        let mut response = HttpResponse::new(status, SdkBody::from(self.body));
        response.headers_mut().insert("x-amzn-requestid", "req-1");
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl Asked {
    /// Who signed, where and for what: `AKID/eu-west-1/acm-pca`.
    pub(crate) fn signer(&self) -> String {
        let scope = self.authorization.split_once("Credential=").unwrap().1;
        let parts: Vec<_> = scope.split('/').collect();
        [parts[0], parts[2], parts[3]].join("/")
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let header = |name| request.headers().get(name).unwrap_or_default().to_owned();
        let asked = Asked {
            uri: request.uri().to_owned(),
            headers: request
                .headers()
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            target: header("x-amz-target"),
            authorization: header("authorization"),
            user_agent: header("user-agent") + " " + &header("x-amz-user-agent"),
            body: String::from_utf8(request.body().bytes().unwrap_or_default().to_vec()).unwrap(),
        };
        let mut script = self.0.lock().unwrap();
        script.asked.push(asked);
        let answer = script.answers.pop_front();
        HttpConnectorFuture::new(async move {
            let answer =
                answer.ok_or_else(|| ConnectorError::user("the script has ended".into()))?;
            tokio::time::sleep(answer.after).await;
            Ok(answer.response())
        })
    }
}

const PROFILES: &str = "[ci]
aws_access_key_id = AKIDCI
aws_secret_access_key = secret-of-ci
[pca]
aws_access_key_id = AKIDPCA
aws_secret_access_key = secret-of-pca
[empty]
region = eu-west-3
";

/// A credentials file with the profiles `ci`, `pca` and `empty`, which goes with the test.
pub(crate) struct File(PathBuf);

impl File {
    pub(crate) fn new(name: &str) -> Self {
        Self::holding(name, PROFILES)
    }

    /// Another file that goes with the test.
    pub(crate) fn holding(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("istiopca-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    pub(crate) fn settings(&self, profile: Option<&str>, roles: Vec<AssumeRole>) -> Settings {
        Settings {
            region: Some("eu-west-1".to_owned()),
            profile: profile.map(str::to_owned),
            shared_config_files: vec!["/dev/null".to_owned()],
            shared_credentials_files: vec![self.0.to_str().unwrap().to_owned()],
            assume_role: roles,
            ..Settings::default()
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

pub(crate) fn role(name: &str) -> AssumeRole {
    let role_arn = format!("arn:aws:iam::123456789012:role/{name}");
    AssumeRole {
        role_arn,
        ..AssumeRole::default()
    }
}

/// STS's answer with credentials of that id.
pub(crate) fn given(key: &str) -> Answer {
    given_until(key, "2099-01-01T00:00:00Z")
}

/// The same, with an end.
pub(crate) fn given_until(key: &str, end: &str) -> Answer {
    Answer::ok(format!(
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{key}</AccessKeyId>\
         <SecretAccessKey>secret-of-hub</SecretAccessKey><SessionToken>t-{key}</SessionToken>\
         <Expiration>{end}</Expiration></Credentials></AssumeRoleResult>\
         </AssumeRoleResponse>"
    ))
}
