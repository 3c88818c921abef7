//! PEM (RFC 7468): read as other tools and AWS write it, written in one canonical form.

use base64::engine::general_purpose::STANDARD;
use base64::{Engine, decoded_len_estimate};
use zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
const COLUMNS: usize = 64;

/// Why a text could not be read as PEM; blocks are counted from 1, and nothing of a block's body is
/// repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// The BEGIN line holds no label that RFC 7468 allows.
    #[error("block {block} has a damaged BEGIN line")]
    Begin {
        /// Which block.
        block: usize,
    },
    /// The text, or the next block, came before the END line did.
    #[error("block {block} ({label}) has no END line")]
    Unterminated {
        /// Which block.
        block: usize,
        /// What its BEGIN line says.
        label: String,
    },
    /// An END line stands alone, as when the BEGIN line before it was cut or misspelt.
    #[error("an END line without a BEGIN line follows block {after}")]
    StrayEnd {
        /// How many whole blocks came before.
        after: usize,
    },
    /// BEGIN and END lines name different things.
    #[error("block {block} begins as {label} but its END line says otherwise")]
    OtherEnd {
        /// Which block.
        block: usize,
        /// What its BEGIN line says.
        label: String,
    },
    /// The body carries the header that RFC 1421 encryption leaves.
    #[error("block {block} ({label}) is encrypted, expected it in clear")]
    Encrypted {
        /// Which block.
        block: usize,
        /// What its BEGIN line says.
        label: String,
    },
    /// The body is something else than base64.
    #[error("block {block} ({label}) is not base64")]
    NotBase64 {
        /// Which block.
        block: usize,
        /// What its BEGIN line says.
        label: String,
    },
}

/// One block, decoded; its bytes are wiped when dropped, since they may be a key.
pub(super) struct Block<'a> {
    pub(super) label: &'a str,
    pub(super) der: Zeroizing<Vec<u8>>,
}

/// Every block of `text` in order.
///
/// Text around blocks, CRLF, indentation, a missing last newline and blocks glued end to begin
/// (AWS's strings, concatenated) are all read; a block that is cut short never passes for text.
pub(super) fn blocks(text: &str) -> Result<Vec<Block<'_>>, PemError> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(BEGIN) {
        refuse_stray_end(before, found.len())?;
        let (block, after) = read_block(after, found.len() + 1)?;
        found.push(block);
        rest = after;
    }
    refuse_stray_end(rest, found.len())?;
    Ok(found)
}

/// The canonical form: 64 columns, LF, one LF at the end.
pub(super) fn encode(label: &str, der: &[u8]) -> String {
    let body = Zeroizing::new(STANDARD.encode(der));
    let lines = body.len().div_ceil(COLUMNS);
    let frame = BEGIN.len() + END.len() + 2 * (label.len() + DASHES.len() + 1);
    // Filled without growing: growing would leave copies of a key behind.
    let mut text = String::with_capacity(frame + body.len() + lines);
    for part in [BEGIN, label, DASHES, "\n"] {
        text.push_str(part);
    }
    for (index, letter) in body.chars().enumerate() {
        if index > 0 && index % COLUMNS == 0 {
            text.push('\n');
        }
        text.push(letter);
    }
    if !body.is_empty() {
        text.push('\n');
    }
    for part in [END, label, DASHES, "\n"] {
        text.push_str(part);
    }
    text
}

fn refuse_stray_end(between: &str, after: usize) -> Result<(), PemError> {
    if between.contains(END) {
        return Err(PemError::StrayEnd { after });
    }
    Ok(())
}

/// Reads what follows a BEGIN marker, and says what is left after the block.
fn read_block(text: &str, block: usize) -> Result<(Block<'_>, &str), PemError> {
    let (label, text) = text
        .split_once(DASHES)
        .filter(|(label, _)| is_label(label))
        .ok_or(PemError::Begin { block })?;
    let (body, text) = text
        .split_once(END)
        .filter(|(body, _)| !body.contains(BEGIN))
        .ok_or_else(|| PemError::Unterminated {
            block,
            label: label.to_owned(),
        })?;
    let text = text
        .strip_prefix(label)
        .and_then(|text| text.strip_prefix(DASHES))
        .ok_or_else(|| PemError::OtherEnd {
            block,
            label: label.to_owned(),
        })?;
    let der = decode(body).ok_or_else(|| {
        let label = label.to_owned();
        if body.contains("ENCRYPTED") {
            PemError::Encrypted { block, label }
        } else {
            PemError::NotBase64 { block, label }
        }
    })?;
    Ok((Block { label, der }, text))
}

/// Upper-case words only: whatever else stands there is not repeated in an error.
fn is_label(label: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b" #-".contains(&b);
    (1..=COLUMNS).contains(&label.len()) && label.bytes().all(allowed)
}

fn decode(body: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut letters = Zeroizing::new(Vec::with_capacity(body.len()));
    letters.extend(body.bytes().filter(|b| !b.is_ascii_whitespace()));
    let mut der = Zeroizing::new(vec![0; decoded_len_estimate(letters.len())]);
    let length = STANDARD.decode_slice(letters.as_slice(), &mut der).ok()?;
    der.truncate(length);
    Some(der)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn bodies(text: &str) -> Vec<Vec<u8>> {
        blocks(text)
            .unwrap()
            .iter()
            .map(|b| b.der.to_vec())
            .collect()
    }

    #[test]
    fn blocks_are_written_in_64_columns_with_one_newline_at_the_end() {
        // printf '%048d' 0 | base64 -w64, and with one byte more
        assert_eq!(
            encode("X", "0".repeat(48).as_bytes()),
            format!(
                "-----BEGIN X-----\n{}\n-----END X-----\n",
                "MDAw".repeat(16)
            )
        );
        assert_eq!(
            encode("X", "0".repeat(49).as_bytes()),
            format!(
                "-----BEGIN X-----\n{}\nMA==\n-----END X-----\n",
                "MDAw".repeat(16)
            )
        );
    }

    #[test]
    fn writing_never_grows_the_buffer() {
        for length in 0..200 {
            let text = encode("PRIVATE KEY", &vec![7; length]);
            assert_eq!(text.len(), text.capacity(), "{length} bytes");
        }
    }

    #[test]
    fn glued_indented_and_crlf_blocks_are_read() {
        let glued =
            "-----BEGIN A-----\nAQ==\n-----END A----------BEGIN A-----\nAg==\n-----END A-----";
        assert_eq!(bodies(glued), [[1], [2]]);
        let indented =
            "subject=x\n  -----BEGIN A-----\r\n  AQ\r\n  ==\r\n  -----END A-----\r\n tail";
        assert_eq!(bodies(indented), [[1]]);
        assert!(bodies("nothing of ours").is_empty());
    }

    #[test]
    fn a_damaged_block_is_named_by_its_place() {
        let whole = "-----BEGIN A-----\nAQ==\n-----END A-----\n";
        let fault = |text: &str| blocks(&format!("{whole}{text}")).err().unwrap().to_string();
        assert_eq!(
            fault("-----BEGIN A-----\nAQ=="),
            "block 2 (A) has no END line"
        );
        assert_eq!(
            fault(&format!("-----BEGIN A-----\nAQ=={whole}")),
            "block 2 (A) has no END line"
        );
        assert_eq!(
            fault("-----BEGIN A-----\nAQ==\n-----END B-----"),
            "block 2 begins as A but its END line says otherwise"
        );
        assert_eq!(
            fault("----BEGIN A-----\nAQ==\n-----END A-----"),
            "an END line without a BEGIN line follows block 1"
        );
        assert_eq!(
            fault("-----BEGIN A-----\nA*==\n-----END A-----"),
            "block 2 (A) is not base64"
        );
        assert_eq!(
            fault("-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nAQ==\n-----END A-----"),
            "block 2 (A) is encrypted, expected it in clear"
        );
        assert_eq!(
            fault("-----BEGIN MIIEsecret\n"),
            "block 2 has a damaged BEGIN line"
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(label in "[A-Z]{1,10}( [A-Z]{1,10})?", der: Vec<u8>) {
            let text = encode(&label, &der);
            let read = blocks(&text).unwrap();
            prop_assert_eq!(read.len(), 1);
            prop_assert_eq!(read[0].label, label);
            prop_assert_eq!(read[0].der.as_slice(), der);
        }

        #[test]
        fn no_text_makes_the_reader_panic(
            text in "(-----|BEGIN |END |A|\n|=|é|[A-Za-z0-9+/]){0,40}"
        ) {
            let _ = blocks(&text);
        }
    }
}
