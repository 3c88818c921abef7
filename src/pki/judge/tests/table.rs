//! What was found out about istiod, row by row; `Load` is what it does not load, `Peers` what it
//! loads and nobody verifies. A row that istiod and all peers take must pass here, or be refused for
//! a reason that stands at the rule.

use super::*;
use crate::pki::testing::hierarchy;
use rcgen::{ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose};
use std::sync::LazyLock;

/// Root and mesh.
static TWO: LazyLock<Vec<Ca>> = LazyLock::new(|| hierarchy(0));
/// Root, AWS's subordinate, mesh.
static THREE: LazyLock<Vec<Ca>> = LazyLock::new(|| hierarchy(1));

fn cert(path: &[Ca], index: usize) -> &Certificate {
    &path[index].certificate
}

#[test]
fn two_tiers_with_and_without_the_root_in_the_chain() {
    let (ica, root) = (cert(&TWO, 0), cert(&TWO, 1));
    passes(&files_of(&TWO, &[ica, root], &[root]));
    passes(&files_of(&TWO, &[ica], &[root]));
    passes(&tls_files(&TWO));
    passes(&tls_files(&THREE));
}

#[test]
fn an_empty_chain_or_one_that_holds_only_the_root() {
    let (ica, root) = (cert(&TWO, 0), cert(&TWO, 1));
    refused(
        &files_of(&TWO, &[], &[root]),
        Kind::Peers,
        "cert-chain.pem: got no block, expected at least one",
    );
    let words = format!(
        "cert-chain.pem: begins with CN=root (serial {}), \
         expected the signing certificate CN=mesh (serial {})",
        root.serial(),
        ica.serial()
    );
    refused(&files_of(&TWO, &[root], &[root]), Kind::Peers, &words);
}

#[test]
fn three_tiers_without_the_signing_certificate_in_the_chain() {
    let (sub, root) = (cert(&THREE, 1), cert(&THREE, 2));
    let told = told(&files_of(&THREE, &[sub, root], &[root]));
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].0, Kind::Peers);
    assert!(
        told[0]
            .1
            .starts_with("cert-chain.pem: begins with CN=authority 0")
    );
}

#[test]
fn three_tiers_without_the_one_between() {
    let (ica, root) = (cert(&THREE, 0), cert(&THREE, 2));
    refused(
        &files_of(&THREE, &[ica], &[root]),
        Kind::Load,
        "cert-chain.pem: ends with CN=mesh, whose issuer CN=authority 0 is not among the trusted \
         roots: it has another name",
    );
    refused(
        &files_of(&THREE, &[ica, root], &[root]),
        Kind::Load,
        "cert-chain.pem: CN=root follows CN=mesh but is not its issuer: it has another name",
    );
}

#[test]
fn a_subordinate_that_allows_no_ca_below_it() {
    let path = three(sub().path_length(0), mesh());
    let words = format!(
        "cert-chain.pem: CN=sub (serial {}): allows 0 CAs below it, but there are 1",
        cert(&path, 1).serial()
    );
    refused(&files(&path), Kind::Peers, &words);
}

#[test]
fn a_root_that_allows_too_few_is_seen_at_the_load_already() {
    let root = Ca::root(Spec::ca("root").path_length(0));
    let sub = root.sign(sub());
    let path = vec![sub.sign(mesh()), sub, root];
    let words = format!(
        "root-cert.pem: CN=root (serial {}): allows 0 CAs below it, but there are 2",
        cert(&path, 2).serial()
    );
    refused(&files(&path), Kind::Load, &words);
}

#[test]
fn a_signing_certificate_without_key_cert_sign() {
    let mute =
        |spec: Spec| spec.change(|spec| spec.key_usages = vec![KeyUsagePurpose::DigitalSignature]);
    let path = three(sub(), mute(mesh()));
    let words = format!(
        "ca-cert.pem: CN=mesh (serial {}): may not sign certificates: its keyUsage lacks keyCertSign",
        cert(&path, 0).serial()
    );
    refused(&files(&path), Kind::Peers, &words);

    let path = three(mute(sub()), mesh());
    let words = format!(
        "cert-chain.pem: CN=sub (serial {}): may not sign certificates: its keyUsage lacks \
         keyCertSign",
        cert(&path, 1).serial()
    );
    refused(&files(&path), Kind::Load, &words);
}

#[test]
fn roles_must_hold_both_all_the_way_up_or_be_absent() {
    use ExtendedKeyUsagePurpose::{Any, ClientAuth, CodeSigning, ServerAuth};
    let lacks = |roles: &[ExtendedKeyUsagePurpose], kind, role: &str| {
        let spec = mesh().change(|spec| spec.roles = roles.to_vec());
        let path = three(sub(), spec);
        let words = format!(
            "ca-cert.pem: CN=mesh (serial {}): does not let those below it be a {role}: its \
             extendedKeyUsage lacks that",
            cert(&path, 0).serial()
        );
        refused(&files(&path), kind, &words);
    };
    lacks(&[ClientAuth], Kind::Load, "server");
    lacks(&[CodeSigning], Kind::Load, "server");
    lacks(&[ServerAuth], Kind::Peers, "client");
    lacks(&[Any], Kind::Peers, "server");

    let both =
        |spec: Spec| spec.change(|spec| spec.roles = vec![ClientAuth, CodeSigning, ServerAuth]);
    passes(&files(&three(both(sub()), both(mesh()))));
    let path = three(sub().change(|spec| spec.roles = vec![ClientAuth]), mesh());
    assert_eq!(told(&files(&path))[0].0, Kind::Load);
}

#[test]
fn a_root_with_roles_of_its_own_counts_too() {
    let root =
        Spec::ca("root").change(|spec| spec.roles = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    let root = Ca::root(root);
    let path = vec![root.sign(mesh()), root];
    assert_eq!(told(&files(&path))[0].0, Kind::Load);
}

#[test]
fn a_subordinate_as_the_root_is_no_root() {
    let (ica, sub, root) = (cert(&THREE, 0), cert(&THREE, 1), cert(&THREE, 2));
    let words = format!(
        "root-cert.pem: CN=authority 0 (serial {}) is no root, expected self-signed CA certificates",
        sub.serial()
    );
    // Stricter than istiod: see Finding::NotARoot.
    refused(&files_of(&THREE, &[ica, sub], &[sub]), Kind::Peers, &words);
    refused(
        &files_of(&THREE, &[ica, sub], &[sub, root]),
        Kind::Peers,
        &words,
    );
}

#[test]
fn expired_and_unrelated_roots_beside_the_good_one() {
    let (ica, sub, root) = (cert(&THREE, 0), cert(&THREE, 1), cert(&THREE, 2));
    let expired = Ca::root(Spec::ca("expired").days(0)).certificate;
    let unrelated = Ca::root(Spec::ca("unrelated")).certificate;
    passes(&files_of(&THREE, &[ica, sub], &[&expired, root]));
    passes(&files_of(&THREE, &[ica, sub, root], &[&unrelated, root]));
    // The trick that makes sidecars renew at once.
    passes(&files_of(
        &THREE,
        &[ica, sub, root],
        &[&unrelated, root, root],
    ));
}

#[test]
fn an_unrelated_root_alone() {
    let (ica, sub, root) = (cert(&THREE, 0), cert(&THREE, 1), cert(&THREE, 2));
    let unrelated = Ca::root(Spec::ca("unrelated")).certificate;
    refused(
        &files_of(&THREE, &[ica, sub, root], &[&unrelated]),
        Kind::Load,
        "cert-chain.pem: its root CN=root is not among the trusted roots",
    );
    let namesake = Ca::root(Spec::ca("root")).certificate;
    refused(
        &files_of(&THREE, &[ica, sub], &[&namesake]),
        Kind::Load,
        "cert-chain.pem: ends with CN=authority 0, whose issuer CN=root is not among the trusted \
         roots: its key has another identifier",
    );
}

#[test]
fn a_chain_in_the_wrong_order() {
    let (ica, sub, root) = (cert(&THREE, 0), cert(&THREE, 1), cert(&THREE, 2));
    // Stricter than istiod: see ChainFault.
    refused(
        &files_of(&THREE, &[ica, root, sub], &[root]),
        Kind::Peers,
        "cert-chain.pem: CN=root follows CN=mesh but is not its issuer: it has another name",
    );
    let reversed = told(&files_of(&THREE, &[root, sub, ica], &[root]));
    assert_eq!(reversed[0].0, Kind::Peers);
    assert!(reversed[0].1.contains("begins with CN=root"));
    refused(
        &files_of(&THREE, &[ica, sub, root, root], &[root]),
        Kind::Peers,
        "cert-chain.pem: CN=root follows the root CN=root",
    );
}

#[test]
fn the_whole_chain_in_the_certificates_file() {
    let (ica, sub, root) = (cert(&THREE, 0), cert(&THREE, 1), cert(&THREE, 2));
    let mut all = files(&THREE);
    put(&mut all, "ca-cert.pem", pem(&[ica, sub, root]));
    passes(&all);
    put(&mut all, "ca-cert.pem", pem(&[root, ica]));
    let told = told(&all);
    assert_eq!((told.len(), told[0].0), (1, Kind::Load));
    assert!(
        told[0]
            .1
            .starts_with("ca-key.pem: the key's public half is ")
    );
}

#[test]
fn glued_blocks() {
    for file in ["cert-chain.pem", "root-cert.pem"] {
        let mut glued = files_of(
            &THREE,
            &[cert(&THREE, 0), cert(&THREE, 1)],
            &[&Ca::root(Spec::ca("other")).certificate, cert(&THREE, 2)],
        );
        edit(&mut glued, file, |text| {
            text.replace("-----\n-----BEGIN", "----------BEGIN")
        });
        let told = told(&glued);
        assert_eq!((told.len(), told[0].0), (1, Kind::Load));
        assert!(told[0].1.contains("is no BEGIN or END line"), "{told:?}");
    }
}

#[test]
fn crlf_and_text_between_blocks() {
    for file in ["ca-cert.pem", "cert-chain.pem", "root-cert.pem"] {
        let mut crlf = files(&THREE);
        edit(&mut crlf, file, |text| text.replace('\n', "\r\n"));
        passes(&crlf);
        let mut text = files(&THREE);
        edit(&mut text, file, |text| {
            text.replace("-----BEGIN", "\nsubject: CN=x\n\n-----BEGIN")
        });
        passes(&text);
    }
}

#[test]
fn indented_pem() {
    let mut indented = files(&THREE);
    edit(&mut indented, "ca-cert.pem", |text| {
        text.replace("-----BEGIN", "  -----BEGIN")
    });
    refused(
        &indented,
        Kind::Load,
        "ca-cert.pem: line 1 is no BEGIN or END line, which stands alone and begins the line",
    );
}

#[test]
fn certificates_out_of_their_time() {
    let bundle = files(&THREE);
    assert_eq!(judge(&bundle, None, at(0)), []);
    let words = |day, seconds| {
        let now = at(day) + jiff::SignedDuration::from_secs(seconds);
        let found = judge(&bundle, None, now).into_iter();
        let found: Vec<_> = found.map(|it| (it.kind(), it.to_string())).collect();
        found
    };
    let serial = |index| cert(&THREE, index).serial();
    assert_eq!(words(90, -1), []);
    assert_eq!(
        words(90, 0),
        [(
            Kind::Load,
            format!(
                "ca-cert.pem: CN=mesh (serial {}): ended at 2026-04-01T00:00:00Z, and now is \
                 2026-04-01T00:00:00Z",
                serial(0)
            )
        )]
    );
    let early = words(0, -1);
    assert_eq!(early.len(), 3);
    assert_eq!(
        early[1],
        (
            Kind::Load,
            format!(
                "cert-chain.pem: CN=authority 0 (serial {}): is valid from 2026-01-01T00:00:00Z \
                 on, and now is 2025-12-31T23:59:59Z",
                serial(1)
            )
        )
    );
    // 2030-12-31, when the subordinate is over but the root is not.
    assert_eq!(words(1826, 0).len(), 2);
}

#[test]
fn the_end_of_the_subordinate_counts() {
    let path = three(sub().days(30), mesh().days(90));
    let found = judge(&files(&path), None, at(31));
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].kind(), found[0].file()),
        (Kind::Load, "cert-chain.pem")
    );
}

#[test]
fn what_is_no_ca_is_refused_at_every_place() {
    let leaf = Spec::ca("mesh").change(|spec| spec.is_ca = IsCa::ExplicitNoCa);
    let told = told(&files(&three(sub(), leaf)));
    assert_eq!(told[0].0, Kind::Load);
    assert!(told[0].1.ends_with("is not a CA"), "{told:?}");
}

/// A mesh under a root with these name constraints.
fn constrained(tweak: fn(&mut rcgen::CertificateParams)) -> Files {
    let root = Ca::root(Spec::ca("root"));
    let sub = root.sign(sub().tweak(tweak));
    files(&[sub.sign(mesh()), sub, root])
}

fn permit(params: &mut rcgen::CertificateParams, subtree: rcgen::GeneralSubtree) {
    params.name_constraints = Some(rcgen::NameConstraints {
        permitted_subtrees: vec![subtree],
        excluded_subtrees: vec![],
    });
}

fn dns(name: &str) -> rcgen::GeneralSubtree {
    rcgen::GeneralSubtree::DnsName(name.to_owned())
}

#[test]
fn name_constraints_that_leave_out_istiod() {
    let told = told(&constrained(|params| permit(params, dns("example.com"))));
    assert_eq!((told.len(), told[0].0), (1, Kind::Peers));
    assert!(
        told[0]
            .1
            .ends_with("its name constraints do not permit istiod.<namespace>.svc"),
        "{told:?}"
    );
    passes(&constrained(|params| permit(params, dns("svc"))));
    passes(&constrained(|params| permit(params, dns(".svc"))));
}
