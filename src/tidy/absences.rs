//! What must not be there.

use super::none;
use super::source::{Line, Source, all, provider};

/// A way to read the clock on the wall.
const CLOCKS: &[&str] = &[
    "Timestamp::now",
    "Zoned::now",
    "SystemTime",
    "UtcDateTime::now",
    "Utc::now",
    "UnixTime::now",
];

/// Where the clock is read: the one function that everything else gets the time from, as an
/// argument.
const THE_CLOCK: &str = "src/terraform/service/mod.rs";

#[test]
fn the_wall_clock_has_one_door() {
    let breaches = matches(provider(), CLOCKS, |source, line| {
        !line.test && source.path != THE_CLOCK
    });
    none(
        "Time comes in as an argument; only terraform::wall_clock reads it:",
        breaches,
    );
    let door = provider()
        .find(|source| source.path == THE_CLOCK)
        .expect("the clock's file");
    let reads = matches([door].into_iter(), CLOCKS, |_, line| !line.test);
    assert_eq!(reads.len(), 1, "the clock is read in one place: {reads:?}");
}

#[test]
fn waiting_is_timed_by_the_runtime() {
    let breaches = provider().flat_map(|source| {
        let lines = source.lines.iter().filter(|line| !line.test);
        let found =
            lines.filter(|line| line.code.contains("time::") && line.code.contains("Instant"));
        let foreign = found.filter(|line| !line.code.contains("tokio::time"));
        foreign.map(|line| source.at(line)).collect::<Vec<_>>()
    });
    none(
        "Only tokio's Instant can be stopped by a test; std's cannot:",
        breaches,
    );
}

#[test]
fn the_domain_is_a_function_of_its_arguments() {
    let words = &[
        "async",
        ".await",
        "tokio",
        "std::env",
        "std::fs",
        "std::io",
        "std::process",
        "Instant",
    ];
    let breaches = matches(provider(), words, |source, line| {
        source.room() == "pki" && !line.test
    });
    none(
        "pki has no async, no clock, no files and no environment:",
        breaches,
    );
}

#[test]
fn chance_has_one_door_in_the_domain() {
    let words = &["SystemRandom", "rand::", "Pair::generate"];
    let door = |source: &Source| source.path == "src/pki/key.rs";
    let breaches = matches(provider(), words, |source, line| {
        source.room() == "pki" && !line.test && !door(source)
    });
    none(
        "In pki only key.rs is handed randomness, for PrivateKey::generate and for signing:",
        breaches,
    );
}

#[test]
fn only_resources_and_the_provider_speak_to_the_user() {
    let words = &["Diagnostic::error", "Diagnostic::warning"];
    let speaks = ["resources", "provider", "terraform"];
    let breaches = matches(provider(), words, |source, line| {
        !line.test && !speaks.contains(&source.room())
    });
    none(
        "Errors are values; only resources and provider put them into words (terraform speaks for the host):",
        breaches,
    );
}

#[test]
fn nothing_prints() {
    let words = &[
        "println!",
        "eprintln!",
        "print!(",
        "eprint!(",
        "dbg!",
        "todo!",
        "unimplemented!",
    ];
    // A build script speaks to Cargo by printing.
    let breaches = matches(all(), words, |source, line| {
        !line.test && !source.path.ends_with("build.rs") && !source.path.starts_with("tests/")
    });
    none(
        "stdout is the host's and stderr the log's; nothing is left to do:",
        breaches,
    );
}

#[test]
fn no_test_is_switched_off() {
    let breaches = matches(all(), &["#[ignore", "cfg(any())"], |_, _| true);
    none(
        "A test that is not run proves nothing; one that lacks something says so and fails:",
        breaches,
    );
}

#[test]
fn every_allowed_lint_has_its_reason() {
    let breaches = all().flat_map(|source| {
        let written: Vec<&str> = source.text.lines().collect();
        let found = source
            .lines
            .iter()
            .filter(|line| line.code.contains("[allow(") || line.code.contains("[expect("));
        let bare = found.filter(|line| {
            let from = &written[line.number - 1..];
            let end = from
                .iter()
                .position(|line| line.contains(")]"))
                .map_or(1, |end| end + 1);
            let attribute = &from[..end];
            let beside = attribute.iter().any(|line| line.contains(")] //"));
            !beside && !attribute.iter().any(|line| line.contains("reason = "))
        });
        bare.map(|line| source.at(line)).collect::<Vec<_>>()
    });
    none(
        "An exception stands beside its reason (reason = \"…\"):",
        breaches,
    );
}

/// The places where a line that is wanted holds one of the words.
fn matches(
    sources: impl Iterator<Item = &'static Source>,
    words: &[&str],
    wanted: impl Fn(&Source, &Line) -> bool,
) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        for line in source.lines.iter().filter(|line| wanted(source, line)) {
            let words = words.iter().filter(|word| line.code.contains(**word));
            found.extend(words.map(|word| format!("{}: {word}", source.at(line))));
        }
    }
    found
}
