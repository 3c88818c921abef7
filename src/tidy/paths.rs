//! Reading the paths in a line of code.

use super::source::{Line, Source};

/// Whether a line names a crate: `name::` where a path begins, or an import of it as a whole.
pub(super) fn names(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        let begins =
            !before.ends_with(|letter: char| letter.is_alphanumeric() || "_:.".contains(letter));
        begins && (after.starts_with("::") || (before.trim() == "use" && after.starts_with(';')))
    })
}

/// The lines, with each import in one piece on the line where it begins.
pub(super) fn joined_imports(source: &Source) -> Vec<Line> {
    let mut joined: Vec<Line> = Vec::new();
    let mut open = false;
    for line in &source.lines {
        let begins = line.code.trim_start().split(' ').any(|word| word == "use");
        match joined.last_mut().filter(|_| open) {
            Some(import) => import.code.push_str(line.code.trim()),
            None => joined.push(Line {
                code: line.code.clone(),
                ..*line
            }),
        }
        open = (open || begins) && !line.code.contains(';');
    }
    joined
}

/// The rooms behind `crate::` and, in main.rs, behind the library's name; `{…}` is looked into.
pub(super) fn rooms_in(code: &str) -> Vec<String> {
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
    path.chars()
        .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
        .collect()
}

/// How many modules deep a file is below the crate.
pub(super) fn depth(path: &str) -> usize {
    let below = path.trim_start_matches("src/").trim_end_matches(".rs");
    let below = below.trim_end_matches("/mod");
    if below == "lib" || below == "main" {
        1
    } else {
        below.split('/').count()
    }
}

/// The longest chain of `super::` in a line.
pub(super) fn supers(code: &str) -> usize {
    let chain = |at: usize| {
        let mut rest = &code[at..];
        let mut count = 0;
        while let Some(further) = rest.strip_prefix("super::") {
            (rest, count) = (further, count + 1);
        }
        count
    };
    code.match_indices("super::")
        .map(|(at, _)| chain(at))
        .max()
        .unwrap_or(0)
}

#[test]
fn imports_are_read_in_all_their_forms() {
    assert_eq!(rooms_in("use crate::pki::{self, Chain};"), ["pki"]);
    assert_eq!(
        rooms_in("use crate::{pki::{self, a}, pca, aws::b};"),
        ["pki", "pca", "aws"]
    );
    assert_eq!(
        rooms_in("f(crate::aws::sign_in(), &crate::cluster::X)"),
        ["aws", "cluster"]
    );
    assert_eq!(rooms_in("use istiopca::terraform::log;"), ["terraform"]);
    assert!(names("use kube::Client;", "kube") && names("use kube;", "kube"));
    assert!(names("-> Result<kube::Client, _>", "kube"));
    assert!(!names(
        "cluster::kube::x, akube::x, self.kube, super::kube::x",
        "kube"
    ));
    assert_eq!(supers("use super::super::{a}; super::b"), 2);
    assert_eq!(
        [
            depth("src/clients.rs"),
            depth("src/pki/mod.rs"),
            depth("src/a/b.rs")
        ],
        [1, 1, 2]
    );
}
