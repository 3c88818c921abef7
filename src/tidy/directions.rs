//! Who may know whom: rooms and crates.

use std::collections::BTreeSet;

use super::house::{DOORS, HOUSE, OF_TESTS, Room, UNNAMED, has};
use super::none;
use super::paths::{depth, joined_imports, names, rooms_in, supers};
use super::source::{Line, Source, provider};

#[test]
fn every_room_is_in_the_table() {
    let known: BTreeSet<&str> = HOUSE.iter().map(|room| room.name).collect();
    let found: BTreeSet<&str> = provider().map(Source::room).collect();
    assert_eq!(
        found, known,
        "a room of src/ is missing in HOUSE, or is gone"
    );
}

#[test]
fn rooms_name_only_the_rooms_below_them() {
    let breaches = breaches(joined_imports, |room, line| {
        let rooms = rooms_in(&line.code).into_iter();
        let rooms = rooms.filter(|name| HOUSE.iter().any(|room| room.name == name));
        rooms.filter(|name| !room.knows(name)).collect()
    });
    none(
        "A room names only those that tidy::house::HOUSE puts below it:",
        breaches,
    );
}

#[test]
fn rooms_name_only_their_crates() {
    let crates = [
        dependencies("dependencies"),
        dependencies("dev-dependencies"),
    ]
    .concat();
    let breaches = breaches(
        |source| &source.lines,
        |room, line| {
            let named = crates.iter().filter(|name| names(&line.code, name));
            let allowed = |name: &&String| room.uses(name) || (line.test && has(OF_TESTS, name));
            named.filter(|name| !allowed(name)).cloned().collect()
        },
    );
    none(
        "A room names only the crates that tidy::house::HOUSE lists for it:",
        breaches,
    );
}

/// What the lines of each room name and should not.
fn breaches<L: AsRef<[Line]>>(
    lines: impl Fn(&'static Source) -> L,
    named: impl Fn(&Room, &Line) -> Vec<String>,
) -> Vec<String> {
    let mut breaches = Vec::new();
    for source in provider() {
        let room = room(source);
        for line in lines(source).as_ref() {
            let found = named(room, line).into_iter();
            let place = source.at(line);
            breaches.extend(found.map(|name| format!("{place}: {} names {name}", room.name)));
        }
    }
    breaches
}

#[test]
fn nobody_climbs_out_of_a_room_by_super() {
    let breaches = provider().flat_map(|source| {
        let depth = depth(&source.path);
        let climbs = move |line: &&Line| {
            let inner = usize::from(line.test && line.code.starts_with(' '));
            supers(&line.code) >= depth + inner
        };
        source
            .lines
            .iter()
            .filter(climbs)
            .map(|line| source.at(line))
    });
    none(
        "What is outside of a room is named from crate::, so that directions are seen:",
        breaches,
    );
}

#[test]
fn no_room_is_allowed_what_it_does_not_use() {
    let breaches = HOUSE.iter().flat_map(|room| {
        let here = |source: &Source, line: &Line| source.room() == room.name && !line.test;
        let stale = room
            .crates
            .split_whitespace()
            .filter(move |name| !is_named(name, here));
        stale.map(|name| format!("{} does not name {name}", room.name))
    });
    none(
        "tidy::house::HOUSE allows what nobody needs any more:",
        breaches,
    );
}

#[test]
fn nothing_is_depended_on_that_is_not_used() {
    let built_in = dependencies("dependencies");
    let needed = |name: &String| is_named(name, |_, line| !line.test) || has(UNNAMED, name);
    let unused = built_in.iter().filter(|name| !needed(name));
    // One that is in both sections has more features in tests.
    let of_tests = dependencies("dev-dependencies");
    let of_tests = of_tests.iter().filter(|name| !built_in.contains(name));
    let of_tests = of_tests.filter(|name| !is_named(name, |_, line| line.test));
    none(
        "Cargo.toml names what the code does not:",
        unused.chain(of_tests).cloned(),
    );
}

#[test]
fn gateways_to_the_world_stay_behind_their_doors() {
    let breaches = DOORS.iter().flat_map(|(name, doors)| {
        let outside = provider().filter(|source| !doors.iter().any(|door| source.is_in(door)));
        let lines = outside.flat_map(|source| source.lines.iter().map(move |line| (source, line)));
        let named = lines.filter(|(_, line)| names(&line.code, name));
        named.map(move |(source, line)| format!("{} names {name}", source.at(line)))
    });
    none(
        "Each of these has its places (tidy::house::DOORS):",
        breaches,
    );
}

fn is_named(name: &str, wanted: impl Fn(&Source, &Line) -> bool) -> bool {
    let lines = provider().flat_map(|source| source.lines.iter().map(move |line| (source, line)));
    let mut holding = lines.filter(|(_, line)| line.code.contains(name));
    holding.any(|(source, line)| wanted(source, line) && names(&line.code, name))
}

fn room(source: &Source) -> &'static Room {
    let room = HOUSE.iter().find(|room| room.name == source.room());
    room.unwrap_or_else(|| panic!("{} is in no room of tidy::house::HOUSE", source.path))
}

/// The crates in a section of the manifest, as code names them.
fn dependencies(section: &str) -> Vec<String> {
    let manifest = std::fs::read_to_string(super::workspace("Cargo.toml")).expect("the manifest");
    let (_, rest) = manifest
        .split_once(&format!("\n[{section}]\n"))
        .expect("a section of the manifest");
    let lines = rest.lines().take_while(|line| !line.starts_with('['));
    let names = lines.filter_map(|line| line.split(['.', ' ', '=']).next());
    names
        .filter(|name| !name.is_empty())
        .map(|name| name.replace('-', "_"))
        .collect()
}
