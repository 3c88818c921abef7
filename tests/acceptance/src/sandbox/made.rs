//! What an apply has made, as it is told: facts of the outputs and of the cluster, no byte of a
//! key.

use serde::Deserialize;

use super::certificates::{self, Said};
use super::{Error, Narrator, Stage};
use crate::sandbox_cluster::SecretFacts;

/// The certificate by the outputs of the quick start, and the one Secret in the cluster.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) outputs: Outputs,
    path: Vec<Said>,
    pub(super) secret: SecretFacts,
    /// How many certificates AWS was asked for so far.
    pub(super) issued: usize,
}

/// Outputs of `examples/terraform/quickstart`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Outputs {
    issue_reason: Output<String>,
    certificate_path: Output<String>,
    dates: Output<Dates>,
    serial_number: Output<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Output<T> {
    value: T,
}

#[derive(Clone, Debug, Deserialize)]
struct Dates {
    not_before: String,
    not_after: String,
    renew_at: String,
}

impl Outputs {
    /// The certificate's serial number, in hex.
    pub(super) fn serial_number(&self) -> &str {
        &self.serial_number.value
    }
}

impl Made {
    /// Asks the core for its outputs, and the emulators for the rest.
    pub(super) async fn look(told: &mut Narrator<'_>, stage: &mut Stage) -> Result<Self, Error> {
        let args = ["output", "-json"];
        told.command(&format!(
            "{} (told in short, with the cluster)",
            stage.dir.line(&args)
        ));
        let run = stage.run_untold(&args).await?;
        let outputs: Outputs = serde_json::from_str(run.stdout())
            .map_err(|error| Error::Outputs(format!("{error}\n{run}")))?;
        let path = certificates::read(&outputs.certificate_path.value)?;
        let mut secrets = stage.cluster.secrets();
        let (Some(secret), true) = (secrets.pop(), secrets.is_empty()) else {
            let wrong = "there should be exactly one Secret in the cluster".to_owned();
            return Err(Error::Unexpected(wrong));
        };
        Ok(Self {
            outputs,
            path,
            secret,
            issued: stage.aws.count("IssueCertificate"),
        })
    }

    /// Tells the certificate.
    pub(super) fn tell_certificate(&self, told: &mut Narrator<'_>) {
        let names = ["subject", "signed by", "root"];
        for (said, name) in self.path.iter().zip(names) {
            let end = said.not_after;
            told.fact(name, &format!("{}, until {end}", said.subject));
        }
        let dates = &self.outputs.dates.value;
        told.fact(
            "valid",
            &format!("{} to {}", dates.not_before, dates.not_after),
        );
        told.fact("renewal is due", &format!("from {} on", dates.renew_at));
        told.fact("serial number", &self.outputs.serial_number.value);
        told.fact("issued because", &self.outputs.issue_reason.value);
        told.fact("ever issued", &format!("{} by AWS Private CA", self.issued));
    }

    /// Tells the Secret: of each key its name and size.
    pub(super) fn tell_secret(&self, told: &mut Narrator<'_>) {
        let SecretFacts {
            namespace,
            name,
            kind,
            uid,
            keys,
            ..
        } = &self.secret;
        told.fact("Secret", &format!("{namespace}/{name}, {kind}, uid {uid}"));
        for key in keys {
            told.fact("", &format!("{:<16}{:>5} bytes", key.name, key.bytes));
        }
    }
}
