//! Somebody who has a copy of a state file, and nothing else.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::Value;

use crate::world::World;

/// A state file, read by somebody who looks for keys.
pub(super) struct Loot {
    state: Value,
    texts: Vec<String>,
}

impl Loot {
    pub(super) fn of(world: &World, file: &str) -> Self {
        let state = serde_json::from_slice(&world.dir.read(file)).expect("a state is JSON");
        let mut texts = Vec::new();
        gather(&state, &mut texts);
        // What the provider notes beside an object lies there in base64.
        let noted = texts.iter().filter_map(|text| STANDARD.decode(text).ok());
        let noted: Vec<_> = noted.filter_map(|it| String::from_utf8(it).ok()).collect();
        texts.extend(noted);
        Self { state, texts }
    }

    /// A private key in clear, PEM.
    pub(super) fn key(&self) -> Option<&str> {
        let key = |text: &&String| text.contains("PRIVATE KEY-----");
        self.texts.iter().find(key).map(String::as_str)
    }

    /// Whether that stands anywhere in it.
    pub(super) fn mentions(&self, words: &str) -> bool {
        self.texts.iter().any(|text| text.contains(words))
    }

    /// A text among the attributes of the only resource of a type.
    pub(super) fn text(&self, kind: &str, attribute: &str) -> String {
        let resources = self.state["resources"].as_array();
        let mut resources = resources.into_iter().flatten();
        let found = resources.find(|resource| resource["type"] == kind);
        let attributes = &found.expect("it is in the state")["instances"][0]["attributes"];
        let text = attributes[attribute].as_str();
        text.expect("it is a text").to_owned()
    }
}

fn gather(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(all) => all.iter().for_each(|value| gather(value, into)),
        Value::Object(all) => all.values().for_each(|value| gather(value, into)),
        _ => {}
    }
}

/// A sealed key taken apart by what the documentation says of it, without the provider's code.
pub(super) struct Unsealed {
    pub(super) kms_key_arn: String,
    pub(super) id: String,
    pub(super) context: BTreeMap<String, String>,
    pub(super) data_key: Vec<u8>,
    authenticated: String,
    body: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    kms_key_arn: String,
    id: String,
    context: BTreeMap<String, String>,
    data_key: String,
}

impl Unsealed {
    pub(super) fn read(text: &str) -> Self {
        let (authenticated, body) = text.rsplit_once('.').expect("the body is last");
        let header = authenticated.strip_prefix("istiopca.sealed.v1.");
        let header = header.expect("it is of the first version");
        let header = URL_SAFE_NO_PAD.decode(header).expect("it is base64");
        let header: Header = serde_json::from_slice(&header).expect("it is JSON");
        let mut context = header.context;
        context.insert("istiopca:id".to_owned(), header.id.clone());
        Self {
            kms_key_arn: header.kms_key_arn,
            id: header.id,
            context,
            data_key: STANDARD.decode(header.data_key).expect("it is base64"),
            authenticated: authenticated.to_owned(),
            body: URL_SAFE_NO_PAD.decode(body).expect("it is base64"),
        }
    }

    /// The private key, PEM, for somebody who got the data key.
    pub(super) fn opened(&self, data_key: &[u8]) -> String {
        let (nonce, body) = self.body.split_at(12);
        let nonce = Nonce::try_assume_unique_for_key(nonce).expect("it has twelve bytes");
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, data_key).expect("32 bytes"));
        let mut body = body.to_vec();
        let der = key
            .open_in_place(nonce, Aad::from(self.authenticated.as_bytes()), &mut body)
            .expect("it is the data key that sealed it");
        let mut openssl = Command::new("openssl")
            .args(["pkey", "-inform", "DER"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("openssl runs");
        let mut stdin = openssl.stdin.take().expect("it is piped");
        stdin.write_all(der).expect("openssl reads");
        drop(stdin);
        let said = openssl.wait_with_output().expect("openssl ends");
        assert!(said.status.success(), "a key should have been sealed");
        String::from_utf8(said.stdout).expect("PEM is text")
    }
}
