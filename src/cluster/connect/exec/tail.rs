//! What a program complained of, fit to be told: its last lines, without what may be secret.

use zeroize::Zeroizing;

/// The last lines that it wrote to its standard error, in words for the end of a sentence. Values of its environment
/// are hidden, and words that it printed as (part of) a credential.
pub(super) fn last_words(told: &[u8], values: &[&str], printed: &[u8]) -> String {
    let text = Zeroizing::new(String::from_utf8_lossy(told).into_owned());
    let printed = Zeroizing::new(String::from_utf8_lossy(printed).into_owned());
    let mut secrets: Vec<&str> = values
        .iter()
        .flat_map(|value| value.lines().chain([*value]))
        .filter(|value| value.trim().len() >= SHORTEST_VALUE)
        .chain(words(&printed))
        .collect();
    // The longest first: one may be a part of another.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    let mut hidden = text;
    for secret in secrets {
        hidden = Zeroizing::new(hidden.replace(secret, HIDDEN));
    }
    let lines: Vec<String> = hidden.lines().map(one_line).collect();
    let lines: Vec<&String> = lines.iter().filter(|line| !line.is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(LINES)..];
    if last.is_empty() {
        return "it did not say why".to_owned();
    }
    let last: Vec<&str> = last.iter().map(|line| line.as_str()).collect();
    format!("its last words: {}", last.join(" | "))
}

/// A text as one short line without what terminals take for commands.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::new();
    let mut rest = text.chars();
    while let Some(letter) = rest.next() {
        if letter == '\u{1b}' {
            // An escape sequence: a bracket and what follows, up to a letter.
            let ends = |letter: &char| letter.is_ascii_alphabetic() || *letter == '~';
            rest.find(ends);
        } else if letter.is_control() {
            line.push(' ');
        } else {
            line.push(letter);
        }
    }
    let line = line.trim();
    match line.char_indices().nth(LONGEST_LINE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// What may be a secret in something that was printed: long words.
fn words(printed: &str) -> impl Iterator<Item = &str> {
    let between = |letter: char| letter.is_whitespace() || "\"'{}[],:\\".contains(letter);
    let words = printed.split(between);
    words.filter(|word| word.len() >= SHORTEST_WORD)
}

const HIDDEN: &str = "(hidden)";
const LINES: usize = 6;
const LONGEST_LINE: usize = 300;
/// Shorter values are no secrets, and hiding them would leave no sentence whole.
const SHORTEST_VALUE: usize = 4;
const SHORTEST_WORD: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(text: &str) -> String {
        last_words(text.as_bytes(), &[], b"")
    }

    #[test]
    fn the_last_lines_are_told_in_one() {
        let lines: Vec<String> = (1..=9).map(|number| format!("line {number}")).collect();
        assert_eq!(
            told(&lines.join("\n\n")),
            "its last words: line 4 | line 5 | line 6 | line 7 | line 8 | line 9"
        );
        assert_eq!(told(" \n\n"), "it did not say why");
    }

    #[test]
    fn terminals_are_commanded_nothing() {
        assert_eq!(
            told("\u{1b}[1;31merror\u{1b}[0m:\tno\u{7} profile\r\n"),
            "its last words: error: no  profile"
        );
        assert_eq!(told("\u{1b}"), "it did not say why");
    }

    #[test]
    fn a_long_line_is_cut() {
        let cut = told(&"ä".repeat(1000));
        assert_eq!(cut, format!("its last words: {}…", "ä".repeat(300)));
    }

    #[test]
    fn values_of_the_environment_are_hidden_and_parts_of_them_by_line() {
        let values = [
            "hunter2",
            "hunter2-and-more",
            "first line\nsecond line",
            "no",
        ];
        let text = "got hunter2, hunter2-and-more\nthe second line\nno profile";
        assert_eq!(
            last_words(text.as_bytes(), &values, b""),
            "its last words: got (hidden), (hidden) | the (hidden) | no profile"
        );
    }

    #[test]
    fn what_was_printed_is_hidden_where_it_is_repeated() {
        let printed = br#"{"status": {"token": "k8s-token-0123456789"}}"#;
        let text = "+ echo '{\"token\": \"k8s-token-0123456789\"}'\nstatus: bad";
        let told = last_words(text.as_bytes(), &[], printed);
        assert_eq!(
            told,
            "its last words: + echo '{\"token\": \"(hidden)\"}' | status: bad"
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_no_value_is_told(
            text in any::<Vec<u8>>(),
            value in "[a-z0-9]{8,20}",
        ) {
            let whole = [&text, value.as_bytes(), &text].concat();
            prop_assert!(!last_words(&whole, &[&value], &text).contains(&value));
        }
    }
}
