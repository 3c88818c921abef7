//! The source as the rules read it: lines without comments and texts, each known to be a test's or
//! not.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use super::workspace;

/// One Rust file.
pub(super) struct Source {
    /// Its path in the workspace, with slashes.
    pub(super) path: String,
    /// As it is written.
    pub(super) text: String,
    /// What the compiler sees, line by line.
    pub(super) lines: Vec<Line>,
}

/// One line of code.
pub(super) struct Line {
    /// Counted from 1.
    pub(super) number: usize,
    /// Without comments, and with empty texts.
    pub(super) code: String,
    /// Whether it is compiled for tests only.
    pub(super) test: bool,
}

/// Every Rust file of the workspace, tidy itself aside: it has to name what it forbids.
pub(super) fn all() -> impl Iterator<Item = &'static Source> {
    static ALL: LazyLock<Vec<Source>> = LazyLock::new(read);
    ALL.iter()
}

/// Those of the provider itself.
pub(super) fn provider() -> impl Iterator<Item = &'static Source> {
    all().filter(|source| source.path.starts_with("src/"))
}

fn read() -> Vec<Source> {
    let mut found = Vec::new();
    for root in ["src", "proto", "tests/acceptance"] {
        walk(&workspace(root), root, &mut found);
    }
    found.retain(|source| !source.path.starts_with("src/tidy"));
    assert!(found.len() > 100, "only {} files found", found.len());
    mark_test_files(&mut found);
    found
}

fn walk(directory: &Path, name: &str, found: &mut Vec<Source>) {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{name}: {error}"));
    for entry in entries {
        let path = entry.expect("a directory that can be read").path();
        let file = path
            .file_name()
            .expect("an entry has a name")
            .to_string_lossy();
        let name = format!("{name}/{file}");
        if path.is_dir() {
            walk(&path, &name, found);
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
            found.push(Source::new(name, text));
        }
    }
}

impl Source {
    pub(super) fn new(path: String, text: String) -> Self {
        let code = stripped(&text);
        let line = |(at, code): (usize, &str)| Line {
            number: at + 1,
            code: code.to_owned(),
            test: false,
        };
        let mut lines: Vec<Line> = code.lines().enumerate().map(line).collect();
        mark_inline_tests(&mut lines);
        Self { path, text, lines }
    }

    /// The first folder or file below `src/`.
    pub(super) fn room(&self) -> &str {
        let below = self.path.strip_prefix("src/").unwrap_or(&self.path);
        below
            .split('/')
            .next()
            .unwrap_or(below)
            .trim_end_matches(".rs")
    }

    /// Whether it is a module or lies below it; the module is named by its path without an ending.
    pub(super) fn is_in(&self, module: &str) -> bool {
        let rest = self.path.strip_prefix(module);
        rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    }

    /// Where the modules are that it declares for tests only, without their ending.
    fn test_modules(&self) -> Vec<String> {
        let stem = self.path.trim_end_matches(".rs");
        let owner = ["/mod", "/lib", "/main"]
            .iter()
            .find_map(|file| stem.strip_suffix(file));
        let directory = owner.unwrap_or(stem);
        let declared = self.lines.windows(2).filter_map(|pair| {
            let module = pair[1].code.trim().strip_suffix(';')?;
            let (_, name) = module.rsplit_once("mod ")?;
            (pair[0].code.trim() == "#[cfg(test)]").then(|| format!("{directory}/{name}"))
        });
        declared.collect()
    }

    /// A line as a failure names it.
    pub(super) fn at(&self, line: &Line) -> String {
        format!("{}:{}", self.path, line.number)
    }
}

/// The files behind each `#[cfg(test)] mod …;`: they are a test's as a whole.
fn mark_test_files(sources: &mut [Source]) {
    let places: Vec<String> = sources.iter().flat_map(Source::test_modules).collect();
    for source in sources {
        if places.iter().any(|place| source.is_in(place)) {
            source.lines.iter_mut().for_each(|line| line.test = true);
        }
    }
}

/// From the brace that `#[cfg(test)]` stands over to the one that closes it in the same column.
fn mark_inline_tests(lines: &mut [Line]) {
    let mut end: Option<String> = None;
    for at in 0..lines.len() {
        let code = lines[at].code.trim_end();
        if let Some(closing) = &end {
            let closes = code == closing;
            lines[at].test = true;
            if closes {
                end = None;
            }
        } else if code.trim_start() == "#[cfg(test)]"
            && lines
                .get(at + 1)
                .is_some_and(|next| next.code.trim_end().ends_with('{'))
        {
            let indent = &code[..code.len() - code.trim_start().len()];
            end = Some(format!("{indent}}}"));
            lines[at].test = true;
        }
    }
}

/// The code alone: comments go, texts become empty, line breaks stay.
fn stripped(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let length = match next {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |at| at + 2),
            '"' => {
                code.push_str("\"\"");
                quoted(rest)
            }
            'r' if raw(rest).is_some() && !ends_in_a_name(&code) => {
                code.push_str("\"\"");
                raw(rest).expect("just seen")
            }
            '\'' => character(rest).unwrap_or_else(|| {
                code.push(next);
                1
            }),
            _ => {
                code.push(next);
                rest = &rest[next.len_utf8()..];
                continue;
            }
        };
        code.extend(rest[..length].chars().filter(|letter| *letter == '\n'));
        rest = &rest[length..];
    }
    code
}

/// The length of the text at the beginning, quotes included.
fn quoted(rest: &str) -> usize {
    let mut letters = rest.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The same of a raw text, if there is one.
fn raw(rest: &str) -> Option<usize> {
    let fence = rest[1..].split('"').next()?;
    let is_fence =
        fence.bytes().all(|byte| byte == b'#') && rest[1 + fence.len()..].starts_with('"');
    let begin = is_fence.then_some(2 + fence.len())?;
    let end = format!("\"{fence}");
    Some(
        rest[begin..]
            .find(&end)
            .map_or(rest.len(), |at| begin + at + end.len()),
    )
}

/// The length of a character in quotes; a lifetime is none.
fn character(rest: &str) -> Option<usize> {
    let mut letters = rest.char_indices().skip(1);
    let (_, first) = letters.next()?;
    if first == '\\' {
        letters.next();
        return letters
            .find(|(_, letter)| *letter == '\'')
            .map(|(at, _)| at + 1);
    }
    letters
        .next()
        .filter(|(_, letter)| *letter == '\'')
        .map(|(at, _)| at + 1)
}

/// The `b` of a raw byte text is none.
fn ends_in_a_name(code: &str) -> bool {
    let before = code.strip_suffix('b').unwrap_or(code);
    before.ends_with(|letter: char| letter.is_alphanumeric() || letter == '_')
}

#[test]
fn comments_and_texts_are_no_code() {
    let text = "a /* b\nc */ d // e\n\"f\\\"g\" h r#\"i \"j\n\"# k 'l' '\\'' '\"' &'m n!(r\"o\", br#\"p\"#)";
    assert_eq!(
        stripped(text),
        "a \n d \n\"\" h \"\"\n k    &'m n!(\"\", b\"\")"
    );
}

#[test]
fn inline_tests_are_told_from_the_code() {
    let text =
        "a\n#[cfg(test)]\nuse b;\nmod c {\n    #[cfg(test)]\n    mod d {\n        e\n    }\n}\nf";
    let source = Source::new("src/x.rs".to_owned(), text.to_owned());
    let tests: Vec<usize> = source
        .lines
        .iter()
        .filter(|line| line.test)
        .map(|line| line.number)
        .collect();
    assert_eq!(tests, [5, 6, 7, 8]);
}
