//! PEM that every reader in a mesh reads alike.
//!
//! Go passes over blocks whose lines it does not like, OpenSSL and rustls stop at others, and all
//! of them read some things that the rest do not. Read here is what there can be no two opinions
//! about: markers on lines of their own, bodies of 64 columns, a newline at the end. Around blocks
//! there may be text and blank lines, and lines may end in CRLF: istiod, Envoy and ztunnel were
//! seen to read both.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
const COLUMNS: usize = 64;

/// Why a file is not read alike by everybody; lines are counted from 1, and nothing of a body is
/// repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormFault {
    /// Not UTF-8, or with control characters in it.
    #[error("line {line} is not plain text")]
    NotText {
        /// Where.
        line: usize,
    },
    /// No block at all.
    #[error("got no block, expected at least one")]
    Empty,
    /// Another number of blocks than one, where readers take the first.
    #[error("got {got} blocks, expected exactly one")]
    Several {
        /// How many.
        got: usize,
    },
    /// Dashes that are no marker on a line of its own: glued, indented or cut. Go passes over the
    /// block, and over the next one with it.
    #[error("line {line} is no BEGIN or END line, which stands alone and begins the line")]
    Marker {
        /// Where.
        line: usize,
    },
    /// A body that is not base64 of 64 columns, the last line at most that.
    ///
    /// Stricter than Go, which skips blanks and takes any length: OpenSSL does not.
    #[error("line {line} is not base64 in lines of {COLUMNS} letters")]
    Body {
        /// Where.
        line: usize,
    },
    /// Something else than was expected.
    #[error("line {line} begins a {got}, expected a {expected}")]
    Label {
        /// Where.
        line: usize,
        /// What the block says it is.
        got: String,
        /// What was expected.
        expected: &'static str,
    },
    /// The file ends within a block.
    #[error("line {line} begins a block that has no end")]
    Unterminated {
        /// Where.
        line: usize,
    },
    /// Text behind the last block, where Istio's own reader of chains expects another one.
    #[error("line {line} is text behind the last block")]
    Trailing {
        /// Where.
        line: usize,
    },
    /// istiod appends files and certificates to each other byte by byte: without a newline the next
    /// block would be glued on.
    #[error("the last line has no newline")]
    NoNewline,
}

/// One block, decoded; wiped when dropped, since it may be a key.
pub(super) type Block = Zeroizing<Vec<u8>>;

/// Every block of `data`, all of which are labelled `label`; at least one.
pub(super) fn blocks(data: &[u8], label: &'static str) -> Result<Vec<Block>, FormFault> {
    let text = text(data)?;
    let mut reader = Reader {
        label,
        found: Vec::new(),
        open: None,
        text_since: None,
    };
    for (line, number) in text.lines().zip(1..) {
        reader.take(line, number)?;
    }
    let found = reader.finish()?;
    if text.ends_with('\n') {
        Ok(found)
    } else {
        Err(FormFault::NoNewline)
    }
}

/// The one block of `data`.
pub(super) fn one_block(data: &[u8], label: &'static str) -> Result<Block, FormFault> {
    let mut found = blocks(data, label)?;
    match (found.pop(), found.len()) {
        (Some(block), 0) => Ok(block),
        (_, others) => Err(FormFault::Several { got: others + 1 }),
    }
}

/// The text without characters that terminals and readers take for something else. A carriage
/// return is one, unless it ends a line.
fn text(data: &[u8]) -> Result<&str, FormFault> {
    let line_at = |at: usize| 1 + data[..at].iter().filter(|byte| **byte == b'\n').count();
    let text = str::from_utf8(data).map_err(|error| FormFault::NotText {
        line: line_at(error.valid_up_to()),
    })?;
    let is_control = |(at, letter): &(usize, char)| match letter {
        '\n' | '\t' => false,
        '\r' => data.get(at + 1) != Some(&b'\n'),
        letter => letter.is_control() || *letter == '\u{feff}',
    };
    match text.char_indices().find(is_control) {
        Some((at, _)) => Err(FormFault::NotText { line: line_at(at) }),
        None => Ok(text),
    }
}

struct Reader {
    label: &'static str,
    found: Vec<Block>,
    open: Option<Open>,
    /// The first line of text behind the last block.
    text_since: Option<usize>,
}

/// A block whose end was not met yet.
struct Open {
    begun: usize,
    letters: Zeroizing<String>,
    /// The line that was short, after which there must be none.
    short: bool,
}

impl Reader {
    fn take(&mut self, line: &str, number: usize) -> Result<(), FormFault> {
        if !line.contains(DASHES) {
            return match &mut self.open {
                Some(open) => open.take(line).ok_or(FormFault::Body { line: number }),
                None => {
                    self.text(line, number);
                    Ok(())
                }
            };
        }
        let marker = FormFault::Marker { line: number };
        match (self.open.take(), label(line, BEGIN), label(line, END)) {
            (None, Some(label), _) => self.begin(label, number),
            (Some(open), _, Some(label)) if label == self.label => {
                let block = open.decode().ok_or(FormFault::Body { line: number })?;
                self.found.push(block);
                Ok(())
            }
            _ => Err(marker),
        }
    }

    fn begin(&mut self, label: &str, number: usize) -> Result<(), FormFault> {
        if label != self.label {
            return Err(FormFault::Label {
                line: number,
                got: label.to_owned(),
                expected: self.label,
            });
        }
        self.text_since = None;
        self.open = Some(Open {
            begun: number,
            letters: Zeroizing::default(),
            short: false,
        });
        Ok(())
    }

    fn text(&mut self, line: &str, number: usize) {
        if !line.trim().is_empty() {
            self.text_since.get_or_insert(number);
        }
    }

    fn finish(self) -> Result<Vec<Block>, FormFault> {
        if let Some(open) = self.open {
            return Err(FormFault::Unterminated { line: open.begun });
        }
        if self.found.is_empty() {
            return Err(FormFault::Empty);
        }
        match self.text_since {
            Some(line) => Err(FormFault::Trailing { line }),
            None => Ok(self.found),
        }
    }
}

impl Open {
    /// One line of the body.
    fn take(&mut self, line: &str) -> Option<()> {
        let fits = (1..=COLUMNS).contains(&line.len());
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
        if self.short || !fits || !line.bytes().all(letters) {
            return None;
        }
        self.short = line.len() < COLUMNS;
        self.letters.push_str(line);
        Some(())
    }

    fn decode(self) -> Option<Block> {
        let der = STANDARD.decode(self.letters.as_bytes()).ok()?;
        (!der.is_empty()).then(|| Zeroizing::new(der))
    }
}

/// What a marker names, where the line is one: upper-case words, so that nothing else is ever
/// repeated in a message.
fn label<'a>(line: &'a str, marker: &str) -> Option<&'a str> {
    let label = line.strip_prefix(marker)?.strip_suffix(DASHES)?;
    let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ';
    ((1..=COLUMNS).contains(&label.len()) && label.bytes().all(allowed)).then_some(label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 49 bytes: one whole line, and a short one.
    fn block(label: &str) -> String {
        crate::pki::pem::encode(label, &[7; 49])
    }

    #[track_caller]
    fn refused(text: &str, fault: FormFault) {
        assert_eq!(blocks(text.as_bytes(), "A"), Err(fault));
    }

    #[test]
    fn what_there_are_no_two_opinions_about_is_read() {
        let (one, body) = (block("A"), Zeroizing::new(vec![7; 49]));
        let text = |text: String| blocks(text.as_bytes(), "A");
        let two = Ok(vec![body.clone(), body.clone()]);
        assert_eq!(text(one.clone()), Ok(vec![body.clone()]));
        assert_eq!(text(format!("{one}{one}")), two);
        assert_eq!(text(format!("{one}{one}").replace('\n', "\r\n")), two);
        assert_eq!(
            text(format!("\nsubject: x\n{one}\n \n\tGröße\n{one}\n\n")),
            two
        );
        assert_eq!(one_block(one.as_bytes(), "A"), Ok(body));
        assert_eq!(
            one_block(format!("{one}{one}").as_bytes(), "A"),
            Err(FormFault::Several { got: 2 })
        );
    }

    #[test]
    fn markers_stand_alone_and_begin_the_line() {
        let one = block("A");
        let glued = one.trim_end().to_owned() + &one;
        refused(&glued, FormFault::Marker { line: 4 });
        refused(&format!("x\n {one}"), FormFault::Marker { line: 2 });
        refused(
            &one.replace("-----BEGIN A-----", "-----BEGIN A----- "),
            FormFault::Marker { line: 1 },
        );
        refused(
            &one.replace("-----BEGIN", "----BEGIN"),
            FormFault::Marker { line: 1 },
        );
        refused(
            &one.replace("END A-----", "END A----"),
            FormFault::Marker { line: 4 },
        );
        refused(
            &one.replace("END A", "END B"),
            FormFault::Marker { line: 4 },
        );
        refused(
            &format!("{one}-----END A-----\n"),
            FormFault::Marker { line: 5 },
        );
        refused(
            &one.replace("-----BEGIN A", "-----BEGIN a"),
            FormFault::Marker { line: 1 },
        );
        let twice = one.replace(
            "-----BEGIN A-----\n",
            "-----BEGIN A-----\n-----BEGIN A-----\n",
        );
        refused(&twice, FormFault::Marker { line: 2 });
    }

    #[test]
    fn bodies_are_base64_of_64_columns() {
        let one = block("A");
        for (from, to, line) in [
            ("BwcHBwcHBwc", "BwcHBwcHBwcHBwc", 2),
            ("Bw==", "Bw=", 4),
            ("Bw==", "Bx==", 4),
            ("Bw==", "Bw==\n", 4),
            ("Bw==", "B w=", 3),
            ("Bw==", "Bw=:", 3),
            ("\nBw==", "Bw==", 2),
            ("A-----\nBw", "A-----\nBw==\nBw", 3),
            ("A-----\nBw", "A-----\n\nBw", 2),
            ("Bw==", "é", 3),
        ] {
            let changed = one.replacen(from, to, 1);
            assert_ne!(changed, one, "{from}");
            refused(&changed, FormFault::Body { line });
        }
        refused(
            "-----BEGIN A-----\n-----END A-----\n",
            FormFault::Body { line: 2 },
        );
    }

    #[test]
    fn other_labels_are_named() {
        let key = block("PRIVATE KEY");
        let fault = FormFault::Label {
            line: 1,
            got: "PRIVATE KEY".to_owned(),
            expected: "A",
        };
        refused(&key, fault);
    }

    #[test]
    fn a_file_has_a_block_and_ends_with_it_and_a_newline() {
        let one = block("A");
        refused("", FormFault::Empty);
        refused("text\n", FormFault::Empty);
        refused(one.trim_end(), FormFault::NoNewline);
        refused(
            &one.replace("-----END A-----\n", ""),
            FormFault::Unterminated { line: 1 },
        );
        refused(&format!("{one}\ntext\n"), FormFault::Trailing { line: 6 });
        refused(&format!("{one}text"), FormFault::Trailing { line: 5 });
    }

    #[test]
    fn what_is_no_plain_text_is_refused() {
        let one = block("A");
        refused(&format!("\u{feff}{one}"), FormFault::NotText { line: 1 });
        refused(&format!("{one}\n\0\n{one}"), FormFault::NotText { line: 6 });
        refused(&one.replace('\n', "\r"), FormFault::NotText { line: 1 });
        let mut bytes = one.clone().into_bytes();
        bytes.extend(b"\xff\n");
        assert_eq!(blocks(&bytes, "A"), Err(FormFault::NotText { line: 5 }));
    }

    #[test]
    fn a_message_shows_nothing_of_a_body() {
        let key = block("PRIVATE KEY").replace("BwcH", "-----BEGIN SECRETsecret");
        let fault = blocks(key.as_bytes(), "PRIVATE KEY")
            .unwrap_err()
            .to_string();
        assert!(!fault.contains("SECRET"), "{fault}");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..200), 1..4)) {
            let text: String = bodies.iter().map(|it| crate::pki::pem::encode("A", it)).collect();
            let read = blocks(text.as_bytes(), "A").unwrap();
            prop_assert_eq!(read.iter().map(|it| it.to_vec()).collect::<Vec<_>>(), bodies);
        }

        #[test]
        fn no_text_makes_the_reader_panic(
            text in "(-----|BEGIN |END |A|\n|\r|=|é| |[A-Za-z0-9+/]{4}){0,60}"
        ) {
            let _ = blocks(text.as_bytes(), "A");
        }

        /// Whatever is read here, the lenient reader of this room reads the same.
        #[test]
        fn the_lenient_reader_agrees(at in 0_usize..300, with in any::<u8>()) {
            let mut bytes = format!("text\n{0}\n{0}", block("A")).into_bytes();
            let at = at % bytes.len();
            bytes[at] = with;
            if let Ok(read) = blocks(&bytes, "A") {
                let text = std::str::from_utf8(&bytes).unwrap();
                let lenient = crate::pki::pem::blocks(text).unwrap();
                let lenient: Vec<_> = lenient.iter().map(|it| it.der.to_vec()).collect();
                prop_assert_eq!(read.iter().map(|it| it.to_vec()).collect::<Vec<_>>(), lenient);
            }
        }
    }
}
