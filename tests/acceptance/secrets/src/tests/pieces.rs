//! A key is taken to its secret pieces, and to no public one.

use super::{keys, run, text};
use crate::{KeyError, Search, Secret};

#[test]
fn every_form_of_a_key_has_the_pieces_that_openssl_sees() {
    for key in keys() {
        for pem in [&key.pem, &key.traditional] {
            let secret = Secret::private_key("it", pem).unwrap();
            let pieces = secret.parts().iter();
            let pieces: Vec<_> = pieces.map(|part| (part.what, part.bytes.clone())).collect();
            assert!(
                pieces == key.numbers(),
                "{}",
                key.text.lines().next().unwrap()
            );
        }
    }
}

#[test]
fn the_fingerprint_is_of_the_public_key() {
    for key in keys() {
        let der = run(
            "openssl",
            &["pkey", "-pubin", "-outform", "DER"],
            key.public.as_bytes(),
        );
        let digest = text(run("openssl", &["dgst", "-sha256", "-r"], &der));
        for pem in [&key.pem, &key.traditional] {
            let secret = Secret::private_key("it", pem).unwrap();
            assert_eq!(secret.fingerprint(), digest.split(' ').next());
        }
    }
}

#[test]
fn what_is_public_is_no_find() {
    for key in keys() {
        let (secret, anybody) = (key.secret(), Secret::any_private_key());
        let search = Search::new(&[&secret, &anybody]);
        let der = run(
            "openssl",
            &["pkey", "-pubin", "-outform", "DER"],
            key.public.as_bytes(),
        );
        let mut public = vec![key.public.clone().into_bytes(), der];
        let request = ["req", "-new", "-key", "/dev/stdin", "-subj", "/CN=it"];
        for more in [&[][..], &["-x509"]] {
            let pem = run(
                "openssl",
                &[&request[..], more].concat(),
                key.pem.as_bytes(),
            );
            let (_, der) = x509_cert::der::pem::decode_vec(&pem).unwrap();
            public.extend([pem, der]);
        }
        for name in ["pub", "Modulus", "modulus"] {
            if key.text.contains(&format!("{name}:")) {
                public.push(key.number(name));
            }
        }
        assert_eq!(public.len(), 7);
        let hex = public.iter().map(|bytes| {
            bytes
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
                .into_bytes()
        });
        for bytes in hex.collect::<Vec<_>>().iter().chain(&public) {
            assert_eq!(search.seen_in(bytes).into_iter().collect::<Vec<_>>(), []);
        }
    }
}

#[test]
fn what_is_no_private_key_is_refused_and_no_word_of_it_is_told() {
    let key = &keys()[0];
    let refused = |pem: &str| Secret::private_key("it", pem).unwrap_err();
    assert!(matches!(refused("x"), KeyError::Pem(_)));
    assert!(matches!(refused(&key.public), KeyError::Form(_)));
    let ed25519 = text(run("openssl", &["genpkey", "-algorithm", "ED25519"], b""));
    assert_eq!(
        refused(&ed25519).to_string(),
        "a PRIVATE KEY of algorithm 1.3.101.112 is no private key that can be taken to pieces: \
         expected PKCS #8, SEC 1 or PKCS #1, EC or RSA"
    );
    assert_eq!(format!("{:?}", key.secret()), "Secret(\"the key\")");
}

#[test]
fn a_text_is_found_as_a_whole_only() {
    let secret = Secret::text("a password", "correct-horse-battery");
    let search = Search::new(&[&secret]);
    let seen = |bytes: &[u8]| {
        search
            .seen_in(bytes)
            .into_iter()
            .map(|seen| seen.spelling)
            .collect::<Vec<_>>()
    };
    assert_eq!(seen(b"a correct-horse-batteries"), [""; 0]);
    assert_eq!(seen(b"orrect-horse-battery"), [""; 0]);
    assert_eq!(seen(b"my correct-horse-battery!"), ["bytes"]);
    for before in ["", "x", "xy"] {
        let line = format!("{before}correct-horse-battery");
        let encoded = run("openssl", &["base64", "-A"], line.as_bytes());
        assert_eq!(seen(&encoded), ["base64"]);
    }
    assert_eq!(
        seen(b"636f72726563742d686f7273652d62617474657279"),
        ["bytes", "hex"]
    );
}

#[test]
#[should_panic(expected = "the password is too short or too plain to be looked for")]
fn a_text_that_chance_would_find_is_refused() {
    let _ = Secret::text("the password", "secret");
}

#[test]
#[should_panic(expected = "too plain")]
fn a_text_that_repeats_itself_is_refused() {
    let _ = Secret::text("the password", "------------");
}

#[test]
fn texts_that_share_a_part_are_told_apart() {
    let (one, two) = (
        Secret::text("one", "horse-battery-1"),
        Secret::text("two", "horse-battery-2"),
    );
    let search = Search::new(&[&one, &two]);
    let seen = |bytes: &[u8]| {
        search
            .seen_in(bytes)
            .into_iter()
            .map(|seen| seen.secret)
            .collect::<Vec<_>>()
    };
    assert_eq!(seen(b"a horse-battery-1"), ["one"]);
    assert_eq!(seen(b"a horse-battery-2"), ["two"]);
    assert_eq!(seen(b"a horse-battery-3"), [""; 0]);
}
