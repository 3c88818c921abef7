//! People with credentials who ask AWS themselves, as with the AWS CLI.

use aws_sdk_acmpca::config::retry::RetryConfig;
use aws_sdk_acmpca::config::{BehaviorVersion, Region, SharedHttpClient};
use aws_sdk_acmpca::error::ProvideErrorMetadata as _;
use aws_sdk_acmpca::types::RevocationReason;
use aws_sdk_kms::primitives::Blob;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use istiopca_acceptance::aws::{Credentials, REGION};

use super::thief::Unsealed;
use crate::world::{World, openssl};

/// Somebody who is not the provider.
pub(super) struct Person {
    pca: aws_sdk_acmpca::Client,
    kms: aws_sdk_kms::Client,
    /// Where openssl finds what it is to look at.
    place: std::path::PathBuf,
}

impl Person {
    pub(super) fn of(world: &World, keys: &Credentials) -> Self {
        let credentials = || {
            let (id, secret) = (&keys.access_key_id, &keys.secret_access_key);
            aws_credential_types::Credentials::new(id, secret, None, None, "story")
        };
        let pca = aws_sdk_acmpca::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .endpoint_url(world.aws.endpoint())
            .region(Region::new(REGION))
            .credentials_provider(credentials())
            .http_client(http_client())
            .retry_config(RetryConfig::disabled());
        let kms = aws_sdk_kms::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .endpoint_url(world.aws.endpoint())
            .region(Region::new(REGION))
            .credentials_provider(credentials())
            .http_client(http_client())
            .retry_config(RetryConfig::disabled());
        Self {
            pca: aws_sdk_acmpca::Client::from_conf(pca.build()),
            kms: aws_sdk_kms::Client::from_conf(kms.build()),
            place: world.dir.path(),
        }
    }

    /// `get-certificate` for its serial number, then `revoke-certificate`.
    pub(super) async fn revokes(&self, ca: &str, certificate: &str, reason: RevocationReason) {
        let ask = self.pca.get_certificate().certificate_authority_arn(ca);
        let found = ask.certificate_arn(certificate).send().await;
        let file = self.place.join("to-revoke.pem");
        let pem = found
            .expect("AWS has it")
            .certificate
            .expect("it is delivered");
        std::fs::write(&file, pem).expect("the directory is writable");
        let serial = openssl(&["x509", "-noout", "-serial", "-in"], &file);
        let serial = serial.trim().trim_start_matches("serial=").to_lowercase();
        let ask = self.pca.revoke_certificate().certificate_authority_arn(ca);
        let ask = ask.certificate_serial(serial).revocation_reason(reason);
        ask.send().await.expect("it can be revoked");
    }

    /// `decrypt` of the data key of a sealed key, with or without the context that it says; the code of AWS's
    /// refusal otherwise.
    pub(super) async fn opens(&self, sealed: &Unsealed, context: bool) -> Result<Vec<u8>, String> {
        let ask = self.kms.decrypt().key_id(&sealed.kms_key_arn);
        let ask = ask.ciphertext_blob(Blob::new(sealed.data_key.clone()));
        let pairs = sealed.context.clone().into_iter();
        // The id alone, which is no more of a secret.
        let pairs = pairs.filter(|(name, _)| context || name == "istiopca:id");
        let asked = ask
            .set_encryption_context(Some(pairs.collect()))
            .send()
            .await;
        match asked {
            Ok(opened) => Ok(opened.plaintext.expect("it is there").into_inner()),
            Err(error) => Err(error.code().unwrap_or_default().to_owned()),
        }
    }
}

fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .build_https()
}
