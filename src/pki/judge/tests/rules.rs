//! Rules beyond the table: layout, keys, what stands in certificates.

use super::*;
use crate::pki::testing::{Scratch, hierarchy, openssl_text};
use crate::pki::{KeyAlgorithm, pem};
use rcgen::{CertificateParams, CustomExtension, SanType};
use std::sync::LazyLock;

static MADE: LazyLock<Vec<Ca>> = LazyLock::new(|| hierarchy(1));

/// The one thing that is found.
#[track_caller]
fn only(files: &Files) -> (Kind, String) {
    let mut told = told(files);
    assert_eq!(told.len(), 1, "{told:?}");
    told.remove(0)
}

#[track_caller]
fn refused_with(files: &Files, kind: Kind, words: &str) {
    let (found, text) = only(files);
    assert_eq!(found, kind, "{text}");
    assert!(text.contains(words), "{text}");
}

/// A mesh under a subordinate with changes of its own.
fn under(tweak: fn(&mut CertificateParams)) -> Vec<Ca> {
    three(sub().tweak(tweak), mesh())
}

/// The same with one more extension in the subordinate.
fn extended(oid: &[u64], critical: bool, value: &[u8]) -> Vec<Ca> {
    let root = Ca::root(Spec::ca("root"));
    let extension = || {
        let mut extension = CustomExtension::from_oid_content(oid, value.to_vec());
        extension.set_criticality(critical);
        extension
    };
    let sub = root.sign_tweaked(sub(), |params| params.custom_extensions.push(extension()));
    let mesh = sub.sign(mesh());
    vec![mesh, sub, root]
}

#[test]
fn every_file_of_the_layout_must_be_there() {
    for file in [
        "ca-cert.pem",
        "ca-key.pem",
        "cert-chain.pem",
        "root-cert.pem",
    ] {
        let mut some = files(&MADE);
        some.remove(file);
        refused(&some, Kind::Load, &format!("{file} is missing"));
    }
    for file in ["tls.key", "ca.crt"] {
        let mut some = tls_files(&MADE);
        some.remove(file);
        refused(&some, Kind::Load, &format!("{file} is missing"));
    }
    assert_eq!(told(&Files::new()).len(), 4);
}

#[test]
fn files_that_overrule_or_belie_ours_are_named_and_others_stay() {
    let mut both = files(&MADE);
    both.extend(tls_files(&MADE));
    refused(
        &both,
        Kind::Load,
        "ca-cert.pem stands beside tls.crt, for which istiod passes over it",
    );
    let mut marked = files(&MADE);
    put(&mut marked, "istio-generated", "");
    refused(
        &marked,
        Kind::Load,
        "istio-generated is there, which marks a CA that istiod has made itself",
    );
    let mut more = files(&MADE);
    put(&mut more, "ca.crt", "no PEM");
    put(&mut more, "notes", b"\xff");
    passes(&more);
    let mut more = tls_files(&MADE);
    put(&mut more, "root-cert.pem", "");
    put(&mut more, "ca-crl.pem", "not looked at in this layout");
    passes(&more);
}

#[test]
fn keys_of_every_kind_that_is_offered_pass() {
    let root = Ca::root(Spec::ca("root"));
    for algorithm in KeyAlgorithm::ALL {
        let key = PrivateKey::generate(algorithm).unwrap();
        let certificate = root.certify(&mesh(), &key);
        let mut bundle = Files::new();
        put(&mut bundle, "ca-cert.pem", pem(&[&certificate]));
        put(&mut bundle, "ca-key.pem", key.to_pem().expose());
        put(
            &mut bundle,
            "cert-chain.pem",
            pem(&[&certificate, &root.certificate]),
        );
        put(&mut bundle, "root-cert.pem", pem(&[&root.certificate]));
        passes(&bundle);
        // What openssl writes is the plain form too.
        let theirs = openssl_text(&["pkey"], key.to_pem().expose());
        put(&mut bundle, "ca-key.pem", theirs);
        passes(&bundle);
    }
}

#[test]
fn roots_and_subordinates_with_rsa_keys_pass() {
    for algorithm in [KeyAlgorithm::Rsa2048, KeyAlgorithm::EcSecp384r1] {
        let root = Ca::root_with(Spec::ca("root"), algorithm);
        let sub = root.sign(sub());
        passes(&files(&[sub.sign(mesh()), sub, root]));
    }
}

#[test]
fn keys_that_istiod_or_its_peers_refuse_are_named() {
    let with = |key: String| {
        let mut bundle = files(&MADE);
        put(&mut bundle, "ca-key.pem", key);
        bundle
    };
    let other = |arguments: &[&str], kind, words: &str| {
        refused_with(&with(openssl_text(arguments, "")), kind, words);
    };
    let label = "line 1 begins a EC PRIVATE KEY, expected a PRIVATE KEY";
    other(
        &["ecparam", "-name", "prime256v1", "-genkey", "-noout"],
        Kind::Load,
        label,
    );
    let label = "line 1 begins a EC PARAMETERS, expected a PRIVATE KEY";
    other(
        &["ecparam", "-name", "prime256v1", "-genkey"],
        Kind::Load,
        label,
    );
    let label = "line 1 begins a RSA PRIVATE KEY, expected a PRIVATE KEY";
    other(&["genrsa", "-traditional", "2048"], Kind::Load, label);
    let encrypted = ["genpkey", "-algorithm", "RSA", "-aes256", "-pass", "pass:x"];
    let label = "line 1 begins a ENCRYPTED PRIVATE KEY, expected a PRIVATE KEY";
    other(&encrypted, Kind::Load, label);
    let p521 = [
        "genpkey",
        "-algorithm",
        "EC",
        "-pkeyopt",
        "ec_paramgen_curve:P-521",
    ];
    other(&p521, Kind::Peers, "ca-key.pem: got EC on P-521");
    other(
        &["genpkey", "-algorithm", "ED25519"],
        Kind::Peers,
        "ca-key.pem: got Ed25519",
    );
    let p256 = [
        "genpkey",
        "-algorithm",
        "EC",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
    ];
    other(&p256, Kind::Load, "ca-key.pem: the key's public half is ");

    let key = MADE[0].key.to_pem();
    let both = MADE[0].certificate.to_pem() + key.expose();
    refused_with(
        &with(both),
        Kind::Load,
        "begins a CERTIFICATE, expected a PRIVATE KEY",
    );
    let twice = key.expose().repeat(2);
    refused_with(
        &with(twice),
        Kind::Load,
        "got 2 blocks, expected exactly one",
    );
}

#[test]
fn a_key_with_more_in_it_than_it_needs_is_refused() {
    // PKCS#8 with an empty set of attributes behind the key (RFC 5208 §5).
    let whole = pem::blocks(MADE[0].key.to_pem().expose()).unwrap()[0]
        .der
        .to_vec();
    let more = leaf::tlv(0x30, &[&whole[3..], b"\xa0\x00"]);
    let more = pem::encode("PRIVATE KEY", &more);
    assert_eq!(
        PrivateKey::from_pem(&more).unwrap().public_key(),
        MADE[0].key.public_key()
    );
    let mut bundle = files(&MADE);
    put(&mut bundle, "ca-key.pem", more);
    let words = "ca-key.pem: the key is not in the plain form of PKCS#8";
    refused(&bundle, Kind::Load, words);
}

#[test]
fn weak_signatures_and_weak_keys_on_the_path() {
    let scratch = Scratch::new();
    let make = |key: &[&str], hash: &str| {
        let key = openssl_text(&[&["genpkey", "-quiet", "-algorithm"], key].concat(), "");
        let path = scratch.file("root.key", &key);
        let request = [
            "req",
            "-x509",
            "-new",
            "-key",
            &path,
            "-subj",
            "/CN=root",
            hash,
            "-days",
            "3650",
            "-addext",
            "keyUsage=critical,keyCertSign,cRLSign",
        ];
        let root = scratch.file("root.pem", &openssl_text(&request, ""));
        let key = scratch.file("mesh.key", MADE[0].key.to_pem().expose());
        let request = openssl_text(&["req", "-new", "-key", &key, "-subj", "/CN=mesh"], "");
        let extensions = scratch.file("x", "basicConstraints=critical,CA:TRUE,pathlen:0");
        let sign = [
            "x509",
            "-req",
            "-CA",
            &root,
            "-CAkey",
            &path,
            hash,
            "-days",
            "90",
            "-extfile",
            &extensions,
        ];
        let mesh = openssl_text(&sign, request);
        let root = std::fs::read_to_string(&root).unwrap();
        let mut bundle = files(&MADE);
        put(&mut bundle, "cert-chain.pem", &mesh);
        put(&mut bundle, "ca-cert.pem", mesh);
        put(&mut bundle, "root-cert.pem", root);
        let found = judge(&bundle, None, Timestamp::now());
        let found: Vec<_> = found.iter().map(|it| (it.kind(), it.to_string())).collect();
        found
    };
    let p256 = ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
    assert_eq!(make(&p256, "-sha256"), []);
    assert_eq!(make(&p256, "-sha384"), []);
    let sha512 = make(&p256, "-sha512");
    assert_eq!((sha512.len(), sha512[0].0), (1, Kind::Peers), "{sha512:?}");
    assert!(sha512[0].1.contains("CN=mesh") && sha512[0].1.contains("SHA512WITHECDSA"));
    assert_eq!(make(&["RSA"], "-sha512"), []);
    let sha1 = make(&p256, "-sha1");
    assert_eq!(sha1.len(), 1, "{sha1:?}");
    assert!(sha1[0].1.starts_with("root-cert.pem: CN=root"), "{sha1:?}");
    let short = make(&["RSA", "-pkeyopt", "rsa_keygen_bits:1024"], "-sha256");
    let words = "CN=root is over RSA with 1024 bits, expected RSA of 2048 to 8192 bits or EC";
    assert!(
        short
            .iter()
            .any(|it| it.0 == Kind::Peers && it.1.contains(words)),
        "{short:?}"
    );
}

#[test]
fn a_subordinate_that_is_signed_with_sha_1_is_named() {
    // ecdsa-with-SHA256 becomes ecdsa-with-SHA1, which has one arc less.
    let sha1 = |tbs: &[u8]| {
        let oid = b"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02";
        replaced(tbs, oid, b"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x01")
    };
    let der = forged(&MADE[1].certificate, &MADE[2].key, sha1);
    let der = replaced_last(&der, b"\x3d\x04\x03\x02", b"\x3d\x04\x03\x01");
    let words = "cert-chain.pem: CN=root follows CN=authority 0 but is not its issuer: the signature \
                 is 1.2.840.10045.4.3.1, which is not verified everywhere";
    refused(&with_forged(&MADE, 1, &der), Kind::Load, words);
}

fn replaced_last(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let place = bytes.windows(from.len()).rposition(|window| window == from);
    let mut bytes = bytes.to_vec();
    bytes[place.unwrap()..][..to.len()].copy_from_slice(to);
    bytes
}

#[test]
fn a_negative_serial_number_is_refused() {
    let serial = MADE[1].certificate.serial().magnitude().to_vec();
    let mut negative = serial.clone();
    negative[0] |= 0x80;
    let der = forged(&MADE[1].certificate, &MADE[2].key, |tbs| {
        replaced(tbs, &serial, &negative)
    });
    let words = "cert-chain.pem: certificate 2: CN=authority 0 has a negative serial number";
    refused(&with_forged(&MADE, 1, &der), Kind::Load, words);
}

#[test]
fn names_that_go_does_not_read_are_refused() {
    // A UTF8String becomes a UniversalString, and then one that is no UTF-8.
    let universal = |tbs: &[u8]| replaced(tbs, b"\x0c\x0bauthority 0", b"\x1c\x0bauthority 0");
    let der = forged(&MADE[1].certificate, &MADE[2].key, universal);
    refused_with(
        &with_forged(&MADE, 1, &der),
        Kind::Load,
        "certificate 2: cannot be read",
    );
    let visible = |tbs: &[u8]| replaced(tbs, b"\x0c\x0bauthority 0", b"\x1a\x0bauthority 0");
    let der = forged(&MADE[1].certificate, &MADE[2].key, visible);
    let words = "has a name that not all verifiers read";
    refused_with(&with_forged(&MADE, 1, &der), Kind::Load, words);
    let broken = |tbs: &[u8]| replaced(tbs, b"\x0c\x0bauthority 0", b"\x0c\x0bauthority\xff0");
    let der = forged(&MADE[1].certificate, &MADE[2].key, broken);
    refused_with(
        &with_forged(&MADE, 1, &der),
        Kind::Load,
        "certificate 2: cannot be read",
    );
}

#[test]
fn extensions_that_some_verifier_refuses_are_named() {
    // 2.5.29.32 certificatePolicies, .36 policyConstraints, .33 policyMappings, .54
    // inhibitAnyPolicy, and one of nobody's.
    let policies = b"\x30\x05\x30\x03\x06\x01\x2a";
    let twice = b"\x30\x0a\x30\x03\x06\x01\x2a\x30\x03\x06\x01\x2a";
    passes(&files(&extended(&[2, 5, 29, 32], false, policies)));
    passes(&files(&extended(&[1, 2, 3, 4], false, b"no DER")));
    for (oid, critical, value, words) in [
        (
            &[2, 5, 29, 32][..],
            true,
            &policies[..],
            "2.5.29.32 of CN=sub is critical",
        ),
        (
            &[2, 5, 29, 32],
            false,
            twice,
            "2.5.29.32 of CN=sub is there more than once",
        ),
        (
            &[2, 5, 29, 36],
            false,
            b"\x30\x03\x80\x01\x00",
            "2.5.29.36 of CN=sub constrains",
        ),
        (
            &[2, 5, 29, 33],
            false,
            b"\x30\x00",
            "2.5.29.33 of CN=sub constrains",
        ),
        (
            &[2, 5, 29, 54],
            false,
            b"\x02\x01\x00",
            "2.5.29.54 of CN=sub constrains",
        ),
        (
            &[1, 2, 3, 4],
            true,
            b"\x05\x00",
            "1.2.3.4 of CN=sub is critical",
        ),
        (
            &[2, 5, 29, 31],
            false,
            b"\x30\x01",
            "2.5.29.31 of CN=sub cannot be read",
        ),
        (
            &[2, 5, 29, 31],
            false,
            b"\x30\x06\x30\x04\xa0\x02\xa1\x00",
            "2.5.29.31 of CN=sub cannot",
        ),
        (
            &[1, 3, 6, 1, 5, 5, 7, 1, 1],
            true,
            b"\x30\x00",
            "1.3.6.1.5.5.7.1.1 of CN=sub is critical",
        ),
        // An EKU whose last arc is 2^31.
        (
            &[2, 5, 29, 37],
            false,
            b"\x30\x08\x06\x06\x2a\x88\x80\x80\x80\x00",
            "2.5.29.37 of CN=sub cannot be read",
        ),
    ] {
        let bundle = files(&extended(oid, critical, value));
        refused_with(&bundle, Kind::Load, words);
    }
}

#[test]
fn alternative_names_that_go_does_not_know_or_take_are_refused() {
    let directory = b"\x30\x04\xa4\x02\x30\x00";
    passes(&files(&extended(&[2, 5, 29, 17], false, directory)));
    let critical = files(&extended(&[2, 5, 29, 17], true, directory));
    refused_with(&critical, Kind::Load, "2.5.29.17 of CN=sub is critical");
    let odd = b"\x30\x07\x87\x05\x0a\x00\x00\x01\x00";
    let odd = files(&extended(&[2, 5, 29, 17], false, odd));
    refused_with(&odd, Kind::Load, "2.5.29.17 of CN=sub cannot be read");
}

#[test]
fn certificates_of_other_versions_and_with_unique_identifiers_are_refused() {
    let words = "is not of version 3, or has unique identifiers";
    let unique = |tbs: &[u8]| {
        let header = 2 + usize::from(tbs[1] & 0x7f);
        let mut places = header..tbs.len();
        let extensions = places.find(|at| tbs[*at] == 0xa3 && der::is_strict(&tbs[*at..]));
        let (before, after) = tbs.split_at(extensions.unwrap());
        leaf::tlv(0x30, &[&before[header..], b"\x81\x02\x00\xff", after])
    };
    let der = forged(&MADE[1].certificate, &MADE[2].key, unique);
    refused_with(&with_forged(&MADE, 1, &der), Kind::Load, words);

    let scratch = Scratch::new();
    let key = scratch.file("key.pem", MADE[0].key.to_pem().expose());
    let request = openssl_text(&["req", "-new", "-key", &key, "-subj", "/CN=old"], "");
    let first = openssl_text(&["x509", "-req", "-signkey", &key], request);
    let mut bundle = files(&MADE);
    edit(&mut bundle, "root-cert.pem", |text| first + &text);
    let told = told(&bundle);
    assert!(told[0].1.ends_with(words), "{told:?}");
}

#[test]
fn a_root_beside_the_own_one_must_be_a_ca_too() {
    let leaf = Spec::ca("leaf").change(|spec| spec.is_ca = rcgen::IsCa::ExplicitNoCa);
    let leaf = Ca::root(leaf).certificate;
    let all: Vec<_> = MADE.iter().map(|ca| &ca.certificate).collect();
    let bundle = files_of(&MADE, &all, &[&leaf, all[2]]);
    refused_with(
        &bundle,
        Kind::Peers,
        "is no root, expected self-signed CA certificates",
    );
}

#[test]
fn an_extension_that_is_there_twice_is_refused() {
    let bundle = files(&under(|params| {
        for _ in 0..2 {
            let twice = CustomExtension::from_oid_content(&[1, 2, 3, 4], b"\x05\x00".to_vec());
            params.custom_extensions.push(twice);
        }
    }));
    refused_with(
        &bundle,
        Kind::Load,
        "1.2.3.4 of CN=sub is there more than once",
    );
}

#[test]
fn points_of_revocation_and_information_pass() {
    passes(&files(&under(|params| {
        params.crl_distribution_points = vec![rcgen::CrlDistributionPoint {
            uris: vec!["http://crl.example/1.crl".to_owned()],
        }];
        // authorityInfoAccess with an OCSP responder at http://o
        let value = b"\x30\x16\x30\x14\x06\x08\x2b\x06\x01\x05\x05\x07\x30\x01\x86\x08http://o";
        let access =
            CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], value.to_vec());
        params.custom_extensions.push(access);
    })));
}

#[test]
fn alternative_names_of_a_ca_are_read_as_go_reads_them() {
    let uri = |uri: &str| SanType::URI(uri.try_into().unwrap());
    passes(&files(&under(|params| {
        params.subject_alt_names = vec![
            SanType::DnsName("ca.example".try_into().unwrap()),
            SanType::Rfc822Name("ca@example".try_into().unwrap()),
            SanType::IpAddress([10, 0, 0, 1].into()),
            SanType::URI("spiffe://cluster.local/ca".try_into().unwrap()),
        ];
    })));
    for name in [
        "http://a b/",
        "http://[::1",
        "http://a..b/",
        "urn:x",
        "x://h/%zz",
        "1x://h",
    ] {
        let root = Ca::root(Spec::ca("root"));
        let names = |params: &mut CertificateParams| params.subject_alt_names = vec![uri(name)];
        let sub = root.sign_tweaked(sub(), names);
        let bundle = files(&[sub.sign(mesh()), sub, root]);
        let words = format!("2.5.29.17 of CN=sub holds the name {name:?}");
        refused_with(&bundle, Kind::Load, &words);
    }
}

/// nameConstraints with one subtree, permitted or excluded.
fn constrained(excluded: bool, tag: u8, name: &[u8]) -> Files {
    let base = leaf::tlv(tag, &[name]);
    let subtrees = leaf::tlv(0xa0 + u8::from(excluded), &[&leaf::tlv(0x30, &[&base])]);
    files(&extended(
        &[2, 5, 29, 30],
        true,
        &leaf::tlv(0x30, &[&subtrees]),
    ))
}

const MAIL: u8 = 0x81;
const DNS: u8 = 0x82;
const DIRECTORY: u8 = 0xa4;
const URI: u8 = 0x86;
const IP: u8 = 0x87;

#[test]
fn name_constraints_that_a_mesh_can_live_under_pass() {
    for (excluded, tag, name) in [
        (false, DNS, &b"svc"[..]),
        (false, DNS, b".SVC"),
        (false, DNS, b""),
        (true, DNS, b"example.com"),
        (true, DNS, b".example"),
        (true, MAIL, b"example.com"),
        (false, MAIL, b"ca@example.com"),
        (false, IP, &[10, 0, 0, 0, 255, 0, 0, 0]),
        (true, IP, &[0; 32]),
    ] {
        passes(&constrained(excluded, tag, name));
    }
}

#[test]
fn name_constraints_that_break_a_mesh_are_named() {
    for (excluded, tag, name, words) in [
        (
            false,
            DNS,
            &b"cluster.local"[..],
            "do not permit istiod.<namespace>.svc",
        ),
        (
            false,
            DNS,
            b"istio-system.svc",
            "do not permit istiod.<namespace>.svc",
        ),
        (
            true,
            DNS,
            b"istio-system.svc",
            "exclude \"istio-system.svc\"",
        ),
        (true, DNS, b"", "exclude \"\""),
        // The trust domain itself, and another one.
        (false, URI, b"cluster.local", "are about URIs"),
        (false, URI, b"example.com", "are about URIs"),
        (true, URI, b"example.com", "are about URIs"),
        (false, DIRECTORY, b"\x30\x00", "are about names of a kind"),
        (
            true,
            IP,
            &[10, 0, 0, 0, 255, 0, 255, 0],
            "are about names of a kind",
        ),
        (true, IP, &[10, 0, 0, 0], "are about names of a kind"),
        (true, DNS, b"example.com.", "hold \"example.com.\""),
        (true, DNS, b"a..b", "hold \"a..b\""),
        (true, MAIL, b"a@ b", "hold \"a@ b\""),
        (true, MAIL, b"a b@c", "hold \"a b@c\""),
        (true, MAIL, b"a..b@c", "hold \"a..b@c\""),
        (true, MAIL, b"a@b@c", "hold \"a@b@c\""),
        (true, MAIL, b"@b", "hold \"@b\""),
    ] {
        refused_with(&constrained(excluded, tag, name), Kind::Peers, words);
    }
    // A subtree that begins at the first level below.
    let subtree = b"\x30\x0a\xa1\x08\x30\x06\x82\x01a\x80\x01\x01";
    let deeper = extended(&[2, 5, 29, 30], true, subtree);
    refused_with(&files(&deeper), Kind::Peers, "are about names of a kind");
    let empty = extended(&[2, 5, 29, 30], true, b"\x30\x00");
    refused_with(&files(&empty), Kind::Peers, "hold \"\"");
}

#[test]
fn name_constraints_apply_to_the_names_of_cas_below() {
    let root = Ca::root(Spec::ca("root"));
    let constrained = |params: &mut CertificateParams| {
        params.name_constraints = Some(rcgen::NameConstraints {
            permitted_subtrees: vec![],
            excluded_subtrees: vec![rcgen::GeneralSubtree::DnsName("example.com".to_owned())],
        });
    };
    let sub = root.sign_tweaked(sub(), constrained);
    let named = mesh().tweak(|params| {
        params.subject_alt_names = vec![SanType::DnsName("ca.example".try_into().unwrap())];
    });
    let bundle = files(&[sub.sign(named), sub, root]);
    refused_with(
        &bundle,
        Kind::Peers,
        "apply to CN=mesh, which has alternative names of its own",
    );
}

#[test]
fn a_root_of_the_same_name_needs_identifiers_to_be_told_apart() {
    let root = Ca::root(Spec::ca("istio"));
    let mesh = Spec::ca("istio").path_length(0).days(90);
    passes(&files(&[root.sign(mesh.clone()), root]));
    let root = Ca::root(Spec::ca("istio"));
    let bare = mesh.change(|spec| spec.key_identifiers = false);
    let words = "has the name of its issuer and no identifiers that tell their keys apart";
    refused_with(&files(&[root.sign(bare), root]), Kind::Peers, words);
}

/// A mesh's certificate of openssl's making that names its issuer by that one's issuer and number.
fn naming_its_issuer(issuer: &Certificate, key: &PrivateKey) -> String {
    let scratch = Scratch::new();
    let mesh = scratch.file("mesh.key", MADE[0].key.to_pem().expose());
    let request = openssl_text(&["req", "-new", "-key", &mesh, "-subj", "/CN=mesh"], "");
    let extensions = scratch.file(
        "x",
        "basicConstraints=critical,CA:TRUE,pathlen:0\nsubjectKeyIdentifier=hash\n\
         authorityKeyIdentifier=keyid:always,issuer:always",
    );
    let issuer = scratch.file("issuer.pem", &issuer.to_pem());
    let key = scratch.file("issuer.key", key.to_pem().expose());
    let sign = [
        "x509",
        "-req",
        "-CA",
        &issuer,
        "-CAkey",
        &key,
        "-days",
        "90",
        "-extfile",
        &extensions,
    ];
    openssl_text(&sign, request)
}

/// What is found of such a certificate under these.
fn found_under(mesh: &str, above: &[&Certificate]) -> Vec<(Kind, String)> {
    let mut bundle = files(&MADE);
    put(&mut bundle, "ca-cert.pem", mesh);
    put(
        &mut bundle,
        "cert-chain.pem",
        mesh.to_owned() + str::from_utf8(&pem(above)).unwrap(),
    );
    put(&mut bundle, "root-cert.pem", pem(&above[above.len() - 1..]));
    let found = judge(&bundle, None, Timestamp::now()).into_iter();
    found.map(|it| (it.kind(), it.to_string())).collect()
}

#[test]
fn an_issuer_that_is_named_by_number_must_be_that_issuer() {
    let root = Ca::root(Spec::ca("root"));
    // Once more over the same name and key, with another number.
    let again = Spec::ca("root").tweak(|params| params.serial_number = Some(7.into()));
    let again = root.certify(&again, &root.key);
    let mesh = naming_its_issuer(&root.certificate, &root.key);
    assert_eq!(found_under(&mesh, &[&root.certificate]), []);
    let found = found_under(&mesh, &[&again]);
    assert_eq!((found.len(), found[0].0), (1, Kind::Peers), "{found:?}");
    let words = format!(
        "names an issuer with the number {}",
        root.certificate.serial()
    );
    assert!(found[0].1.contains(&words), "{found:?}");
}

#[test]
fn an_issuer_that_is_named_by_its_own_issuer_must_be_that_issuer() {
    let (a, b) = (Ca::root(Spec::ca("a")), Ca::root(Spec::ca("b")));
    let spec = sub().tweak(|params| params.serial_number = Some(7.into()));
    let under_a = a.sign(spec.clone());
    let under_b = b.certify(&spec, &under_a.key);
    let mesh = naming_its_issuer(&under_a.certificate, &under_a.key);
    assert_eq!(
        found_under(&mesh, &[&under_a.certificate, &a.certificate]),
        []
    );
    let found = found_under(&mesh, &[&under_b, &b.certificate]);
    assert_eq!((found.len(), found[0].0), (1, Kind::Peers), "{found:?}");
    assert!(
        found[0].1.contains("with the number 07 under CN=a"),
        "{found:?}"
    );
}

#[test]
fn of_two_roots_over_one_key_the_better_counts() {
    let root = Ca::root(Spec::ca("root").days(0));
    let renewed = root.certify(&Spec::ca("root"), &root.key);
    let path = [root.sign(mesh()), root];
    let (ica, old) = (&path[0].certificate, &path[1].certificate);
    passes(&files_of(&path, &[ica], &[old, &renewed]));
    passes(&files_of(&path, &[ica, &renewed], &[old, &renewed]));
    let words = "root-cert.pem: CN=root";
    refused_with(&files_of(&path, &[ica], &[old]), Kind::Load, words);
}

#[test]
fn a_root_may_be_plugged_in_itself() {
    let root = Ca::root(Spec::ca("root"));
    passes(&files(&[root]));
}

#[test]
fn a_path_that_rustls_does_not_climb_is_found_by_the_leaf() {
    let path = hierarchy(6);
    refused_with(
        &files(&path),
        Kind::Peers,
        "cert-chain.pem: the certificate of a workload is not good as a server: \
         MaximumPathDepthExceeded",
    );
    passes(&files(&hierarchy(5)));
}

#[test]
fn an_issuer_is_judged_before_there_is_a_mesh_below_it() {
    let chain = |path: &[Ca]| {
        let above = path[1..].iter().map(|ca| ca.certificate.clone());
        Chain::assemble(path[0].certificate.clone(), above.collect()).unwrap()
    };
    assert_eq!(judge_issuer(&chain(&MADE[1..]), now()), []);
    let path = three(sub().path_length(0), mesh());
    let found = judge_issuer(&chain(&path[1..]), now());
    let words: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(words.len(), 1, "{words:?}");
    assert!(
        words[0].ends_with("allows 0 CAs below it, but there are 1"),
        "{words:?}"
    );
    assert_eq!(judge_issuer(&chain(&path[1..]), at(4000)).len(), 3);
}

#[test]
fn nothing_of_a_key_is_in_a_finding() {
    let mut bundle = files(&MADE);
    let body: String = MADE[0]
        .key
        .to_pem()
        .expose()
        .lines()
        .nth(1)
        .unwrap()
        .to_owned();
    for file in [
        "ca-cert.pem",
        "cert-chain.pem",
        "root-cert.pem",
        "ca-crl.pem",
    ] {
        put(&mut bundle, file, MADE[0].key.to_pem().expose());
    }
    edit(&mut bundle, "ca-key.pem", |text| {
        text.replace("-----END", " -----END")
    });
    let found = judge(&bundle, None, now());
    assert_eq!(found.len(), 4, "{found:?}");
    for finding in found {
        assert!(!format!("{finding} {finding:?}").contains(&body[..20]));
    }
}
