//! The emulator judged from outside: by the real SDK on the wire and by `openssl` on the
//! certificates.

use std::fmt::Debug;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use aws_credential_types::Credentials as SdkCredentials;
use aws_sdk_acmpca::Client;
use aws_sdk_acmpca::config::retry::RetryConfig;
use aws_sdk_acmpca::config::{BehaviorVersion, Region, SharedHttpClient};
use aws_sdk_acmpca::error::ProvideErrorMetadata;
use aws_sdk_acmpca::operation::get_certificate::GetCertificateOutput;
use aws_sdk_acmpca::operation::issue_certificate::builders::IssueCertificateFluentBuilder;
use aws_sdk_acmpca::primitives::Blob;
use aws_sdk_acmpca::types::{SigningAlgorithm as Signing, Validity, ValidityPeriodType as Unit};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use jiff::{SignedDuration, Timestamp};

use super::{Aws, CaHandle, Clock, Credentials, KeyAlgorithm, REGION, random};

mod authenticator;
mod authorities;
mod certificates;
mod clusters;
mod delivery;
mod issuing;
mod kms;
mod knobs;
mod listing;
mod passthrough;
mod quotas;
mod revoking;
mod sharing;
pub(crate) mod signer;
mod signing;
mod sts;
mod web_identity;
mod wire;

/// The emulator with a root, a subordinate of path length 1 under it, and a client of the owner's
/// account; everything P-256, the clock standing at the beginning of March 2026.
struct Scene {
    aws: Aws,
    root: CaHandle,
    ca: CaHandle,
    client: Client,
}

impl Scene {
    fn new() -> Self {
        let aws = Aws::start(Clock::stopped_at(moment("2026-03-01T00:00:00Z"))).unwrap();
        let root = aws.root(KeyAlgorithm::EcPrime256v1).create();
        let ca = aws.subordinate(&root).path_length(1).create();
        let client = client(&aws, &aws.account(&ca.account()).user("owner"), REGION);
        Self {
            aws,
            root,
            ca,
            client,
        }
    }

    /// A request that works: a CA of path length 0 for 90 days.
    fn issue(&self) -> IssueCertificateFluentBuilder {
        issue(&self.client, &self.ca)
    }

    async fn issued(&self, request: IssueCertificateFluentBuilder) -> GetCertificateOutput {
        let arn = request.send().await.unwrap().certificate_arn.unwrap();
        delivered(&self.client, &self.ca, &arn).await
    }
}

fn issue(client: &Client, ca: &CaHandle) -> IssueCertificateFluentBuilder {
    client
        .issue_certificate()
        .certificate_authority_arn(ca.arn())
        .csr(Blob::new(some_csr()))
        .signing_algorithm(Signing::Sha256Withecdsa)
        .template_arn(ca.template_arn("SubordinateCACertificate_PathLen0"))
        .validity(validity(Unit::Days, 90))
}

/// What GetCertificate gives once it gives something.
async fn delivered(client: &Client, ca: &CaHandle, arn: &str) -> GetCertificateOutput {
    loop {
        let asked = client
            .get_certificate()
            .certificate_authority_arn(ca.arn())
            .certificate_arn(arn)
            .send()
            .await;
        match asked {
            Err(error) if code(&error) == "RequestInProgressException" => {}
            other => return other.unwrap(),
        }
    }
}

fn client(aws: &Aws, credentials: &Credentials, region: &str) -> Client {
    retrying_client(aws, credentials, region, RetryConfig::disabled())
}

fn retrying_client(
    aws: &Aws,
    credentials: &Credentials,
    region: &str,
    retries: RetryConfig,
) -> Client {
    let config = aws_sdk_acmpca::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(aws.endpoint())
        .region(Region::new(region.to_owned()))
        .credentials_provider(sdk_credentials(credentials))
        .http_client(http_client())
        .retry_config(retries)
        .build();
    Client::from_conf(config)
}

fn sdk_credentials(keys: &Credentials) -> SdkCredentials {
    SdkCredentials::new(
        &keys.access_key_id,
        &keys.secret_access_key,
        keys.session_token.clone(),
        None,
        "test",
    )
}

fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .build_https()
}

fn validity(unit: Unit, value: i64) -> Validity {
    Validity::builder()
        .r#type(unit)
        .value(value)
        .build()
        .unwrap()
}

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

/// The code of the error that AWS answered.
#[track_caller]
fn code(error: &(impl ProvideErrorMetadata + Debug)) -> String {
    error
        .code()
        .unwrap_or_else(|| panic!("no answer of AWS: {error:?}"))
        .to_owned()
}

/// Code and message of the error that AWS answered.
#[track_caller]
fn said(answer: Result<impl Debug, impl ProvideErrorMetadata + Debug>) -> (String, String) {
    let error = answer.unwrap_err();
    (code(&error), error.message().unwrap_or_default().to_owned())
}

/// A P-256 request by openssl, made once.
fn some_csr() -> Vec<u8> {
    static CSR: OnceLock<Vec<u8>> = OnceLock::new();
    CSR.get_or_init(|| csr("P-256", "/O=Example Corp/OU=mesh/OU=east/CN=Istio CA", &[]))
        .clone()
}

/// A request by openssl; `key` is a curve, or a number of bits for RSA.
fn csr(key: &str, subject: &str, extensions: &[&str]) -> Vec<u8> {
    let curve = format!("ec_paramgen_curve:{key}");
    let rsa = format!("rsa:{key}");
    let mut arguments = match key.parse::<u32>() {
        Ok(_) => vec!["-newkey", &rsa],
        Err(_) => vec!["-newkey", "ec", "-pkeyopt", &curve],
    };
    arguments.extend(["-new", "-nodes", "-keyout", "/dev/null", "-subj", subject]);
    arguments.extend(
        extensions
            .iter()
            .flat_map(|extension| ["-addext", *extension]),
    );
    openssl("req", &arguments, b"").into_bytes()
}

/// What openssl prints about a certificate.
fn text(pem: &str) -> String {
    let everything = ["-noout", "-text", "-nameopt", "RFC2253"];
    openssl("x509", &everything, pem.as_bytes())
}

/// One field of a certificate as openssl prints it, by option: `-subject`, `-enddate` …
fn field(pem: &str, option: &str) -> String {
    let printed = openssl(
        "x509",
        &["-noout", "-nameopt", "RFC2253", option],
        pem.as_bytes(),
    );
    printed
        .trim()
        .split_once('=')
        .unwrap_or_else(|| panic!("{printed}"))
        .1
        .to_owned()
}

/// The value of an extension as openssl prints it, its lines trimmed and joined; `None` if it is
/// not there.
fn extension(pem: &str, title: &str) -> Option<String> {
    let text = text(pem);
    let mut lines = text
        .lines()
        .skip_while(|line| !line.trim().starts_with(&format!("{title}:")));
    let head = lines.next()?;
    let indent = head.len() - head.trim_start().len();
    let value = lines
        .take_while(|line| line.len() - line.trim_start().len() > indent)
        .map(str::trim);
    let critical = if head.trim_end().ends_with("critical") {
        "critical, "
    } else {
        ""
    };
    Some(format!("{critical}{}", value.collect::<Vec<_>>().join(" ")))
}

/// Checks a path strictly, at a moment: `root`, then what is between, then `leaf`.
#[track_caller]
fn verifies(root: &str, between: &str, leaf: &str, at: Timestamp) {
    if let Err(words) = verified(root, between, leaf, at) {
        panic!("{words}\n{}", text(leaf));
    }
}

fn verified(root: &str, between: &str, leaf: &str, at: Timestamp) -> Result<(), String> {
    let (file, untrusted) = (Scrap::new(root), Scrap::new(between));
    let at = at.as_second().to_string();
    let mut arguments = vec![
        "-x509_strict",
        "-check_ss_sig",
        "-attime",
        &at,
        "-CAfile",
        file.path(),
    ];
    if !between.is_empty() {
        arguments.extend(["-untrusted", untrusted.path()]);
    }
    run("verify", &arguments, leaf.as_bytes()).map(|_| ())
}

fn openssl(command: &str, arguments: &[&str], input: &[u8]) -> String {
    run(command, arguments, input)
        .unwrap_or_else(|words| panic!("openssl {command} {arguments:?}: {words}"))
}

fn run(command: &str, arguments: &[&str], input: &[u8]) -> Result<String, String> {
    let mut child = Command::new("openssl")
        .arg(command)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl is on PATH");
    // A command that reads nothing may be gone before it is written to.
    _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        Ok(printed)
    } else {
        Err(printed + &String::from_utf8_lossy(&output.stderr))
    }
}

/// A file that goes away.
struct Scrap(PathBuf);

impl Scrap {
    fn new(content: &str) -> Self {
        let path = std::env::temp_dir().join(format!("aws-emulator-{}", random::uuid()));
        std::fs::write(&path, content).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scrap {
    fn drop(&mut self) {
        _ = std::fs::remove_file(&self.0);
    }
}
