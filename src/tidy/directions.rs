//! Who may know whom: rooms and crates.

use std::collections::BTreeSet;

use super::source::{Line, Source, provider};
use super::none;

/// A room, and all that it may name beside itself.
struct Room {
    name: &'static str,
    rooms: &'static [&'static str],
    /// Of the manifest's dependencies; `std` is everybody's.
    crates: &'static [&'static str],
}

const HOUSE: &[Room] = &[
    Room { name: "main", rooms: &["provider", "terraform"], crates: &[] },
    Room { name: "lib", rooms: &[], crates: &[] },
    Room { name: "provider", rooms: &["aws", "clients", "resources", "terraform"], crates: &[] },
    Room {
        name: "resources",
        rooms: &["clients", "cluster", "pca", "pki", "provider", "terraform"],
        crates: &["jiff", "serde", "serde_json", "tokio", "zeroize"],
    },
    Room {
        name: "clients",
        rooms: &["aws", "cluster", "pca", "provider", "terraform"],
        crates: &["aws_lc_rs", "serde", "thiserror"],
    },
    Room {
        name: "pki",
        rooms: &[],
        crates: &[
            "aws_lc_rs", "base64", "jiff", "pem", "serde", "thiserror", "x509_cert", "zeroize",
        ],
    },
    Room {
        name: "pca",
        rooms: &["aws"],
        crates: &[
            "aws_sdk_acmpca", "aws_smithy_runtime_api", "base64", "jiff", "rustls", "serde", "thiserror", "tokio", "tokio_util",
        ],
    },
    Room {
        name: "aws",
        rooms: &[],
        crates: &[
            "aws_config", "aws_credential_types", "aws_runtime", "aws_sdk_sts",
            "aws_smithy_http_client", "aws_smithy_runtime_api", "aws_smithy_types", "aws_types",
            "http", "jiff", "pem", "rustls", "serde", "thiserror", "tokio",
        ],
    },
    Room {
        name: "cluster",
        rooms: &[],
        crates: &[
            "aws_lc_rs", "base64", "bytes", "http", "jiff", "kube", "pem", "rustls", "secrecy",
            "serde", "serde_json", "thiserror", "tokio", "zeroize",
        ],
    },
    Room {
        name: "terraform",
        rooms: &[],
        crates: &[
            "aws_lc_rs", "base64", "http", "istiopca_proto", "jiff", "rcgen", "rmp", "rustix", "rustls", "serde", "serde_json", "serde_path_to_error",
            "thiserror", "tokio", "tokio_rustls", "tokio_stream", "tokio_util", "tonic",
        ],
    },
];

/// What every room's tests may name besides.
const OF_TESTS: &[&str] = &[
    "aws_smithy_http_client", "expect_test", "http", "hyper_util", "proptest", "rcgen", "rustls",
    "serde_json", "tokio", "tokio_rustls", "tonic", "tonic_prost", "tower", "tower_test", "x509_parser",
];

/// Dependencies that code does not name: of k8s-openapi the manifest chooses the version of
/// Kubernetes for kube.
const UNNAMED: &[&str] = &["k8s_openapi"];

/// Crates that stay behind doors within their room, tests included.
const DOORS: &[(&str, &[&str])] = &[
    (
        "tonic",
        &["src/terraform/wire", "src/terraform/service", "src/terraform/plugin", "src/terraform/tests"],
    ),
    (
        "istiopca_proto",
        &["src/terraform/wire", "src/terraform/service", "src/terraform/plugin", "src/terraform/tests"],
    ),
    ("aws_config", &["src/aws"]),
    ("aws_sdk_sts", &["src/aws"]),
    ("aws_sdk_acmpca", &["src/pca"]),
    ("kube", &["src/cluster"]),
    ("k8s_openapi", &["src/cluster"]),
];

#[test]
fn every_room_is_in_the_table() {
    let known: BTreeSet<&str> = HOUSE.iter().map(|room| room.name).collect();
    let found = provider().map(|source| source.room().to_owned()).collect::<BTreeSet<_>>();
    let found = found.iter().map(String::as_str).collect::<BTreeSet<_>>();
    assert_eq!(found, known, "a room of src/ is missing in HOUSE, or is gone");
}

#[test]
fn rooms_name_only_the_rooms_below_them() {
    let breaches = provider().flat_map(|source| {
        let room = room(source);
        let named = |line: &Line| {
            let rooms = rooms_in(&line.code);
            let foreign = rooms.into_iter().filter(|name| {
                HOUSE.iter().any(|room| room.name == name) && name != room.name
            });
            let foreign = foreign.filter(|name| !room.rooms.contains(&name.as_str()));
            let place = source.at(line);
            foreign.map(move |name| format!("{place}: {} names {name}", room.name)).collect::<Vec<_>>()
        };
        joined_imports(source).iter().flat_map(named).collect::<Vec<_>>()
    });
    none("The directions in lib.rs allow a room to name only these below it (tidy::directions::HOUSE):", breaches);
}

#[test]
fn nobody_climbs_out_of_a_room_by_super() {
    let breaches = provider().flat_map(|source| {
        let depth = depth(&source.path);
        let climbs = |line: &&Line| {
            let inner = usize::from(line.test && line.code.starts_with(' '));
            supers(&line.code) >= depth + inner
        };
        let found = source.lines.iter().filter(climbs).map(|line| source.at(line));
        found.collect::<Vec<_>>()
    });
    none("What is outside of a room is named from crate::, so that directions can be seen:", breaches);
}

#[test]
fn rooms_name_only_their_crates() {
    let crates = [dependencies("dependencies"), dependencies("dev-dependencies")].concat();
    let breaches = provider().flat_map(|source| {
        let room = room(source);
        let named = |line: &Line| {
            let of_tests = if line.test { OF_TESTS } else { &[] };
            let foreign = crates.iter().filter(|name| names(&line.code, name));
            let foreign = foreign.filter(|name| {
                !room.crates.contains(&name.as_str()) && !of_tests.contains(&name.as_str())
            });
            let place = source.at(line);
            foreign.map(move |name| format!("{place}: {} names {name}", room.name)).collect::<Vec<_>>()
        };
        source.lines.iter().flat_map(named).collect::<Vec<_>>()
    });
    none("A room names only the crates that tidy::directions::HOUSE lists for it:", breaches);
}

#[test]
fn no_room_is_allowed_what_it_does_not_use() {
    let breaches = HOUSE.iter().flat_map(|room| {
        let used = |name: &&&str| is_named(name, |source, line| source.room() == room.name && !line.test);
        let stale = room.crates.iter().filter(|name| !used(name));
        stale.map(|name| format!("{} does not name {name}", room.name)).collect::<Vec<_>>()
    });
    none("tidy::directions::HOUSE allows what nobody needs any more:", breaches);
}

#[test]
fn nothing_is_depended_on_that_is_not_used() {
    let built_in = dependencies("dependencies");
    let needed = |name: &String| is_named(name, |_, line| !line.test) || UNNAMED.contains(&name.as_str());
    let unused = built_in.iter().filter(|name| !needed(name));
    // One that is in both sections has more features in tests.
    let of_tests = dependencies("dev-dependencies");
    let of_tests = of_tests.iter().filter(|name| !built_in.contains(name));
    let of_tests = of_tests.filter(|name| !is_named(name, |_, line| line.test));
    none("Cargo.toml names what the code does not:", unused.chain(of_tests).cloned());
}

fn is_named(name: &str, wanted: impl Fn(&Source, &Line) -> bool) -> bool {
    provider().any(|source| {
        source.lines.iter().any(|line| line.code.contains(name) && wanted(source, line) && names(&line.code, name))
    })
}

#[test]
fn gateways_to_the_world_stay_behind_their_doors() {
    let breaches = provider().flat_map(|source| {
        let shut = DOORS.iter().filter(|(_, doors)| {
            let inside = |door: &&str| {
                source.path.strip_prefix(*door).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
            };
            !doors.iter().any(inside)
        });
        let named = |(name, _): &(&'static str, _)| {
            let lines = source.lines.iter().filter(|line| names(&line.code, name));
            lines.map(|line| format!("{} names {name}", source.at(line))).collect::<Vec<_>>()
        };
        shut.flat_map(named).collect::<Vec<_>>()
    });
    none("Each of these has its places (tidy::directions::DOORS):", breaches);
}

fn room(source: &Source) -> &'static Room {
    let room = HOUSE.iter().find(|room| room.name == source.room());
    room.unwrap_or_else(|| panic!("{} is in no room of tidy::directions::HOUSE", source.path))
}

/// The crates in a section of the manifest, as code names them.
fn dependencies(section: &str) -> Vec<String> {
    let manifest = std::fs::read_to_string(super::workspace("Cargo.toml")).expect("the manifest");
    let (_, rest) = manifest.split_once(&format!("\n[{section}]\n")).expect("a section of the manifest");
    let lines = rest.lines().take_while(|line| !line.starts_with('['));
    let names = lines.filter_map(|line| line.split(['.', ' ', '=']).next());
    names.filter(|name| !name.is_empty()).map(|name| name.replace('-', "_")).collect()
}

/// Whether a line names a crate: `name::` where a path begins, or an import of it as a whole.
fn names(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        let begins = !before.ends_with(|letter: char| letter.is_alphanumeric() || "_:.".contains(letter));
        begins && (after.starts_with("::") || (before.trim() == "use" && after.starts_with(';')))
    })
}

/// The lines, with each import in one piece on the line where it begins.
fn joined_imports(source: &Source) -> Vec<Line> {
    let mut joined: Vec<Line> = Vec::new();
    let mut open = false;
    for line in &source.lines {
        let begins = line.code.trim_start().split(' ').any(|word| word == "use");
        match joined.last_mut().filter(|_| open) {
            Some(import) => import.code.push_str(line.code.trim()),
            None => joined.push(Line { code: line.code.clone(), ..*line }),
        }
        open = (open || begins) && !line.code.contains(';');
    }
    joined
}

/// The rooms behind `crate::` and, in main.rs, behind the library's name; `{…}` is looked into.
fn rooms_in(code: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for root in ["crate::", "istiopca::"] {
        for (at, _) in code.match_indices(root) {
            let rest = &code[at + root.len()..];
            match rest.strip_prefix('{') {
                Some(group) => rooms.extend(group_heads(group)),
                None => rooms.push(head(rest)),
            }
        }
    }
    rooms
}

/// The first names in a braced group of an import.
fn group_heads(group: &str) -> Vec<String> {
    let (mut depth, mut heads) = (0, vec![head(group)]);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(head(group[at + 1..].trim_start())),
            _ => {}
        }
    }
    heads
}

fn head(path: &str) -> String {
    path.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

/// How many modules deep a file is below the crate.
fn depth(path: &str) -> usize {
    let below = path.trim_start_matches("src/").trim_end_matches(".rs");
    let below = below.trim_end_matches("/mod");
    if below == "lib" || below == "main" { 1 } else { below.split('/').count() }
}

/// The longest chain of `super::` in a line.
fn supers(code: &str) -> usize {
    let chain = |at: usize| {
        let mut rest = &code[at..];
        let mut count = 0;
        while let Some(further) = rest.strip_prefix("super::") {
            (rest, count) = (further, count + 1);
        }
        count
    };
    code.match_indices("super::").map(|(at, _)| chain(at)).max().unwrap_or(0)
}

#[test]
fn imports_are_read_in_all_their_forms() {
    assert_eq!(rooms_in("use crate::pki::{self, Chain};"), ["pki"]);
    assert_eq!(rooms_in("use crate::{pki::{self, a}, pca, aws::b};"), ["pki", "pca", "aws"]);
    assert_eq!(rooms_in("f(crate::aws::sign_in(), &crate::cluster::X)"), ["aws", "cluster"]);
    assert_eq!(rooms_in("use istiopca::terraform::log;"), ["terraform"]);
    assert!(names("use kube::Client;", "kube") && names("use kube;", "kube"));
    assert!(names("-> Result<kube::Client, _>", "kube"));
    assert!(!names("cluster::kube::x, akube::x, self.kube, super::kube::x", "kube"));
    assert_eq!(supers("use super::super::{a}; super::b"), 2);
    assert_eq!([depth("src/clients.rs"), depth("src/pki/mod.rs"), depth("src/a/b.rs")], [1, 1, 2]);
}
