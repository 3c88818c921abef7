//! Compressed files, wherever they begin: gzip, and zip as the cores write their plans.
//!
//! What is cut off is opened as far as it goes.

use miniz_oxide::inflate::decompress_to_vec;

/// A file in an archive.
#[derive(Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name in the archive; gzip has none.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// How a file begins in a zip archive.
const ZIP: &[u8] = b"PK\x03\x04";
/// How a member of a gzip file begins.
const GZIP: &[u8] = b"\x1f\x8b\x08";

/// Every file that is compressed somewhere in the bytes.
pub fn members(bytes: &[u8]) -> Vec<Member> {
    let zipped = places(bytes, ZIP).filter_map(|at| zipped(&bytes[at..]));
    let gzipped = places(bytes, GZIP).filter_map(|at| gzipped(&bytes[at..]));
    zipped.chain(gzipped).collect()
}

/// Whether something in the bytes begins like a compressed file.
pub(crate) fn are_in(bytes: &[u8]) -> bool {
    [ZIP, GZIP]
        .iter()
        .any(|begin| places(bytes, begin).next().is_some())
}

/// A file in a zip archive, from its local header on (APPNOTE.TXT, 4.3.7).
fn zipped(header: &[u8]) -> Option<Member> {
    const LENGTH: usize = 30;
    let size = |at: usize| {
        let field = header.get(at..at + 2)?;
        Some(usize::from(u16::from_le_bytes([field[0], field[1]])))
    };
    let (method, name, extra) = (size(8)?, size(26)?, size(28)?);
    let data = header.get(LENGTH + name + extra..)?;
    let name = String::from_utf8_lossy(header.get(LENGTH..LENGTH + name)?).into_owned();
    let bytes = match method {
        8 => inflated(data),
        _ => as_it_is(data).to_vec(),
    };
    Some(Member { name, bytes })
}

/// A member of a gzip file, from its header on (RFC 1952, 2.3).
fn gzipped(header: &[u8]) -> Option<Member> {
    let flags = *header.get(3)?;
    let mut rest = header.get(10..)?;
    if flags & 4 != 0 {
        let extra = usize::from(u16::from_le_bytes([*rest.first()?, *rest.get(1)?]));
        rest = rest.get(2 + extra..)?;
    }
    for text in [8, 16] {
        if flags & text != 0 {
            let end = rest.iter().position(|byte| *byte == 0)?;
            rest = &rest[end + 1..];
        }
    }
    if flags & 2 != 0 {
        rest = rest.get(2..)?;
    }
    let (name, bytes) = (String::new(), inflated(rest));
    Some(Member { name, bytes })
}

/// What is stored without being compressed: up to whatever comes next in the archive.
fn as_it_is(data: &[u8]) -> &[u8] {
    let next = |begin| places(data, begin).next().unwrap_or(data.len());
    let ends = [ZIP, b"PK\x01\x02", b"PK\x07\x08"].map(next);
    &data[..ends.into_iter().min().unwrap_or_default()]
}

/// What deflate has made of these bytes, up to its end or to where they end or make no sense.
fn inflated(bytes: &[u8]) -> Vec<u8> {
    decompress_to_vec(bytes).unwrap_or_else(|error| error.output)
}

/// Where these bytes are.
///
/// # Panics
///
/// When nothing is sought.
pub fn places<'a>(bytes: &'a [u8], sought: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let begins = bytes.iter().enumerate();
    let begins = begins.filter_map(|(at, byte)| (*byte == sought[0]).then_some(at));
    begins.filter(move |at| bytes[*at..].starts_with(sought))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;

    /// What gzip makes of it.
    fn gzip(arguments: &[&str], bytes: &[u8]) -> Vec<u8> {
        let mut gzip = Command::new("gzip")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        gzip.stdin.take().unwrap().write_all(bytes).unwrap();
        gzip.wait_with_output().unwrap().stdout
    }

    fn text() -> Vec<u8> {
        (0..2000)
            .flat_map(|n| format!("line {n}\n").into_bytes())
            .collect()
    }

    #[test]
    fn gzip_is_opened_wherever_it_begins_and_as_far_as_it_goes() {
        let packed = gzip(&["-9"], &text());
        let within = [b"before", &packed[..], b"after"].concat();
        let [member] = &members(&within)[..] else {
            panic!("there is one");
        };
        assert!(member.bytes == text());
        let cut = members(&packed[..packed.len() / 2]).remove(0).bytes;
        let known = cut
            .iter()
            .zip(text())
            .take_while(|(cut, text)| **cut == *text);
        assert!(known.count() > text().len() / 4);
    }

    #[test]
    fn a_name_in_the_header_is_skipped() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("named");
        std::fs::write(&file, text()).unwrap();
        let packed = gzip(&["--name", "--stdout", &file.display().to_string()], b"");
        assert!(packed.windows(5).any(|window| window == b"named"));
        assert!(members(&packed).remove(0).bytes == text());
    }

    #[test]
    fn what_is_only_stored_is_taken_as_it_is() {
        let file = |name: &str, text: &str| {
            let length = [name.len() as u8, 0];
            [
                &b"PK\x03\x04\x14"[..],
                &[0; 21],
                &length,
                &[0; 2],
                name.as_bytes(),
                text.as_bytes(),
            ]
            .concat()
        };
        let archive = [
            file("one", "first"),
            file("two", "second"),
            b"PK\x01\x02".to_vec(),
        ]
        .concat();
        let member = |name: &str, text: &str| Member {
            name: name.to_owned(),
            bytes: text.into(),
        };
        assert_eq!(
            members(&archive),
            [member("one", "first"), member("two", "second")]
        );
    }

    #[test]
    fn what_only_begins_like_an_archive_does_no_harm() {
        for bytes in [
            &b"PK\x03\x04"[..],
            b"\x1f\x8b\x08",
            b"PK\x03\x04 and so on, until the end of it all",
        ] {
            _ = members(bytes);
        }
    }
}
