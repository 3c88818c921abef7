//! Certificates and keys for the tests of this room: one authority of openssl's making, the others made as needed.

use std::sync::{Arc, LazyLock};

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

use super::Clock;

/// A clock that stands still at 2026-03-01T12:00:00Z.
pub(in crate::cluster) fn clock() -> Clock {
    Arc::new(|| "2026-03-01T12:00:00Z".parse().unwrap())
}

/// `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj /CN=test-ca-one`
pub(in crate::cluster) const CA_ONE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBhDCCASmgAwIBAgIUID+b9z0c9yQaEPbSdxeNmM9Bzw8wCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLdGVzdC1jYS1vbmUwIBcNMjYxMTIyMDI0MTM3WhgPMjEyNjEw
MjkwMjQxMzdaMBYxFDASBgNVBAMMC3Rlc3QtY2Etb25lMFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEvtTX1gNkvf8qn8y8K/ApL8st04oh8iN/LptpqpPa1q8Ow+aE
wqJMoATqsEvU5Rd814/LigotAEzMBximtDnx4qNTMFEwHQYDVR0OBBYEFE15E80y
MXF6v9W1vyTX+Fn2coJfMB8GA1UdIwQYMBaAFE15E80yMXF6v9W1vyTX+Fn2coJf
MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhANu/PJvc4QIcjXLn
dRMQTGHmvOjcMV5IZz/iXVrTZxiAAiEAzXCdcaAzOcfY3rrSFiDdzqREGhmN9khW
QaflCNPs1Fw=
-----END CERTIFICATE-----
";

/// `openssl x509 -in one.pem -outform der | sha256sum`
pub(in crate::cluster) const CA_ONE_SHA256: &str =
    "9914e6d5d685906a73b5f643cddbf4b0ce46f5e7348cd39c970912fbe70882a9";

/// Another authority.
pub(in crate::cluster) static CA_TWO: LazyLock<String> = LazyLock::new(|| {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .self_signed(&KeyPair::generate().unwrap())
        .unwrap()
        .pem()
});

/// A certificate that names this machine, and its key.
pub(in crate::cluster) struct Identity {
    pub(in crate::cluster) certificate: String,
    pub(in crate::cluster) key: String,
}

/// The certificate and key of a client, or of a server on this machine.
pub(in crate::cluster) static IDENTITY: LazyLock<Identity> = LazyLock::new(|| {
    let names = [
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "kubernetes.default".to_owned(),
    ];
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(names).unwrap();
    Identity {
        certificate: params.self_signed(&key).unwrap().pem(),
        key: key.serialize_pem(),
    }
});
