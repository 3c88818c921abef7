//! What is built into the provider: one crypto library, one TLS, and licences that we may ship.
//!
//! `deny.toml` says the same to cargo-deny; this needs nothing but Cargo.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::LazyLock;

use super::{none, workspace};

/// Crates that must not be in the tree, with the reason.
const FORBIDDEN: &[(&str, &str)] = &[
    (
        "ring",
        "aws-lc-rs is the one crypto library; ring has neither P-521 nor RSA keys",
    ),
    ("openssl-sys", "rustls is the one TLS library"),
    ("native-tls", "rustls is the one TLS library"),
    (
        "tracing-subscriber",
        "the AWS SDK traces answers, which hold data keys and credentials; nobody may listen",
    ),
    (
        "tracing-log",
        "the AWS SDK traces answers, which hold data keys and credentials; nobody may listen",
    ),
    (
        "env_logger",
        "the AWS SDK traces answers, which hold data keys and credentials; nobody may listen",
    ),
];

/// Crates of which two versions would be two worlds.
const ONCE: &[&str] = &[
    "aws-lc-rs",
    "aws-lc-sys",
    "aws-smithy-runtime-api",
    "h2",
    "hyper",
    "jiff",
    "k8s-openapi",
    "kube",
    "prost",
    "rustls",
    "rustls-webpki",
    "tokio",
    "tokio-rustls",
    "tonic",
    "x509-cert",
];

/// Licences under which a binary may be given on; the same list is in `deny.toml`.
const LICENCES: &[&str] = &[
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// A package in the tree.
struct Package {
    name: String,
    version: String,
    licence: String,
}

/// All of them, for every target and every feature that is on. Cargo.lock would not do: it also
/// lists what no feature asks for.
static TREE: LazyLock<Vec<Package>> = LazyLock::new(|| {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "tree",
            "--locked",
            "--workspace",
            "--target=all",
            "--edges=normal,build,dev",
        ])
        .args(["--prefix=none", "--format={p}|{l}"])
        .current_dir(workspace(""))
        .output()
        .expect("cargo can be run");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("cargo prints text");
    let lines: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| line.split_once('|'))
        .collect();
    let packages = lines.into_iter().filter_map(|(package, licence)| {
        let (name, rest) = package.split_once(" v")?;
        let version = rest.split(' ').next()?.to_owned();
        let licence = licence.trim_end_matches(" (*)").to_owned();
        Some(Package {
            name: name.to_owned(),
            version,
            licence,
        })
    });
    let packages: Vec<Package> = packages.collect();
    assert!(
        packages.iter().any(|package| package.name == "rustls"),
        "cargo tree names no rustls"
    );
    packages
});

#[test]
fn the_tree_has_one_crypto_library_one_tls_and_nobody_who_listens_to_traces() {
    let found = FORBIDDEN
        .iter()
        .filter(|(name, _)| TREE.iter().any(|package| package.name == *name));
    let told =
        found.map(|(name, why)| format!("{name}: {why} (cargo tree --target=all -i {name})"));
    none("These must not be in the tree:", told);
}

#[test]
fn what_must_be_one_is_one() {
    let twice = ONCE.iter().filter_map(|name| {
        let versions = TREE.iter().filter(|package| package.name == *name);
        let versions: Vec<&str> = versions.map(|package| package.version.as_str()).collect();
        match versions.len() {
            0 => Some(format!(
                "{name} is not in the tree any more: take it off the list"
            )),
            1 => None,
            _ => Some(format!("{name} {}", versions.join(" and "))),
        }
    });
    none(
        "One version of each of these, or types do not meet and binaries grow:",
        twice,
    );
}

#[test]
fn every_licence_is_one_that_we_may_ship_under() {
    let foreign = TREE.iter().filter(|package| !is_allowed(&package.licence));
    let told = foreign.map(|package| {
        format!(
            "{} {}: {:?}",
            package.name, package.version, package.licence
        )
    });
    none(
        "These licences are not in tidy::dependencies::LICENCES:",
        told,
    );
}

#[test]
fn cargo_deny_is_told_the_same() {
    let deny = std::fs::read_to_string(workspace("deny.toml")).expect("deny.toml is readable");
    let licences = LICENCES
        .iter()
        .flat_map(|licence| licence.split(" WITH "))
        .filter(|name| {
            // cargo-deny takes an exception together with its licence.
            !name.ends_with("-exception")
        });
    let forbidden = FORBIDDEN.iter().map(|(name, _)| *name);
    let missing = licences
        .chain(forbidden)
        .filter(|name| !deny.contains(&format!("\"{name}\"")));
    none("deny.toml lacks:", missing.map(str::to_owned));
}

/// Whether an SPDX expression leaves a choice that is allowed. AND binds tighter than OR; a slash
/// is an OR of old.
fn is_allowed(expression: &str) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let spaced = spaced.replace(" WITH ", "+WITH+");
    let words: Vec<String> = spaced
        .split_whitespace()
        .map(|word| word.replace("+WITH+", " WITH "))
        .collect();
    let mut rest = words.as_slice();
    any(&mut rest) && rest.is_empty()
}

fn any(rest: &mut &[String]) -> bool {
    let mut allowed = all(rest);
    while skipped(rest, "OR") {
        allowed |= all(rest);
    }
    allowed
}

fn all(rest: &mut &[String]) -> bool {
    let mut allowed = one(rest);
    while skipped(rest, "AND") {
        allowed &= one(rest);
    }
    allowed
}

fn one(rest: &mut &[String]) -> bool {
    if skipped(rest, "(") {
        let allowed = any(rest);
        return skipped(rest, ")") && allowed;
    }
    let Some((licence, after)) = rest.split_first() else {
        return false;
    };
    *rest = after;
    LICENCES.contains(&licence.as_str())
}

/// Takes a word off, if it is the next.
fn skipped(rest: &mut &[String], word: &str) -> bool {
    let after = rest
        .split_first()
        .filter(|(next, _)| *next == word)
        .map(|(_, after)| after);
    *rest = after.unwrap_or(rest);
    after.is_some()
}

#[test]
fn a_licence_is_a_choice() {
    for allowed in [
        "MIT",
        "MIT/Apache-2.0",
        "GPL-3.0 OR MIT",
        "ISC AND (MIT OR GPL-2.0)",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(is_allowed(allowed), "{allowed}");
    }
    for foreign in [
        "",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "ISC AND (GPL-2.0 OR GPL-3.0)",
        "(MIT",
        "MIT)",
        "MIT WITH X",
    ] {
        assert!(!is_allowed(foreign), "{foreign:?}");
    }
}
