//! Sizes, and what every file begins with.

use super::none;
use super::source::{Line, Source, all};

/// Lines of a file, its tests apart.
const FILE: usize = 450;
/// Lines of a function.
const FUNCTION: usize = 60;
/// What nine of ten functions stay within.
const MOST_FUNCTIONS: usize = 25;

#[test]
fn files_stay_small() {
    let long = all().filter_map(|source| {
        let lines = source.lines.iter().filter(|line| !line.test).count();
        (lines > FILE).then(|| format!("{}: {lines}", source.path))
    });
    none(
        "A file has at most 450 lines, its tests apart; a longer one is two rooms:",
        long,
    );
}

#[test]
fn functions_stay_small() {
    let functions: Vec<(usize, String)> = all().flat_map(functions).collect();
    let long = functions.iter().filter(|(length, _)| *length > FUNCTION);
    let long = long.map(|(length, place)| format!("{place}: {length} lines"));
    none(
        "A function has at most 60 lines; a longer one tells two stories:",
        long,
    );
    let mut lengths: Vec<usize> = functions.iter().map(|(length, _)| *length).collect();
    lengths.sort_unstable();
    let most = lengths[lengths.len() * 9 / 10];
    assert!(
        most <= MOST_FUNCTIONS,
        "nine of ten functions stay within 25 lines, not {most}"
    );
}

#[test]
fn every_file_says_what_it_is() {
    let silent = all().filter(|source| {
        !source.text.starts_with("//!") && source.lines.iter().any(|line| !line.test)
    });
    none(
        "A module begins with //! and what it is for:",
        silent.map(|source| source.path.clone()),
    );
}

/// The length and place of each function: from its first line to the brace in the same column.
fn functions(source: &Source) -> Vec<(usize, String)> {
    let code: Vec<&Line> = source.lines.iter().filter(|line| !line.test).collect();
    let mut found = Vec::new();
    for (at, line) in code.iter().enumerate() {
        let trimmed = line.code.trim_start();
        let begins = trimmed.split('(').next().is_some_and(|head| {
            head.split(' ').any(|word| word == "fn") && !head.contains('=') && !head.contains(':')
        });
        if !begins {
            continue;
        }
        let indent = &line.code[..line.code.len() - trimmed.len()];
        let (closing, signature_only) = (format!("{indent}}}"), format!("{indent})"));
        let end = code[at..].iter().position(|line| {
            let code = line.code.trim_end();
            code == closing || (code.starts_with(&signature_only) && code.ends_with(';'))
        });
        let one_line = trimmed.ends_with(';') || trimmed.ends_with('}');
        let length = if one_line {
            1
        } else {
            end.map_or(1, |end| end + 1)
        };
        found.push((length, source.at(line)));
    }
    found
}

#[test]
fn functions_are_measured() {
    let path = "src/x.rs".to_owned();
    let text =
        "fn a() {\n    b;\n}\ntrait T {\n    fn c(\n        d: E,\n    );\n    fn f() { g }\n}\n";
    let lengths = functions(&Source::new(path, text.to_owned()));
    let lengths: Vec<usize> = lengths.into_iter().map(|(length, _)| length).collect();
    assert_eq!(lengths, [3, 3, 1]);
}
