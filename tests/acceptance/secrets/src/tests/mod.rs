//! Keys that openssl has made, taken to pieces by openssl, and spelled by other tools.

mod pieces;
mod spellings;

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::Secret;

/// A key as openssl wrote it down.
struct Key {
    /// PKCS #8, PEM.
    pem: String,
    /// SEC 1 or PKCS #1, PEM.
    traditional: String,
    /// `SubjectPublicKeyInfo`, PEM.
    public: String,
    /// Everything in it, in words and hex.
    text: String,
}

/// Every kind of key that the provider makes.
const KINDS: [&[&str]; 5] = [
    &["EC", "ec_paramgen_curve:P-256"],
    &["EC", "ec_paramgen_curve:P-384"],
    &["RSA", "rsa_keygen_bits:2048"],
    &["RSA", "rsa_keygen_bits:3072"],
    &["RSA", "rsa_keygen_bits:4096"],
];

/// One key of each kind, made once.
fn keys() -> &'static [Key] {
    static KEYS: OnceLock<Vec<Key>> = OnceLock::new();
    KEYS.get_or_init(|| KINDS.iter().map(|kind| Key::made(kind)).collect())
}

impl Key {
    fn made(kind: &[&str]) -> Self {
        let make = ["genpkey", "-algorithm", kind[0], "-pkeyopt", kind[1]];
        let pem = text(run("openssl", &make, b""));
        let shown = |arguments: &[&str]| {
            let all = [&["pkey"], arguments].concat();
            text(run("openssl", &all, pem.as_bytes()))
        };
        Self {
            traditional: shown(&["-traditional"]),
            public: shown(&["-pubout"]),
            text: shown(&["-noout", "-text"]),
            pem,
        }
    }

    fn secret(&self) -> Secret {
        Secret::private_key("the key", &self.pem).unwrap()
    }

    /// What openssl prints under that name, without zeros in front.
    fn number(&self, name: &str) -> Vec<u8> {
        let (_, after) = self.text.split_once(&format!("{name}:")).unwrap();
        let lines = after
            .lines()
            .skip(1)
            .take_while(|line| line.starts_with("    "));
        let digits: String = lines
            .flat_map(|line| line.chars().filter(char::is_ascii_hexdigit))
            .collect();
        let pairs = digits
            .as_bytes()
            .chunks(2)
            .map(|pair| std::str::from_utf8(pair).unwrap());
        let bytes = pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap());
        bytes.skip_while(|byte| *byte == 0).collect()
    }

    /// Each secret number in it, with our name for it.
    fn numbers(&self) -> Vec<(&'static str, Vec<u8>)> {
        let names: &[_] = if self.text.contains("prime1:") {
            &[
                ("the private exponent", "privateExponent"),
                ("the first prime", "prime1"),
                ("the second prime", "prime2"),
                ("the first exponent", "exponent1"),
                ("the second exponent", "exponent2"),
                ("the coefficient", "coefficient"),
            ]
        } else {
            &[("the scalar", "priv")]
        };
        names
            .iter()
            .map(|(ours, theirs)| (*ours, self.number(theirs)))
            .collect()
    }
}

/// What a program makes of its input.
#[track_caller]
fn run(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}");
    output.stdout
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}
