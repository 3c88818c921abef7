use super::*;
use crate::pki::testing::{Ca, DAY, START, Scratch, Spec, certificates, hierarchy, run_openssl};
use proptest::prelude::*;
use rcgen::{IsCa, KeyUsagePurpose};
use std::sync::LazyLock;

/// mesh → authority 1 → authority 0 → root
static FOUR: LazyLock<Vec<Certificate>> = LazyLock::new(|| certificates(&hierarchy(2)));

fn assembled(path: &[Certificate]) -> Result<Chain, ChainError> {
    Chain::assemble(path[0].clone(), path[1..].to_vec())
}

fn names(certificates: &[Certificate]) -> Vec<&str> {
    certificates
        .iter()
        .map(|it| it.subject().as_str())
        .collect()
}

#[track_caller]
fn refused(path: &[&Certificate]) -> String {
    let path: Vec<_> = path.iter().map(|it| (*it).clone()).collect();
    assembled(&path).unwrap_err().to_string()
}

/// Whether openssl finds a path from the first certificate to the last one.
fn openssl_verifies(path: &[Certificate]) -> (bool, String) {
    let scratch = Scratch::new();
    let leaf = scratch.file("leaf", &path[0].to_pem());
    let between = scratch.file("between", &pem_of(&path[1..path.len() - 1]));
    let root = scratch.file("root", &path[path.len() - 1].to_pem());
    let at = (START + DAY).to_string();
    let arguments = [
        "verify",
        "-x509_strict",
        "-attime",
        &at,
        "-CAfile",
        &root,
        "-untrusted",
        &between,
        &leaf,
    ];
    let (verified, _, complaint) = run_openssl(&arguments, b"");
    (verified, complaint)
}

#[test]
fn every_part_of_a_chain_has_its_name() {
    let chain = assembled(&FOUR).unwrap();
    assert_eq!(
        names(chain.path()),
        ["CN=mesh", "CN=authority 1", "CN=authority 0", "CN=root"]
    );
    assert_eq!(chain.certificate(), &FOUR[0]);
    assert_eq!(chain.issuer(), &FOUR[1]);
    assert_eq!(chain.issuers(), &FOUR[1..3]);
    assert_eq!(chain.root(), &FOUR[3]);
    let pem: String = FOUR[1..].iter().map(Certificate::to_pem).collect();
    assert_eq!(chain.certificate_chain_pem(), pem);
    assert_eq!(openssl_verifies(chain.path()), (true, String::new()));
}

#[test]
fn below_a_root_there_are_no_issuers_between() {
    let two = certificates(&hierarchy(0));
    let chain = assembled(&two).unwrap();
    assert_eq!(chain.issuers(), &[]);
    assert_eq!(chain.issuer(), chain.root());
    assert_eq!(chain.certificate_chain_pem(), two[1].to_pem());
}

#[test]
fn a_root_is_a_path_by_itself() {
    let root = &FOUR[3];
    let chain = Chain::split(&root.to_pem()).unwrap();
    assert_eq!(
        (chain.certificate(), chain.issuer(), chain.root()),
        (root, root, root)
    );
    assert_eq!(chain.issuers(), &[]);
    assert_eq!(chain.certificate_chain_pem(), "");
}

#[test]
fn the_path_ends_with_its_first_certificate_to_end() {
    let root = Ca::root(Spec::ca("root").days(30));
    let mesh = root.sign(Spec::ca("mesh").days(90));
    let chain = assembled(&certificates(&[mesh, root])).unwrap();
    assert_eq!(
        chain.path_not_after(),
        Timestamp::from_second(START + 30 * DAY).unwrap()
    );
    let at = |day: i64| Timestamp::from_second(START + day * DAY).unwrap();
    let second = jiff::SignedDuration::from_secs(1);
    assert!(chain.invalid_at(at(0)).is_empty() && chain.invalid_at(at(30)).is_empty());
    assert_eq!(chain.invalid_at(at(30) + second), [chain.root()]);
    assert_eq!(chain.invalid_at(at(0) - second).len(), 2);
    assert_eq!(chain.invalid_at(at(91)).len(), 2);
}

#[test]
fn a_missing_issuer_is_named() {
    assert_eq!(
        refused(&[&FOUR[0], &FOUR[1], &FOUR[3]]),
        "the issuer of CN=authority 1 is missing: no certificate of CN=authority 0"
    );
    assert_eq!(
        refused(&[&FOUR[0]]),
        "the issuer of CN=mesh is missing: no certificate of CN=authority 1"
    );
}

#[test]
fn a_foreign_certificate_is_named() {
    let stranger = Ca::root(Spec::ca("stranger")).certificate;
    let path = [&FOUR[0], &stranger, &FOUR[1], &FOUR[2], &FOUR[3]];
    assert_eq!(
        refused(&path),
        "got certificates that are not on the path: CN=stranger"
    );
    let pool = path[1..].iter().map(|it| (*it).clone()).collect();
    assert_eq!(
        Chain::among(FOUR[0].clone(), pool).unwrap().path(),
        &FOUR[..]
    );
}

#[test]
fn authorities_of_one_name_are_told_apart_by_their_keys() {
    for key_identifiers in [true, false] {
        let same = || Spec::ca("same").change(|spec| spec.key_identifiers = key_identifiers);
        let root = Ca::root(same());
        let middle = root.sign(same());
        let mesh = middle.sign(same());
        let path = certificates(&[mesh, middle, root]);
        for order in [[0, 1, 2], [0, 2, 1]] {
            let shuffled: Vec<_> = order.iter().map(|index| path[*index].clone()).collect();
            assert_eq!(assembled(&shuffled).unwrap().path(), path);
        }
        let text = pem_of(&[path[2].clone(), path[0].clone(), path[1].clone()]);
        assert_eq!(Chain::split(&text).unwrap().path(), path);
    }
}

#[test]
fn a_namesake_of_the_issuer_is_told_from_a_missing_one() {
    let namesake = Ca::root(Spec::ca("authority 1")).certificate;
    let fault = refused(&[&FOUR[0], &namesake]);
    assert_eq!(
        fault,
        "CN=mesh was not signed by the CN=authority 1 that is given, which has another key"
    );
}

#[test]
fn a_circle_of_authorities_is_refused() {
    let one = Ca::root(Spec::ca("one"));
    let two = Ca::root(Spec::ca("two"));
    let mesh = one.sign(Spec::ca("mesh")).certificate;
    let (one_by_two, two_by_one) = (one.cross_signed_by(&two), two.cross_signed_by(&one));
    let fault = refused(&[&mesh, &one_by_two, &two_by_one]);
    assert_eq!(
        fault,
        "the path from CN=two runs in a circle and reaches no root"
    );
    let text = pem_of(&[one_by_two, two_by_one]);
    assert!(matches!(Chain::split(&text), Err(ChainError::Loop { .. })));
}

#[test]
fn issuers_must_be_authorities_that_may_sign() {
    let root = Ca::root(Spec::ca("root"));
    let leaf = root.sign(Spec::ca("leaf").change(|spec| spec.is_ca = IsCa::ExplicitNoCa));
    let below = leaf.sign(Spec::ca("below"));
    let path = certificates(&[below, leaf, root]);
    assert_eq!(
        assembled(&path).unwrap_err().to_string(),
        "CN=leaf has signed a certificate but is not a CA"
    );
    assert!(!openssl_verifies(&path).0);

    let root = Ca::root(Spec::ca("root"));
    let muzzled =
        Spec::ca("muzzled").change(|spec| spec.key_usages = vec![KeyUsagePurpose::CrlSign]);
    let muzzled = root.sign(muzzled);
    let below = muzzled.sign(Spec::ca("below"));
    let path = certificates(&[below, muzzled, root]);
    assert_eq!(
        assembled(&path).unwrap_err().to_string(),
        "CN=muzzled has signed a certificate but its keyUsage lacks keyCertSign"
    );
    assert!(!openssl_verifies(&path).0);
}

#[test]
fn an_authority_of_path_length_0_cannot_stand_above_a_mesh() {
    let root = Ca::root(Spec::ca("root"));
    let authority = root.sign(Spec::ca("authority").path_length(0));
    let mesh = authority.sign(Spec::ca("mesh").path_length(0));
    let workload = mesh.sign(Spec::ca("workload").change(|spec| spec.is_ca = IsCa::ExplicitNoCa));
    let path = certificates(&[workload, mesh, authority, root]);
    let expected = "CN=authority allows 0 CAs below it, but there are 1";
    assert_eq!(assembled(&path[1..]).unwrap_err().to_string(), expected);
    assert_eq!(assembled(&path).unwrap_err().to_string(), expected);
    let (verified, complaint) = openssl_verifies(&path);
    assert!(
        !verified && complaint.contains("path length constraint exceeded"),
        "{complaint}"
    );

    // Straight below the workload the same authority is right.
    let root = Ca::root(Spec::ca("root").path_length(1));
    let authority = root.sign(Spec::ca("authority").path_length(0));
    let plain = Spec::ca("workload").change(|spec| {
        spec.is_ca = IsCa::ExplicitNoCa;
        spec.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    });
    let path = certificates(&[authority.sign(plain), authority, root]);
    assert!(assembled(&path).is_ok() && openssl_verifies(&path).0);
}

#[test]
fn a_signature_that_cannot_be_judged_is_named() {
    let scratch = Scratch::new();
    let configuration = scratch.file("c", "[req]\ndistinguished_name=d\n[d]\n");
    let key = scratch.path().join("key");
    let (made, pem, complaint) = run_openssl(
        &[
            "req",
            "-x509",
            "-newkey",
            "ed25519",
            "-nodes",
            "-keyout",
            key.to_str().unwrap(),
            "-subj",
            "/CN=edwards",
            "-config",
            &configuration,
        ],
        b"",
    );
    assert!(made, "{complaint}");
    let fault = Chain::split(&String::from_utf8(pem).unwrap()).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "CN=edwards is signed with 1.3.101.112 by a key for which that is not supported"
    );
}

#[test]
fn a_text_without_one_leaf_is_refused() {
    assert_eq!(Chain::split("").unwrap_err(), ChainError::Empty);
    let second = Ca::root(Spec::ca("second")).certificate;
    let text = pem_of(&[second, FOUR[0].clone(), FOUR[1].clone()]);
    assert_eq!(
        Chain::split(&text).unwrap_err().to_string(),
        "got 2 certificates that no other one is below (CN=second; CN=mesh), expected one"
    );
    assert!(matches!(Chain::split("nonsense"), Err(ChainError::Read(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_order_and_any_repetition_gives_the_same_chain(
        order in Just(vec![0usize, 1, 2, 3, 1, 3, 0]).prop_shuffle()
    ) {
        let shuffled: Vec<_> = order.iter().map(|index| FOUR[*index].clone()).collect();
        let chain = Chain::assemble(FOUR[0].clone(), shuffled.clone()).unwrap();
        prop_assert_eq!(chain.path(), &FOUR[..]);
        let split = Chain::split(&pem_of(&shuffled)).unwrap();
        prop_assert_eq!(split, chain);
    }

    #[test]
    fn a_chain_less_any_link_is_refused(
        missing in 1usize..4,
        order in Just(vec![1usize, 2, 3]).prop_shuffle(),
    ) {
        let rest = order.into_iter().filter(|index| *index != missing);
        let rest = rest.map(|index| FOUR[index].clone()).collect();
        let refused = Chain::assemble(FOUR[0].clone(), rest);
        prop_assert!(matches!(refused, Err(ChainError::MissingIssuer { .. })), "{:?}", refused);
    }
}
