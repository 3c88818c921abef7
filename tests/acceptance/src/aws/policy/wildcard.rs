//! `*` and `?` in policies.

/// Whether a text is what the pattern says: `*` for any characters, `?` for one.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut behind) = (0, 0);
    // Where the last star stands, and up to where it has taken.
    let mut star: Option<(usize, usize)> = None;
    while behind < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, behind));
                at += 1;
            }
            Some(letter) if *letter == '?' || *letter == text[behind] => {
                at += 1;
                behind += 1;
            }
            _ => {
                let Some((place, taken)) = star else {
                    return false;
                };
                star = Some((place, taken + 1));
                at = place + 1;
                behind = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_take_any_characters_and_question_marks_one() {
        for (pattern, text) in [
            ("*", ""),
            ("kms:*", "kms:Decrypt"),
            ("kms:GenerateDataKey*", "kms:GenerateDataKey"),
            (
                "arn:aws:kms:*:111122223333:key/*",
                "arn:aws:kms:eu-west-1:111122223333:key/1",
            ),
            ("*a*b", "xaxbxab"),
            ("a?c", "abc"),
            ("mesh-?*", "mesh-a"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("", "a"),
            ("kms:Decrypt", "kms:DecryptX"),
            ("a?c", "ac"),
            ("*a*b", "xaxbx"),
            ("mesh-?*", "mesh-"),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
