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
