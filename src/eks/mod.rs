//! Adapter to EKS: finds a cluster by its name and mints the tokens that open it.
//!
//! Knows of no Kubernetes and no Terraform. Nothing of a cluster is kept here: one that was not there may
//! come into being in the same run.

pub mod arn;
pub mod error;
mod role;
mod token;

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_eks::Client;
use aws_sdk_eks::config::Builder;
use aws_sdk_eks::config::retry::RetryConfig;
use aws_sdk_eks::types::{Cluster, ClusterStatus};
use tokio::sync::{OnceCell, Semaphore};

pub use arn::{ClusterArn, NotAClusterArn, is_name};
pub use error::{Error, Place};
pub use role::{Owner, RoleSettings};
pub use token::{Minted, Unminted};

use token::Held;

use crate::aws::{self, Caller, SignIn};

/// EKS of one region, asked under one identity.
pub struct Eks {
    sign_in: Arc<SignIn>,
    region: String,
    client: OnceCell<Client>,
    /// A fleet is looked up by many at once, and EKS lets an account ask only so often.
    turns: Semaphore,
    held: Held,
}

/// A cluster that is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its ARN.
    pub arn: ClusterArn,
    /// URL of the API server.
    pub endpoint: String,
    /// Certificates of its authorities: base64 of PEM.
    pub authorities: String,
    /// Who may reach the API server.
    pub reach: Reach,
    /// What tokens for it are bound to: its name, or its id on Outposts.
    pub token_id: String,
}

/// Who may reach an API server over the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Only what is inside the cluster's network.
    Private,
    /// These blocks of addresses.
    Public(Vec<String>),
}

impl Eks {
    /// Asks nothing yet.
    pub fn new(sign_in: Arc<SignIn>, region: impl Into<String>) -> Self {
        Self {
            sign_in,
            region: region.into(),
            client: OnceCell::new(),
            turns: Semaphore::new(AT_ONCE),
            held: Held::default(),
        }
    }

    /// DescribeCluster.
    ///
    /// # Errors
    /// When there is no such cluster, when it is not ready, and when EKS does not say.
    pub async fn describe(&self, name: &str) -> Result<Described, Error> {
        let place = Place {
            name: name.to_owned(),
            region: self.region.clone(),
        };
        let client = self.client.get_or_try_init(|| self.connect()).await;
        let client = client.map_err(|source| Error::NotSignedIn {
            place: place.clone(),
            source: Box::new(source),
        })?;
        let turn = self.turns.acquire().await;
        let sent = client.describe_cluster().name(name).send().await;
        drop(turn);
        let answer = match sent {
            Ok(answer) => answer,
            Err(failed) => {
                let error = Error::of(&place, &failed, || self.sign_in.whose());
                return Err(self.in_account(error).await);
            }
        };
        let cluster = answer.cluster.ok_or_else(|| Error::Incomplete {
            place: place.clone(),
            missing: "the cluster",
        })?;
        read(place, cluster)
    }

    /// Whose clusters were looked through: a wrong account is the usual reason for an absent cluster.
    async fn in_account(&self, error: Error) -> Error {
        match error {
            Error::Absent { place, .. } => {
                let caller = self.caller().await.ok();
                let account = caller.map(|caller| caller.account);
                Error::Absent { place, account }
            }
            other => other,
        }
    }

    async fn connect(&self) -> Result<Client, aws::Error> {
        let session = self.session().await?;
        let attempts = self.sign_in.attempts().unwrap_or(ATTEMPTS);
        let mut config = Builder::from(&session)
            .retry_config(RetryConfig::standard().with_max_attempts(attempts));
        if let Some(source) = session.credentials_provider() {
            config = config.credentials_provider(self.held.noting(source));
        }
        if let Some(url) = self.sign_in.eks_endpoint() {
            config = config
                .endpoint_url(url)
                .use_fips(false)
                .use_dual_stack(false);
        }
        Ok(Client::from_conf(config.build()))
    }

    /// Who asks, as STS knows it.
    pub async fn caller(&self) -> Result<Caller, aws::Error> {
        self.sign_in.caller(&self.region).await
    }

    async fn session(&self) -> Result<SdkConfig, aws::Error> {
        self.sign_in.session(&self.region).await
    }
}

/// How many DescribeCluster calls are under way at once: less than the host runs operations.
const AT_ONCE: usize = 6;

/// How often one call is sent unless the user says otherwise; throttling passes within seconds.
const ATTEMPTS: u32 = 8;

fn read(place: Place, cluster: Cluster) -> Result<Described, Error> {
    let status = cluster.status.unwrap_or(ClusterStatus::Active);
    let has_endpoint = cluster.endpoint.as_ref().is_some_and(|it| !it.is_empty());
    // One that failed may still serve, and must be let go of.
    let serves = matches!(status, ClusterStatus::Active | ClusterStatus::Updating)
        || status == ClusterStatus::Failed && has_endpoint;
    if !serves {
        let status = status.as_str().to_owned();
        return Err(Error::NotReady { place, status });
    }
    let missing = |missing| {
        let place = place.clone();
        move || Error::Incomplete { place, missing }
    };
    let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let authorities = cluster.certificate_authority.and_then(|it| it.data);
    let arn = filled(cluster.arn).and_then(|arn| arn.parse().ok());
    let network = cluster.resources_vpc_config;
    let on_outposts = cluster.outpost_config.is_some();
    Ok(Described {
        arn: arn.ok_or_else(missing("its ARN"))?,
        endpoint: filled(cluster.endpoint).ok_or_else(missing("the endpoint"))?,
        authorities: filled(authorities).ok_or_else(missing("the certificate authority"))?,
        reach: match network {
            Some(network) if !network.endpoint_public_access => Reach::Private,
            Some(network) => Reach::Public(network.public_access_cidrs.unwrap_or_default()),
            None => Reach::Public(Vec::new()),
        },
        token_id: filled(cluster.id)
            .filter(|_| on_outposts)
            .unwrap_or(place.name),
    })
}

#[cfg(test)]
mod tests;
