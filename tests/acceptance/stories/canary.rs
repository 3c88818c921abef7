//! The private key is in the cluster's Secret and nowhere else: everything that a run leaves behind
//! is searched for it, in every form in which a byte run of it could show.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::process::Run;

use crate::interruption::{SOON, until_ordered};
use crate::planned::Planned;
use crate::world::{World, openssl};

/// How many bytes of the secret, one after the other, are a find.
const BYTES: usize = 8;

/// What to look for: the runs of a secret in one spelling, all of the same length.
pub(crate) struct Spelling {
    name: &'static str,
    length: usize,
    runs: HashSet<Vec<u8>>,
    /// Whether a run can begin with these two bytes: asked before all else.
    begins: Vec<bool>,
}

impl Spelling {
    fn new(name: &'static str, length: usize, texts: &[Vec<u8>]) -> Self {
        let runs = texts
            .iter()
            .flat_map(|text| text.windows(length).map(<[u8]>::to_vec));
        let runs: HashSet<Vec<u8>> = runs.collect();
        let mut begins = vec![false; 1 << 16];
        runs.iter().for_each(|run| begins[first_two(run)] = true);
        Self {
            name,
            length,
            runs,
            begins,
        }
    }

    fn is_in(&self, bytes: &[u8]) -> bool {
        let mut windows = bytes.windows(self.length);
        windows.any(|window| self.begins[first_two(window)] && self.runs.contains(window))
    }
}

fn first_two(bytes: &[u8]) -> usize {
    usize::from(u16::from_be_bytes([bytes[0], bytes[1]]))
}

/// Every spelling of a secret that is looked for.
pub(crate) fn spellings(secret: &[u8]) -> Vec<Spelling> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let colons: Vec<String> = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let numbers: String = secret.iter().map(|byte| format!("{byte},")).collect();
    let base64 = |engine: &dyn Fn(&[u8]) -> String| {
        // Where its bytes begin within a group of three is the writer's choice.
        (0..3)
            .map(|phase| whole_groups(engine, secret, phase))
            .collect::<Vec<_>>()
    };
    let standard = base64(&|bytes| STANDARD_NO_PAD.encode(bytes));
    let url_safe = base64(&|bytes| URL_SAFE_NO_PAD.encode(bytes));
    // Text in base64 that is put into base64 again, as a PEM in a Secret is.
    let again = standard.iter().flat_map(|text| {
        (0..3).map(|phase| whole_groups(&|bytes: &[u8]| STANDARD_NO_PAD.encode(bytes), text, phase))
    });
    let again: Vec<_> = again.collect();
    vec![
        Spelling::new("bytes", BYTES, &[secret.to_vec()]),
        Spelling::new(
            "hex",
            2 * BYTES,
            &[hex.to_uppercase().into_bytes(), hex.into_bytes()],
        ),
        Spelling::new(
            "hex with colons",
            3 * BYTES - 1,
            &[colons.join(":").into_bytes()],
        ),
        Spelling::new("numbers", 3 * BYTES, &[numbers.into_bytes()]),
        Spelling::new("base64", 12, &standard),
        Spelling::new("base64 for URLs", 12, &url_safe),
        Spelling::new("base64 of base64", 16, &again),
    ]
}

/// The base64 of the groups of three bytes that are wholly the secret's.
fn whole_groups(encode: &dyn Fn(&[u8]) -> String, secret: &[u8], phase: usize) -> Vec<u8> {
    let rest = secret.get(phase..).unwrap_or_default();
    encode(&rest[..rest.len() / 3 * 3]).into_bytes()
}

/// How the secret shows in the bytes, in words; `None` if it does not.
pub(crate) fn found(spellings: &[Spelling], bytes: &[u8]) -> Option<&'static str> {
    // Also through the line breaks of a PEM, as they are or escaped, and the blanks between numbers.
    let text = String::from_utf8_lossy(bytes).replace("\\n", "");
    let dense: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let is_in = |spelling: &&Spelling| spelling.is_in(bytes) || spelling.is_in(&dense);
    spellings.iter().find(is_in).map(|spelling| spelling.name)
}

/// The private number of an EC key: all in its file that is secret.
pub(crate) fn private_number(key: &Path) -> Vec<u8> {
    let text = openssl(&["pkey", "-noout", "-text", "-in"], key);
    let (_, number) = text.split_once("priv:").expect("it is an EC key");
    let (number, _) = number.split_once("pub:").expect("it is an EC key");
    let bytes = number
        .split(|c: char| !c.is_ascii_hexdigit())
        .filter(|byte| !byte.is_empty());
    let bytes: Vec<u8> = bytes
        .map(|byte| u8::from_str_radix(byte, 16).expect("it is a byte in hex"))
        .collect();
    assert!(
        (30..=33).contains(&bytes.len()),
        "a private number of P-256 has 32 bytes"
    );
    bytes
}

/// Everything under a directory, by name: plan files are archives, and are looked into.
pub(crate) fn left_behind(directory: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(directory).expect("the directory can be read") {
        let path = entry.expect("the directory can be read").path();
        if path.is_dir() {
            left_behind(&path, into);
            continue;
        }
        let mut bytes = fs::read(&path).expect("the file can be read");
        if bytes.starts_with(b"PK\x03\x04") {
            let unzip = Command::new("unzip")
                .arg("-p")
                .arg(&path)
                .output()
                .expect("unzip runs");
            assert!(unzip.status.success(), "{} is no archive", path.display());
            bytes = unzip.stdout;
        }
        into.push((path.display().to_string(), bytes));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_a_secret_that_issues_by_itself_is_in_the_cluster_alone() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "canary").await;
        let log = world.dir.path().join("trace.log").display().to_string();
        world.dir.set_env("TF_LOG", "trace");
        world.dir.set_env("TF_LOG_PATH", &log);
        world.configure(&world.issuing_secret("", "rotate_key = false"));
        // What an interrupted run leaves is where a key would be kept to go on with it.
        let running = until_ordered(&world, 1).await;
        running.ctrl_c();
        let mut runs: Vec<Run> = vec![running.wait(SOON).await];
        let mut all = Vec::new();
        left_behind(world.dir.place(), &mut all);
        world.aws.release_deliveries();
        runs.push(Planned::make(&mut world, &[]).await.run);
        runs.push(Planned::apply(&mut world).await);
        runs.push(world.plan(&[]).await);
        // The key is read from the Secret, and signs and is written again.
        let again = "rotate_key = false\n    renew_triggers = { incident = \"42\" }";
        world.configure(&world.issuing_secret(r#"labels = { tier = "mesh" }"#, again));
        runs.push(Planned::make(&mut world, &[]).await.run);
        runs.push(Planned::apply(&mut world).await);
        runs.push(world.cli(&["show", "-json"]).await);
        runs.last().map(Run::succeeds);
        left_behind(world.dir.place(), &mut all);
        all.retain(|(name, _)| !name.ends_with("terraform-provider-istiopca"));
        for run in &runs {
            all.push((format!("stdout of {}", run.command()), run.stdout().into()));
            all.push((format!("stderr of {}", run.command()), run.stderr().into()));
        }
        everything_was_looked_at(&all);
        let key = world.file("ca-key.pem").await;
        let spellings = spellings(&private_number(&key));
        let pem = fs::read(&key).expect("it was written");
        assert_eq!(
            found(&spellings, &pem),
            Some("base64"),
            "it would not be found"
        );
        for (name, bytes) in all {
            let found = found(&spellings, &bytes);
            assert_eq!(found, None, "the private key is in {name}");
        }
        assert_eq!(world.aws.count("IssueCertificate"), 3);
    }
}

/// The search went over the trace, the plan's insides and the state.
fn everything_was_looked_at(all: &[(String, Vec<u8>)]) {
    for (end, text) in [
        ("trace.log", "ApplyResourceChange"),
        ("saved.tfplan", "istiopca_cacerts_secret"),
        ("terraform.tfstate", "issued_certificate"),
    ] {
        let has = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(text);
        let seen = all
            .iter()
            .any(|(name, bytes)| name.ends_with(end) && has(bytes));
        assert!(
            seen,
            "{end} does not hold {text}, so it was not looked into"
        );
    }
}

/// An ordinary secret that no text resembles.
const PLANTED: [u8; 32] = [
    0x9f, 0x03, 0xe1, 0x5c, 0x77, 0xaa, 0x10, 0xc4, 0x3d, 0xf8, 0x62, 0x0b, 0x95, 0xee, 0x41, 0xd7,
    0x28, 0xb3, 0x6c, 0x1f, 0x8a, 0xf5, 0x50, 0x0e, 0xc9, 0x34, 0x7b, 0xa6, 0x12, 0xdd, 0x69, 0x87,
];

#[test]
fn a_planted_key_is_found_in_every_spelling() {
    let spellings = spellings(&PLANTED);
    let find = |planted: &[u8]| found(&spellings, &[b"before ", planted, b" after"].concat());
    assert_eq!(find(b"an innocent text, and so on and so forth"), None);
    assert_eq!(find(&PLANTED), Some("bytes"));
    assert_eq!(
        find(&PLANTED[5..5 + BYTES]),
        Some("bytes"),
        "a part is enough"
    );
    let hex: Vec<String> = PLANTED.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(find(hex.concat().as_bytes()), Some("hex"));
    assert_eq!(find(hex.concat().to_uppercase().as_bytes()), Some("hex"));
    assert_eq!(find(hex.join(":").as_bytes()), Some("hex with colons"));
    assert_eq!(
        find(hex.join(":\n    ").as_bytes()),
        Some("hex with colons")
    );
    assert_eq!(find(format!("{PLANTED:?}").as_bytes()), Some("numbers"));
    for phase in 0..3 {
        let shifted = [&b"xyz"[..phase], &PLANTED, b"rest"].concat();
        let encoded = STANDARD_NO_PAD.encode(&shifted);
        assert_eq!(find(encoded.as_bytes()), Some("base64"), "phase {phase}");
        let (one, two) = encoded.split_at(20);
        for broken in [format!("{one}\n{two}"), format!("{one}\\n{two}")] {
            assert_eq!(find(broken.as_bytes()), Some("base64"), "phase {phase}");
        }
        let twice = STANDARD_NO_PAD.encode(format!("{}{encoded}", &"xyz"[phase..]));
        assert_eq!(
            find(twice.as_bytes()),
            Some("base64 of base64"),
            "phase {phase}"
        );
        let encoded = URL_SAFE_NO_PAD.encode(&shifted);
        assert!(find(encoded.as_bytes()).is_some(), "phase {phase}");
    }
}
