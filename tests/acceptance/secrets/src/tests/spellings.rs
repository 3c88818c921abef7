//! A planted key is found, whichever of its numbers it is and however it is spelled.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::{Key, keys, run};
use crate::archives::members;
use crate::{Search, Secret};

/// Demands that each number of each key is found in what `spell` makes of it, and that nothing is in
/// what it makes of another number of that length.
#[track_caller]
fn is_found(spelling: &str, spell: impl Fn(&[u8]) -> Vec<u8>) {
    for key in keys() {
        let secret = key.secret();
        let search = Search::new(&[&secret]);
        for (name, number) in key.numbers() {
            let planted = [b"before ", &spell(&number)[..], b" after"].concat();
            let seen = search.seen_in(&planted);
            let found = seen
                .iter()
                .any(|seen| seen.part == name && seen.spelling == spelling);
            assert!(found, "{name} is not found as {spelling}: {seen:?}");
            let other: Vec<u8> = number.iter().map(|byte| byte ^ 0x5a).collect();
            let seen = search.seen_in(&spell(&other));
            assert!(seen.is_empty(), "{name}: another one is found: {seen:?}");
        }
    }
}

fn joined(number: &[u8], between: &str, shown: impl Fn(u8) -> String) -> Vec<u8> {
    let shown: Vec<String> = number.iter().map(|byte| shown(*byte)).collect();
    shown.join(between).into_bytes()
}

/// Eight bytes out of the middle.
fn eight(number: &[u8]) -> &[u8] {
    &number[number.len() / 2 - 3..][..8]
}

#[test]
fn as_bytes() {
    is_found("bytes", <[u8]>::to_vec);
    is_found("bytes", |number| eight(number).to_vec());
    is_found("bytes", |number| {
        joined(number, "", |byte| format!("\\x{byte:02x}"))
    });
    is_found("bytes", |number| {
        joined(number, "", |byte| format!("\\u00{byte:02x}"))
    });
    is_found("bytes", |number| {
        joined(number, "", |byte| format!("\\{byte:03o}"))
    });
    is_found("bytes", |number| {
        joined(number, "", |byte| format!("%{byte:02X}"))
    });
    is_found("bytes", |number| {
        number.escape_ascii().to_string().into_bytes()
    });
}

#[test]
fn as_hex() {
    let lower = |byte| format!("{byte:02x}");
    for between in ["", ":", " ", ", ", "-", ":\n    "] {
        is_found("hex", |number| joined(number, between, lower));
        is_found("hex", |number| {
            joined(eight(number), between, |byte| format!("{byte:02X}"))
        });
    }
    is_found("hex", |number| {
        joined(number, ", ", |byte| format!("0x{byte:02x}"))
    });
    is_found("hex", |number| {
        joined(number, ":", lower)
            .chunks(45)
            .collect::<Vec<_>>()
            .join(&b"\n"[..])
    });
    is_found("hex", |number| run("od", &["-An", "-tx1"], number));
}

#[test]
fn as_a_list_of_numbers() {
    is_found("a list of numbers", |number| {
        format!("{number:?}").into_bytes()
    });
    is_found("a list of numbers", |number| {
        format!("{:#?}", eight(number)).into_bytes()
    });
    is_found("a list of numbers", |number| {
        run("od", &["-An", "-tu1"], number)
    });
    is_found("a list of numbers", |number| {
        run("od", &["-An", "-td1"], number)
    });
}

#[test]
fn as_a_large_number() {
    is_found("a large number", decimal);
}

/// Doubled digit by digit, bit after bit.
fn decimal(number: &[u8]) -> Vec<u8> {
    let mut digits = vec![0];
    for bit in number
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1))
    {
        let mut carry = bit;
        for digit in &mut digits {
            let doubled = 2 * *digit + carry;
            *digit = doubled % 10;
            carry = doubled / 10;
        }
        digits.extend((carry > 0).then_some(carry));
    }
    digits.iter().rev().map(|digit| digit + b'0').collect()
}

#[test]
fn as_base64_of_eight_bytes_wherever_they_begin() {
    for begin in 0..3 {
        let within = |number: &[u8]| [&b"xyz"[..begin], eight(number), b"end"].concat();
        is_found("base64", |number| {
            STANDARD.encode(within(number)).into_bytes()
        });
        is_found("base64", |number| {
            URL_SAFE_NO_PAD.encode(within(number)).into_bytes()
        });
    }
}

#[test]
fn as_base64_in_lines() {
    let broken = |number: &[u8], line: usize, end: &str| {
        let encoded = STANDARD.encode(number);
        let lines: Vec<_> = encoded.as_bytes().chunks(line).collect();
        lines.join(end.as_bytes())
    };
    for line in [7, 64] {
        for end in [
            "\n", "\r\n", "\\n", "\\\\n", "\\r\\n", "\n    ", "%0A", "\\u000a",
        ] {
            is_found("base64", |number| broken(number, line, end));
        }
    }
    is_found("base64", |number| {
        STANDARD
            .encode(number)
            .replace('+', "%2B")
            .replace('/', "\\/")
            .into_bytes()
    });
}

#[test]
fn encoded_over_and_over() {
    let base64 = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes).into_bytes();
    let hex = |bytes: &[u8]| joined(bytes, "", |byte| format!("{byte:02x}"));
    for begin in 0..4 {
        let again = |number: &[u8]| base64(&[&b"wxyz"[..begin], &base64(number)].concat());
        is_found("base64", again);
    }
    is_found("base64", |number| base64(&base64(&base64(number))));
    is_found("hex", |number| base64(&hex(number)));
    is_found("base64", |number| hex(&base64(number)));
    is_found("a list of numbers", |number| {
        base64(format!("{number:?}").as_bytes())
    });
}

#[test]
fn compressed() {
    let gzip = |bytes: &[u8]| run("gzip", &["-c"], bytes);
    is_found("bytes", gzip);
    is_found("base64", |number| gzip(STANDARD.encode(number).as_bytes()));
    // As Helm and the Kubernetes backend keep things.
    let kept = |bytes: &[u8]| STANDARD.encode(STANDARD.encode(gzip(bytes))).into_bytes();
    is_found("hex", |number| {
        kept(&joined(number, "", |byte| format!("{byte:02x}")))
    });
    is_found("bytes", |number| zipped("state", &gzip(number)));
}

/// A zip archive with one file, of what gzip has made of it.
fn zipped(name: &str, gzipped: &[u8]) -> Vec<u8> {
    let mut archive = b"PK\x03\x04\x14\0\0\0\x08\0".to_vec();
    // Time, check sum and sizes, which nobody asks for.
    archive.extend([0; 16]);
    archive.extend((name.len() as u16).to_le_bytes());
    archive.extend([0; 2]);
    archive.extend(name.as_bytes());
    archive.extend(&gzipped[10..gzipped.len() - 8]);
    archive
}

#[test]
fn members_have_their_names() {
    let archive = zipped("tfplan", &run("gzip", &["-c"], b"a plan"));
    let [member] = &members(&archive)[..] else {
        panic!("there is one");
    };
    assert_eq!((&*member.name, &*member.bytes), ("tfplan", &b"a plan"[..]));
}

#[test]
fn as_the_files_that_keys_are_in() {
    for key in keys() {
        let secret = key.secret();
        let search = Search::new(&[&secret]);
        let is_seen = |bytes: &[u8]| assert!(!search.seen_in(bytes).is_empty());
        for file in files(key) {
            is_seen(&file);
            is_seen(STANDARD.encode(&file).as_bytes());
            is_seen(&run("gzip", &["-c"], &file));
            is_seen(&run("od", &["-An", "-v", "-tx1"], &file));
            is_seen(format!("{file:?}").as_bytes());
        }
        let json = format!("{{\"key\":{:?}}}", key.pem);
        is_seen(STANDARD.encode(json).as_bytes());
    }
}

/// PEM and DER of either form.
fn files(key: &Key) -> [Vec<u8>; 4] {
    let binary = |arguments: &[&str]| {
        let all = [arguments, &["-outform", "DER"]].concat();
        run("openssl", &all, key.pem.as_bytes())
    };
    [
        key.pem.clone().into_bytes(),
        key.traditional.clone().into_bytes(),
        binary(&["pkcs8", "-topk8", "-nocrypt"]),
        binary(&["pkey"]),
    ]
}

#[test]
fn a_key_that_nobody_knows_is_known_by_its_form() {
    let anybody = Secret::any_private_key();
    let search = Search::new(&[&anybody]);
    for key in keys() {
        let is_seen = |bytes: &[u8]| assert!(!search.seen_in(bytes).is_empty());
        for file in &files(key) {
            is_seen(file);
            is_seen(STANDARD.encode(file).as_bytes());
            is_seen(STANDARD.encode(STANDARD.encode(file)).as_bytes());
            is_seen(&run("od", &["-An", "-v", "-tx1"], file));
            is_seen(&run("gzip", &["-c"], file));
        }
    }
    assert!(search.seen_in(b"the PRIVATE KEY of the mesh").is_empty());
}

/// What DER has at the begin of a key is not what it has before a public key, wherever base64 begins.
#[test]
fn a_public_key_on_a_curve_is_nobodys_private_key() {
    let anybody = Secret::any_private_key();
    let search = Search::new(&[&anybody]);
    let p256 = b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\0\x04";
    let p384 =
        b"\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\0\x22\x03\x62\0\x04";
    for public in [&p256[..], &p384[..]] {
        for begin in 0..3 {
            let within = [&b"xyz"[..begin], public, b"a public key of some length"].concat();
            assert!(search.seen_in(&within).is_empty());
            let text = STANDARD.encode(within);
            assert!(search.seen_in(text.as_bytes()).is_empty(), "{begin}");
        }
    }
}
