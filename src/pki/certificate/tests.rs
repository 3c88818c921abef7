use super::*;
use crate::pki::testing::{Ca, DAY, START, Scratch, Spec, hierarchy, openssl, openssl_text};
use proptest::prelude::*;
use rcgen::{ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose};
use std::sync::LazyLock;

static MADE: LazyLock<Vec<Ca>> = LazyLock::new(|| hierarchy(1));

/// A self-signed certificate of openssl's making with the given extensions.
fn made_by_openssl(options: &[&str]) -> String {
    let scratch = Scratch::new();
    let key = scratch.path().join("key.pem");
    let fixed = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        key.to_str().unwrap(),
        "-subj",
        "/O=Example/CN=made",
        "-config",
        &scratch.file("openssl.cnf", "[req]\ndistinguished_name=dn\n[dn]\n"),
    ];
    openssl_text(&[&fixed[..], options].concat(), "")
}

/// What `openssl x509` prints for one option, without its `name=`.
fn witness(option: &[&str], pem: &str) -> String {
    let text = openssl_text(&[&["x509", "-noout"], option].concat(), pem);
    text.trim_end().split_once('=').unwrap().1.to_owned()
}

#[test]
fn facts_agree_with_openssl() {
    let pem = made_by_openssl(&[
        "-days",
        "90",
        "-set_serial",
        "0x00F39C0E5D1B2846A1C2E3F405162738",
        "-addext",
        "basicConstraints=critical,CA:TRUE,pathlen:2",
        "-addext",
        "keyUsage=critical,digitalSignature,keyCertSign,cRLSign",
        "-addext",
        "extendedKeyUsage=serverAuth,clientAuth,1.2.3.4",
        "-addext",
        "authorityKeyIdentifier=keyid:always",
    ]);
    let certificate = Certificate::from_pem(&pem).unwrap();
    let serial = certificate.serial();
    assert_eq!(
        witness(&["-serial"], &pem).to_lowercase(),
        serial.to_string()
    );
    // python3 -c 'print(0xF39C0E5D1B2846A1C2E3F405162738)'
    assert_eq!(serial.to_decimal(), "1264893330531345082121988436200400696");
    assert_eq!(
        witness(&["-fingerprint", "-sha256"], &pem).parse(),
        Ok(certificate.sha256())
    );
    for (option, time) in [
        ("-startdate", certificate.not_before()),
        ("-enddate", certificate.not_after()),
    ] {
        let theirs = witness(&[option, "-dateopt", "iso_8601"], &pem).replace(' ', "T");
        assert_eq!(theirs, time.to_string());
    }
    let public = openssl_text(&["x509", "-noout", "-pubkey"], &pem);
    let public = openssl(&["pkey", "-pubin", "-outform", "DER"], public);
    assert_eq!(certificate.public_key().as_der(), public);
    assert!(certificate.is_ca());
    assert_eq!(certificate.path_length(), Some(2));
    let usages = [
        KeyUsage::DigitalSignature,
        KeyUsage::KeyCertSign,
        KeyUsage::CrlSign,
    ];
    assert_eq!(certificate.key_usage(), Some(&usages[..]));
    assert!(matches!(
        certificate.extended_key_usage(),
        Some([
            ExtendedKeyUsage::ServerAuth,
            ExtendedKeyUsage::ClientAuth,
            ExtendedKeyUsage::Other(_)
        ])
    ));
    let text = openssl_text(&["x509", "-noout", "-ext", "subjectKeyIdentifier"], &pem);
    let identifier: String = text
        .lines()
        .nth(1)
        .unwrap()
        .trim()
        .replace(':', "")
        .to_lowercase();
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    assert_eq!(
        certificate.subject_key_identifier().map(hex),
        Some(identifier.clone())
    );
    assert_eq!(
        certificate.authority_key_identifier().map(hex),
        Some(identifier)
    );
    assert!(certificate.is_self_signed());
}

#[test]
fn absent_extensions_forbid_being_a_ca_and_nothing_else() {
    let scratch = Scratch::new();
    let bare = "[req]\ndistinguished_name=dn\n[dn]\n";
    let key = scratch.path().join("key.pem");
    let pem = openssl_text(
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            key.to_str().unwrap(),
            "-subj",
            "/CN=bare",
            "-config",
            &scratch.file("openssl.cnf", bare),
            "-addext",
            "subjectKeyIdentifier=none",
            "-addext",
            "authorityKeyIdentifier=none",
        ],
        "",
    );
    let certificate = Certificate::from_pem(&pem).unwrap();
    assert!(!certificate.is_ca());
    assert_eq!(certificate.path_length(), None);
    assert_eq!(
        (certificate.key_usage(), certificate.extended_key_usage()),
        (None, None)
    );
    assert_eq!(certificate.subject_key_identifier(), None);
    assert_eq!(certificate.authority_key_identifier(), None);
    assert!(certificate.may_sign_certificates());
    assert!(certificate.allows(ExtendedKeyUsage::ClientAuth));
}

#[test]
fn usages_and_roles_limit() {
    let spec = Spec::ca("limited").change(|spec| {
        spec.is_ca = IsCa::ExplicitNoCa;
        spec.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        spec.roles = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    let limited = MADE[1].sign(spec).certificate;
    assert!(!limited.is_ca() && !limited.may_sign_certificates());
    assert!(limited.allows(ExtendedKeyUsage::ServerAuth));
    assert!(!limited.allows(ExtendedKeyUsage::ClientAuth));
    let any = Spec::ca("any").change(|spec| spec.roles = vec![ExtendedKeyUsagePurpose::Any]);
    assert!(
        MADE[1]
            .sign(any)
            .certificate
            .allows(ExtendedKeyUsage::ClientAuth)
    );
}

#[test]
fn only_the_issuers_key_and_name_make_the_issuer() {
    let [mesh, authority, root] = &MADE[..] else {
        panic!("three levels")
    };
    assert!(mesh.certificate.is_signed_by(&authority.certificate));
    assert!(authority.certificate.is_signed_by(&root.certificate));
    assert!(root.certificate.is_self_signed());
    assert!(!mesh.certificate.is_signed_by(&root.certificate));
    assert!(!mesh.certificate.is_self_signed());
    let namesake = Ca::root(Spec::ca("authority 0")).certificate;
    assert_eq!(namesake.subject(), mesh.certificate.issuer());
    assert!(!mesh.certificate.is_signed_by(&namesake));
}

#[test]
fn a_key_identifier_that_differs_rules_an_issuer_out_as_in_openssl() {
    // The same name and key twice, but one certificate states an identifier of its own.
    let scratch = Scratch::new();
    let key = scratch.file("key.pem", MADE[2].key.to_pem().expose());
    let other = openssl_text(
        &[
            "req",
            "-x509",
            "-key",
            &key,
            "-subj",
            "/CN=root",
            "-utf8",
            "-addext",
            "subjectKeyIdentifier=01:02:03",
            "-addext",
            "authorityKeyIdentifier=none",
            "-config",
            &scratch.file(
                "c",
                "[req]\ndistinguished_name=d\nstring_mask=utf8only\n[d]\n",
            ),
        ],
        "",
    );
    let other = Certificate::from_pem(&other).unwrap();
    let authority = &MADE[1].certificate;
    assert_eq!(authority.signature_by(&other), Verdict::Good);
    assert!(!authority.is_signed_by(&other));
}

#[test]
fn dates_are_whole_seconds_and_no_expiry_is_the_end_of_time() {
    let root = &MADE[2].certificate;
    assert_eq!(root.not_before(), Timestamp::from_second(START).unwrap());
    assert_eq!(
        root.not_after(),
        Timestamp::from_second(START + 3650 * DAY).unwrap()
    );
    // 90 days from 2026-01-01, counted by hand: 31 + 28 + 31 = 90
    assert_eq!(
        MADE[0].certificate.not_after().to_string(),
        "2026-04-01T00:00:00Z"
    );
    // date -ud @$((1767225600 + 2912442 * 86400)) says Fri Dec 31 00:00:00 UTC 9999
    let endless = Ca::root(Spec::ca("endless").days(2_912_442)).certificate;
    assert!(witness(&["-enddate"], &endless.to_pem()).starts_with("Dec 31 00:00:00 9999"));
    assert_eq!(endless.not_after(), Timestamp::MAX);
}

#[test]
fn pem_is_canonical_and_survives_what_others_do_to_it() {
    let [mesh, authority, root] = &MADE[..] else {
        panic!("three levels")
    };
    let pem = mesh.certificate.to_pem();
    assert_eq!(pem, openssl_text(&["x509"], &pem));
    let all = [&mesh.certificate, &authority.certificate, &root.certificate];
    let texts = all.map(Certificate::to_pem);
    let glued: String = texts.iter().map(|pem| pem.trim_end()).collect();
    assert!(glued.contains("-----END CERTIFICATE----------BEGIN CERTIFICATE-----"));
    let with_words = texts.join("subject=x\n\n").replace('\n', "\r\n");
    let indented = texts.concat().replace('\n', "\n    ");
    for text in [texts.concat(), glued, with_words, indented] {
        let read = Certificate::parse_all(&text).unwrap();
        assert_eq!(read.iter().collect::<Vec<_>>(), all);
    }
    assert!(Certificate::parse_all(" \n").unwrap().is_empty());
}

#[test]
fn what_is_no_certificate_is_refused_with_its_place() {
    let pem = MADE[0].certificate.to_pem();
    let fault = |text: &str| Certificate::parse_all(text).unwrap_err().to_string();
    assert_eq!(
        fault(&format!("{pem}{}", MADE[0].key.to_pem().expose())),
        "block 2 is a PRIVATE KEY, expected a CERTIFICATE"
    );
    let broken = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
    assert_eq!(
        fault(&format!("{pem}{broken}")),
        "block 2 is not a certificate that can be read"
    );
    assert_eq!(
        fault("ca.pem"),
        "got a text without any PEM block, expected certificates"
    );
    assert_eq!(
        Certificate::from_pem(&pem.repeat(2)).unwrap_err(),
        CertificateError::Count { got: 2 }
    );
    assert_eq!(
        Certificate::from_pem("").unwrap_err(),
        CertificateError::Count { got: 0 }
    );
    let mut longer = MADE[0].certificate.to_der().to_vec();
    longer.push(0);
    assert!(Certificate::from_der(&longer).is_err());
}

#[test]
fn the_algorithm_outside_must_be_the_one_that_was_signed() {
    // ecdsa-with-SHA256 stands within what was signed, and again outside of it.
    let sha256 = b"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02";
    let mut der = MADE[0].certificate.to_der().to_vec();
    let place = der
        .windows(10)
        .rposition(|window| window == sha256)
        .unwrap();
    der[place + 9] = 3;
    assert!(Certificate::from_der(&der).is_err());
}

#[test]
fn extensions_that_are_ber_rather_than_der_are_read_as_openssl_does() {
    // keyCertSign and cRLSign without counting the unused bit; CA:FALSE in spite of the default.
    let usage = made_by_openssl(&["-addext", "2.5.29.15=critical,DER:03020006"]);
    let usages = [KeyUsage::KeyCertSign, KeyUsage::CrlSign];
    assert_eq!(
        Certificate::from_pem(&usage).unwrap().key_usage(),
        Some(&usages[..])
    );
    let explicit = made_by_openssl(&["-addext", "2.5.29.19=critical,DER:3003010100"]);
    assert!(!Certificate::from_pem(&explicit).unwrap().is_ca());
}

#[test]
fn a_signature_of_broken_bytes_is_not_read() {
    let sound = MADE[0].certificate.to_der();
    let (_, _, signature) = split(sound).unwrap();
    let unused = sound.len() - signature.raw_bytes().len() - 1;
    let mut der = sound.to_vec();
    assert_eq!(der[unused], 0, "the number of unused bits stands there");
    // The last bit of the signature has to be what it says: unused and zero.
    der[unused] = 1;
    *der.last_mut().unwrap() &= 0xfe;
    assert!(Certificate::from_der(&der).is_err());
}

#[test]
fn debug_is_one_line() {
    let certificate = &MADE[0].certificate;
    let expected = format!("Certificate(CN=mesh, serial {})", certificate.serial());
    assert_eq!(format!("{certificate:?}"), expected);
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
        let _ = Certificate::from_der(&bytes);
    }

    #[test]
    fn no_damage_makes_the_reader_panic_or_the_signature_hold(
        place: prop::sample::Index,
        bits in 1u8..,
    ) {
        let mut der = MADE[0].certificate.to_der().to_vec();
        *place.get_mut(&mut der) ^= bits;
        if let Ok(damaged) = Certificate::from_der(&der) {
            prop_assert!(!damaged.is_signed_by(&MADE[1].certificate));
        }
    }

    #[test]
    fn text_cut_short_never_passes(cut: prop::sample::Index) {
        let pem = MADE[0].certificate.to_pem();
        // From the first letter of the first block to the last dash of its end.
        let cut = 1 + cut.index(pem.trim_end().len() - 1);
        prop_assert!(Certificate::parse_all(&pem[..cut]).is_err());
        prop_assert!(Certificate::parse_all(&pem[cut..]).is_err());
    }
}
