//! What to ask of a CA, decided before anything is sent.

use std::fmt;
use std::time::Duration;

use aws_sdk_acmpca::operation::issue_certificate::IssueCertificateInput;
use aws_sdk_acmpca::operation::issue_certificate::builders::IssueCertificateInputBuilder;
use aws_sdk_acmpca::primitives::Blob;
use aws_sdk_acmpca::types::{self, Validity, ValidityPeriodType};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Arn, SigningAlgorithm, TemplateArn};

/// One certificate to be issued. Sent any number of times it is issued once, within PCA's five
/// minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// PKCS #10 in PEM, at most 32 KiB.
    pub csr_pem: String,
    /// Must be of the family of the CA's key.
    pub signing_algorithm: SigningAlgorithm,
    /// Decides what the certificate may do; the CSR does not.
    pub template: TemplateArn,
    /// The last moment of the certificate, in whole seconds. Absolute, so that it means the same
    /// however late the request arrives.
    pub not_after: Timestamp,
    /// Tells this order from any other.
    pub token: Token,
}

/// IdempotencyToken of IssueCertificate: repeats of an order carry the same one, and other orders
/// another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(String);

impl Token {
    /// How long PCA knows a token again, less a margin for a last request on its way.
    pub(super) const REMEMBERED: Duration = Duration::from_secs(5 * 60 - 30);

    /// From random bytes, with a beginning that can be searched for in CloudTrail. 31 of the 36
    /// characters that PCA allows.
    pub fn new(random: [u8; 16]) -> Self {
        Self(format!("istiopca-{}", URL_SAFE_NO_PAD.encode(random)))
    }

    /// As it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Order {
    /// The request for this order to that CA.
    pub(super) fn input(&self, authority: &Arn) -> IssueCertificateInputBuilder {
        IssueCertificateInput::builder()
            .certificate_authority_arn(authority.to_string())
            .csr(Blob::new(self.csr_pem.as_bytes()))
            .signing_algorithm(types::SigningAlgorithm::from(
                self.signing_algorithm.as_str(),
            ))
            .template_arn(self.template.to_string())
            .validity(absolute(self.not_after))
            .idempotency_token(self.token.as_str())
    }
}

fn absolute(end: Timestamp) -> Validity {
    let seconds = Validity::builder()
        .r#type(ValidityPeriodType::Absolute)
        .value(end.as_second());
    seconds.build().expect("type and value are set")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_becomes_the_request_with_an_absolute_end() {
        let ca = "arn:aws-cn:acm-pca:cn-north-1:123456789012:certificate-authority/11111111-2222-3333-4444-555555555555";
        let order = Order {
            csr_pem: "-----BEGIN CERTIFICATE REQUEST-----".to_owned(),
            signing_algorithm: SigningAlgorithm::Sha384WithRsaPss,
            template: TemplateArn::subordinate("aws-cn", 1).unwrap(),
            not_after: "2027-02-20T10:11:12.9Z".parse().unwrap(),
            token: Token::new([0; 16]),
        };
        let input = order.input(&ca.parse().unwrap()).build().unwrap();
        assert_eq!(input.certificate_authority_arn(), Some(ca));
        assert_eq!(input.csr().unwrap().as_ref(), order.csr_pem.as_bytes());
        assert_eq!(
            input.signing_algorithm().unwrap().as_str(),
            "SHA384WITHRSA_PSS"
        );
        assert_eq!(
            input.template_arn(),
            Some("arn:aws-cn:acm-pca:::template/SubordinateCACertificate_PathLen1/V1")
        );
        assert_eq!(
            input.idempotency_token(),
            Some("istiopca-AAAAAAAAAAAAAAAAAAAAAA")
        );
        assert_eq!(input.validity_not_before(), None);
        let validity = input.validity().unwrap();
        // date -u -d 2027-02-20T10:11:12Z +%s
        assert_eq!(
            (validity.r#type().as_str(), validity.value()),
            ("ABSOLUTE", 1_803_118_272)
        );
    }

    #[test]
    fn tokens_differ_with_the_bytes_and_fit() {
        let tokens: Vec<_> = [[0; 16], [255; 16], *b"0123456789abcdef"]
            .map(Token::new)
            .to_vec();
        assert!(tokens.iter().all(|token| token.as_str().len() == 31));
        assert!(tokens.iter().all(|token| {
            token
                .as_str()
                .bytes()
                .all(|byte| (0x20..0x7f).contains(&byte))
        }));
        assert_ne!(tokens[0], tokens[1]);
        // printf 0123456789abcdef | base64
        assert_eq!(tokens[2].as_str(), "istiopca-MDEyMzQ1Njc4OWFiY2RlZg");
    }
}
