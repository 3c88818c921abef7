//! Every message there is, on one page that is read as a page: `docs/guides/messages.md`.
//!
//! A message whose words change fails the test and is rewritten on the page, where a reviewer sees
//! it; one that is missing here is named.

mod authority;
mod certificate;
mod cluster;
mod custody;
mod eks;
mod handover;
mod judged;
mod mesh;
mod private_key;
mod secret;
mod signing_in;

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use super::Instance;
use crate::terraform::{Diagnostic, Severity};

const PAGE: &str = "docs/guides/messages.md";

/// Messages that belong together.
struct Chapter {
    title: &'static str,
    about: &'static str,
    messages: Vec<Diagnostic>,
}

fn chapters() -> Vec<Chapter> {
    vec![
        certificate::chapter(),
        private_key::chapter(),
        authority::obstacles(),
        authority::failures(),
        authority::looks(),
        custody::chapter(),
        signing_in::chapter(),
        secret::bundle(),
        judged::chapter(),
        secret::roots(),
        secret::ownership(),
        mesh::chapter(),
        secret::rivals(),
        secret::drift(),
        secret::parting(),
        eks::chapter(),
        cluster::chapter(),
        handover::chapter(),
        cluster::looks(),
    ]
}

/// The instances that the messages are about.
fn secret() -> Instance {
    Instance::secret("istio-system", "cacerts", None)
}

fn intermediate() -> Instance {
    Instance::intermediate("istio-ca.prod")
}

const CA: &str = "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/11111111-2222-3333-4444-555555555555";

fn ordered() -> crate::pca::CertificateArn {
    crate::pca::CertificateArn::new(format!("{CA}/certificate/0123456789abcdef0123456789abcdef"))
}

fn moment(text: &str) -> jiff::Timestamp {
    text.parse().expect("a moment")
}

fn page() -> String {
    let mut page = String::from(
        "# Messages\n\nWhat the provider may have to tell, what it means for the mesh, and what to do. \
         Each begins with the object that it is about; the facts in these are examples.\n",
    );
    for Chapter {
        title,
        about,
        messages,
    } in chapters()
    {
        let _ = write!(page, "\n## {title}\n\n{about}\n");
        for message in messages {
            let _ = write!(page, "\n{}", entry(&message));
        }
    }
    page
}

fn entry(message: &Diagnostic) -> String {
    let Diagnostic {
        severity,
        summary,
        detail,
        path,
    } = message;
    let severity = match severity {
        Severity::Error => "Error",
        Severity::Warning => "Warning",
    };
    let place = path.to_string();
    let place = if place.is_empty() {
        String::new()
    } else {
        format!(" (at `{place}`)")
    };
    format!("**{severity}: {summary}**{place}\n\n{detail}\n")
}

fn file(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn the_page_of_messages_is_as_they_are_now() {
    let (written, now) = (fs::read_to_string(file(PAGE)), page());
    if written.is_ok_and(|written| written == now) {
        return;
    }
    fs::write(file(PAGE), now).expect("the page can be written");
    panic!("{PAGE} was stale and has been rewritten; read the difference and keep it");
}

#[test]
fn every_message_is_on_the_page() {
    let made = sources("src/resources/words/catalogue").concat();
    let mut missing = Vec::new();
    for words in sources("src/resources/words") {
        for line in words.lines() {
            let Some(rest) = line.strip_prefix("pub(in crate::resources) fn ") else {
                continue;
            };
            let name = rest.split(['(', '<']).next().unwrap_or_default();
            if !made.contains(&format!("words::{name}(")) {
                missing.push(name.to_owned());
            }
        }
    }
    assert_eq!(
        missing,
        Vec::<String>::new(),
        "messages that no chapter has"
    );
}

/// The files of a folder, not those below it.
fn sources(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(file(folder)).expect("a folder of this room");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    let files = paths.filter(|path| path.extension().is_some_and(|it| it == "rs"));
    files
        .map(|path| fs::read_to_string(path).expect("it can be read"))
        .collect()
}

#[test]
fn a_message_says_what_happened_what_it_means_and_what_to_do() {
    for message in chapters().into_iter().flat_map(|chapter| chapter.messages) {
        let Diagnostic {
            summary, detail, ..
        } = &message;
        let named = summary.starts_with("Secret istio-system/cacerts: ")
            || summary.starts_with("Intermediate CA \"istio-ca.prod\": ")
            || summary.starts_with("Private CA 11111111-2222-3333-4444-555555555555 (")
            || summary.starts_with("Private key: ")
            || summary.starts_with("TSE management plane tse/managementplane: ")
            || summary.starts_with("TSE control plane istio-system/controlplane: ");
        assert!(named, "{summary}");
        assert!(!summary.ends_with('.') && summary.len() <= 110, "{summary}");
        for paragraph in detail.split("\n\n") {
            let ends = paragraph.ends_with(['.', ':', '`', ')']) || paragraph.contains("\n- ");
            assert!(
                ends || paragraph.starts_with("- "),
                "{summary}: {paragraph}"
            );
            assert!(
                !paragraph.contains("..") && !paragraph.contains("  "),
                "{paragraph}"
            );
        }
    }
}
