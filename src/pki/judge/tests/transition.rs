//! From one state to the next. Each state by itself is sound here.

use super::*;
use std::sync::LazyLock;

/// Two roots, `a` and `b`, and two meshes under each.
struct Meshes {
    a: Ca,
    b: Ca,
    under_a: [Ca; 2],
    under_b: [Ca; 2],
}

static MESHES: LazyLock<Meshes> = LazyLock::new(|| {
    let (a, b) = (Ca::root(Spec::ca("a")), Ca::root(Spec::ca("b")));
    Meshes {
        under_a: [a.sign(mesh()), a.sign(mesh())],
        under_b: [b.sign(mesh()), b.sign(mesh())],
        a,
        b,
    }
});

/// A mesh with the roots of these letters.
fn state(mesh: &Ca, roots: &str) -> Files {
    let root = |letter| match letter {
        'a' => &MESHES.a.certificate,
        _ => &MESHES.b.certificate,
    };
    let roots: Vec<_> = roots.chars().map(root).collect();
    files_of(std::slice::from_ref(mesh), &[&mesh.certificate], &roots)
}

fn step(from: &Files, to: &Files) -> Vec<Finding> {
    assert_eq!(judge(to, None, now()), [], "each state is sound");
    judge(to, Some(from), now())
}

fn kinds(from: &Files, to: &Files) -> Vec<Kind> {
    step(from, to).iter().map(Finding::kind).collect()
}

#[test]
fn a_renewal_under_the_same_roots_is_taken_by_a_running_istiod() {
    let [one, two] = &MESHES.under_a;
    assert_eq!(step(&state(one, "a"), &state(two, "a")), []);
    assert_eq!(step(&state(one, "ab"), &state(two, "ab")), []);
}

#[test]
fn the_walk_from_one_root_to_the_other_breaks_nothing() {
    let (under_a, under_b) = (&MESHES.under_a[0], &MESHES.under_b[0]);
    let walk = [
        state(under_a, "a"),
        state(under_a, "ab"),
        state(under_b, "ab"),
        state(under_b, "b"),
    ];
    assert_eq!(kinds(&walk[0], &walk[1]), [Kind::Reload]);
    assert_eq!(kinds(&walk[1], &walk[2]), []);
    let last = step(&walk[2], &walk[3]);
    assert_eq!(last.len(), 1);
    assert_eq!((last[0].kind(), last[0].refuses()), (Kind::Reload, false));
    assert_eq!(
        last[0].to_string(),
        "root-cert.pem: its bytes change, CN=a goes"
    );
}

#[test]
fn another_root_at_once_breaks_both_ways() {
    let (from, to) = (
        state(&MESHES.under_a[0], "a"),
        state(&MESHES.under_b[0], "b"),
    );
    let found = step(&from, &to);
    let words: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        [
            format!(
                "root-cert.pem: the live one does not trust the new root CN=b (SHA-256 {})",
                MESHES.b.certificate.sha256()
            ),
            format!(
                "root-cert.pem: certificates under the live root CN=a (SHA-256 {}) are refused by \
                 it",
                MESHES.a.certificate.sha256()
            ),
            "root-cert.pem: its bytes change, CN=b comes, CN=a goes".to_owned(),
        ]
    );
    assert_eq!(
        found.iter().map(Finding::kind).collect::<Vec<_>>(),
        [Kind::Transition, Kind::Transition, Kind::Reload]
    );
}

#[test]
fn a_step_that_is_taken_too_early_breaks_one_way() {
    let (a, b) = (&MESHES.under_a[0], &MESHES.under_b[0]);
    // Signing with a root in the very step in which it becomes trusted.
    let early = step(&state(a, "a"), &state(b, "ab"));
    assert!(matches!(
        early[..],
        [Finding::NewLeaves { .. }, Finding::RootsBytes { .. }]
    ));
    // Dropping the old root in the step in which signing leaves it.
    let early = step(&state(a, "ab"), &state(b, "b"));
    assert!(matches!(
        early[..],
        [Finding::OldLeaves { .. }, Finding::RootsBytes { .. }]
    ));
}

#[test]
fn the_bytes_of_the_roots_count_for_a_running_istiod() {
    let mesh = &MESHES.under_a[0];
    let plain = state(mesh, "ab");
    assert_eq!(kinds(&plain, &state(mesh, "ba")), [Kind::Reload]);
    assert_eq!(kinds(&plain, &state(mesh, "abb")), [Kind::Reload]);
    let mut spaced = plain.clone();
    edit(&mut spaced, "root-cert.pem", |text| text + "\n");
    let found = step(&plain, &spaced);
    let words: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        ["root-cert.pem: its bytes change, though not its certificates"]
    );
}

#[test]
fn another_layout_with_the_same_roots_is_taken() {
    let path = [MESHES.a.sign(mesh()), Ca::root(Spec::ca("b"))];
    let istio = state(&path[0], "a");
    let mut tls = Files::new();
    put(&mut tls, "tls.crt", istio["cert-chain.pem"].clone());
    put(&mut tls, "tls.key", istio["ca-key.pem"].clone());
    put(&mut tls, "ca.crt", istio["root-cert.pem"].clone());
    assert_eq!(step(&istio, &tls), []);
    put(
        &mut tls,
        "ca.crt",
        pem(&[&MESHES.a.certificate, &MESHES.b.certificate]),
    );
    let found = step(&istio, &tls);
    assert_eq!((found.len(), found[0].file()), (1, "ca.crt"));
}

#[test]
fn what_is_live_is_read_as_kindly_as_istiod_reads_it() {
    let mut live = state(&MESHES.under_a[0], "a");
    for file in ["ca-cert.pem", "cert-chain.pem"] {
        edit(&mut live, file, |text| {
            format!("text\n{}\n\ntext", text.replace('\n', "\r\n"))
        });
    }
    let key = crate::pki::testing::openssl_text(
        &["ec"],
        String::from_utf8(live["ca-key.pem"].clone()).unwrap(),
    );
    assert!(key.starts_with("-----BEGIN EC PRIVATE KEY"));
    put(&mut live, "ca-key.pem", key);
    let to = state(&MESHES.under_b[0], "b");
    assert!(kinds(&live, &to).contains(&Kind::Transition));
}

#[test]
fn where_nothing_lives_nothing_breaks() {
    let to = state(&MESHES.under_b[0], "b");
    assert_eq!(step(&Files::new(), &to), []);
    let mut broken = state(&MESHES.under_a[0], "a");
    put(&mut broken, "cert-chain.pem", "");
    assert_eq!(kinds(&broken, &to), [Kind::Reload]);
    let other_key = MESHES.b.key.to_pem();
    let mut broken = state(&MESHES.under_a[0], "a");
    put(&mut broken, "ca-key.pem", other_key.expose());
    assert_eq!(kinds(&broken, &to), [Kind::Reload]);
    // A CA that is over has no leaves that anybody takes.
    let over = MESHES.a.sign(mesh().days(0));
    assert_eq!(kinds(&state(&over, "a"), &to), [Kind::Reload]);
}

#[test]
fn a_root_that_is_renewed_over_its_key_is_followed_both_ways() {
    let renewed = MESHES.a.cross_signed_by(&MESHES.a);
    assert_ne!(renewed, MESHES.a.certificate);
    let ca = &MESHES.under_a[0];
    let to = files_of(std::slice::from_ref(ca), &[&ca.certificate], &[&renewed]);
    assert_eq!(kinds(&state(ca, "a"), &to), [Kind::Reload]);
}

#[test]
fn a_root_whose_key_gets_another_identifier_is_not_followed() {
    // Go and rustls would climb to it; Envoy looks for the identifier that is in the certificates.
    let other = Spec::ca("a").change(|spec| spec.key_identifiers = false);
    let other = other.tweak(|params| {
        params.key_identifier_method = rcgen::KeyIdMethod::PreSpecified(vec![7; 20]);
    });
    let renewed = MESHES.a.renewed(other);
    let ca = [renewed.sign(mesh())];
    let to = files_of(&ca, &[&ca[0].certificate], &[&renewed.certificate]);
    let found = step(&state(&MESHES.under_a[0], "a"), &to);
    let kinds: Vec<_> = found.iter().map(Finding::kind).collect();
    assert_eq!(kinds, [Kind::Transition, Kind::Transition, Kind::Reload]);
}
