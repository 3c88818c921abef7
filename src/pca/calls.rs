//! The four calls as the SDK makes them, each sent once.

use aws_sdk_acmpca::Client;
use aws_sdk_acmpca::config::Builder;
use aws_sdk_acmpca::config::retry::RetryConfig;

use super::error::{Failure, failed};
use super::retry::{Class, Own};
use super::{
    Authority, CertificateArn, Description, IssuedPem, IssuerPem, Operation, Order, Status,
};

impl Authority {
    pub(super) async fn ask_description(&self) -> Result<Description, Failure> {
        let operation = Operation::DescribeCertificateAuthority;
        let ask = self.client().await?.describe_certificate_authority();
        let sent = ask
            .certificate_authority_arn(self.arn.to_string())
            .send()
            .await;
        let answer = sent.map_err(|it| failed(operation, &it))?;
        let description = answer.certificate_authority().and_then(Description::read);
        description.ok_or_else(|| Failure::incomplete("the CA's configuration"))
    }

    pub(super) async fn ask_certificate(&self) -> Result<IssuerPem, Failure> {
        let operation = Operation::GetCertificateAuthorityCertificate;
        let ask = self.client().await?.get_certificate_authority_certificate();
        let sent = ask
            .certificate_authority_arn(self.arn.to_string())
            .send()
            .await;
        let answer = sent.map_err(|it| failed(operation, &it))?;
        let certificate = filled(answer.certificate)
            .ok_or_else(|| Failure::incomplete("the CA's certificate"))?;
        Ok(IssuerPem {
            certificate,
            chain: filled(answer.certificate_chain),
        })
    }

    pub(super) async fn place(&self, order: &Order) -> Result<CertificateArn, Failure> {
        let sent = order.input(&self.arn).send_with(self.client().await?).await;
        match sent {
            Ok(answer) => {
                let arn = filled(answer.certificate_arn)
                    .ok_or_else(|| Failure::incomplete("the certificate's ARN"))?;
                Ok(CertificateArn::new(arn))
            }
            Err(error) => Err(self.unless_settling(failed(Operation::IssueCertificate, &error))),
        }
    }

    pub(super) async fn ask_issued(
        &self,
        certificate: &CertificateArn,
    ) -> Result<IssuedPem, Failure> {
        let ask = self
            .client()
            .await?
            .get_certificate()
            .certificate_arn(certificate.as_str());
        let sent = ask
            .certificate_authority_arn(self.arn.to_string())
            .send()
            .await;
        let answer = sent.map_err(|it| failed(Operation::GetCertificate, &it))?;
        let certificate =
            filled(answer.certificate).ok_or_else(|| Failure::incomplete("the certificate"))?;
        let chain = filled(answer.certificate_chain)
            .ok_or_else(|| Failure::incomplete("the certificate's chain"))?;
        Ok(IssuedPem { certificate, chain })
    }

    /// For about a minute after its activation a CA says both that it is active and that it cannot
    /// issue.
    fn unless_settling(&self, failure: Failure) -> Failure {
        let active = self
            .description
            .get()
            .is_some_and(|known| known.status == Status::Active);
        match failure.class {
            Class::Own(Own::State) if active => failure.in_class(Class::Own(Own::Settling)),
            _ => failure,
        }
    }

    pub(super) async fn client(&self) -> Result<&Client, Failure> {
        self.client.get_or_try_init(|| self.connect()).await
    }

    /// In the CA's region, whatever region the profile or the provider is in.
    async fn connect(&self) -> Result<Client, Failure> {
        let session = self
            .sign_in
            .session(self.arn.region())
            .await
            .map_err(Failure::not_signed_in)?;
        let mut config = Builder::from(&session).retry_config(RetryConfig::disabled());
        if let Some(url) = self.sign_in.acmpca_endpoint() {
            // What was said of this service by itself wins; the SDK refuses both together.
            config = config
                .endpoint_url(url)
                .use_fips(false)
                .use_dual_stack(false);
        }
        Ok(Client::from_conf(config.build()))
    }
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}
