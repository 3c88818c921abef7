//! One stack from nothing to "no changes", measured step by step.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use istiopca_acceptance::aws::{ACCOUNT, Aws, CaHandle, Call, Clock, KeyAlgorithm};
use istiopca_acceptance::cli::{Cli, Provider, Workdir};
use istiopca_acceptance::parts;
use jiff::{SignedDuration, Timestamp};

use super::super::Failure;
use super::backend::Backend;
use super::configuration::{self, Shape, stack};
use super::options::Options;
use super::place::{Place, Where, quotas};
use super::usage::{Usage, Watch};

/// What is measured, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The plan of all that is to be, saved.
    PlanCreate,
    /// The apply of that plan.
    Apply,
    /// A plan with nothing to do.
    PlanNothing,
    /// `plan -refresh-only`.
    Refresh,
}

impl Step {
    const ALL: [Self; 4] = [
        Self::PlanCreate,
        Self::Apply,
        Self::PlanNothing,
        Self::Refresh,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::PlanCreate => "plan of all",
            Self::Apply => "apply of it",
            Self::PlanNothing => "no-op plan",
            Self::Refresh => "refresh",
        }
    }

    fn arguments(self, parallelism: &str) -> Vec<&str> {
        let all: &[&str] = match self {
            Self::PlanCreate => &["plan", "-out=fleet.plan"],
            Self::Apply => &["apply", "fleet.plan"],
            Self::PlanNothing => &["plan"],
            Self::Refresh => &["plan", "-refresh-only"],
        };
        let (verb, more) = all.split_first().unwrap_or((&"plan", &[]));
        let common = ["-no-color", "-input=false", parallelism];
        [&[*verb], &common[..], more].concat()
    }
}

/// A step, and what it took.
pub(super) struct Measured {
    pub(super) step: Step,
    pub(super) wall: Duration,
    pub(super) provider: Usage,
    pub(super) core: Usage,
    /// Of AWS and of Kubernetes, by kind; refused ones are marked.
    pub(super) calls: BTreeMap<String, usize>,
}

/// An AWS with a CA, a place for Secrets, and a directory.
pub(super) struct Round {
    aws: Aws,
    ca: CaHandle,
    place: Place,
    dir: Workdir,
    backend: Backend,
    binary: PathBuf,
}

/// Longer than any step that is not stuck.
const DEADLINE: Duration = Duration::from_secs(1800);

impl Round {
    /// Everything that a stack for `count` clusters needs.
    pub(super) async fn prepared(
        binary: &Path,
        options: &Options,
        place: Where,
        count: usize,
    ) -> Result<Self, Failure> {
        let aws = Aws::start(Clock::running_from(Timestamp::now()))?;
        let years = |years: i64| SignedDuration::from_hours(years * 365 * 24);
        let root = aws
            .root(KeyAlgorithm::EcPrime256v1)
            .valid_for(years(10))
            .create();
        let ca = aws
            .subordinate(&root)
            .path_length(1)
            .valid_for(years(5))
            .create();
        let place = Place::with(place, &aws, count).await?;
        let provider = Provider::Mirror(binary.to_owned());
        let mut dir = Workdir::new(Cli::Terraform, provider)?;
        dir.set_deadline(DEADLINE);
        let keys = aws.account(ACCOUNT).user("ci");
        let profile = format!(
            "[fleet]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            keys.access_key_id, keys.secret_access_key
        );
        dir.write("aws-credentials", &profile);
        dir.write("aws-config", "");
        aws.set_latency(options.latency);
        aws.set_polls_before_delivery(options.polls as usize);
        Ok(Self {
            aws,
            ca,
            place,
            dir,
            backend: Backend::start().await?,
            binary: binary.to_owned(),
        })
    }

    /// Writes the stack and goes through all steps; what is planned and found is checked.
    pub(super) async fn measured(
        &mut self,
        options: &Options,
        shape: Shape,
    ) -> Result<Vec<Measured>, Failure> {
        self.configure(shape);
        self.dir.init(&[]).await.succeeds();
        let mut all = Vec::new();
        for step in Step::ALL {
            all.push(self.step(options, step).await?);
        }
        let wanted = self.place.keys().len();
        if self.aws.count("IssueCertificate") != 0 {
            return Err("a refresh has issued something".into());
        }
        match self.ca.issued().len() == wanted {
            true => Ok(all),
            false => Err(format!("not exactly {wanted} certificates were issued").into()),
        }
    }

    fn configure(&self, shape: Shape) {
        let files = self.dir.path();
        let provider = configuration::Provider {
            endpoint: &self.aws.endpoint(),
            files: &files.to_string_lossy(),
            kubernetes: &self.place.provider(),
        };
        let (keys, settings) = (self.place.keys(), self.place.settings());
        for (file, text) in stack(&provider, shape, &self.ca.arn(), keys, settings) {
            self.dir.write(file, &text);
        }
        self.dir.write("backend.tf", &self.backend.block());
    }

    async fn step(&mut self, options: &Options, step: Step) -> Result<Measured, Failure> {
        // Full buckets: a step before it must not cost this one.
        self.aws.set_quotas(quotas());
        self.aws.forget_calls();
        self.place.asked().await;
        let parallelism = format!("-parallelism={}", options.parallelism);
        let programs = vec![self.binary.clone(), parts::terraform()?];
        let watch = Watch::begin(programs);
        let begun = Instant::now();
        let run = self.dir.run(&step.arguments(&parallelism)).await;
        let wall = begun.elapsed();
        let [provider, core] = watch.end()[..] else {
            return Err("the watch has died".into());
        };
        run.succeeds();
        if matches!(step, Step::PlanNothing | Step::Refresh) {
            run.says("No changes.");
        }
        let mut calls = aws_calls(&self.aws.calls());
        calls.extend(self.place.asked().await);
        Ok(Measured {
            step,
            wall,
            provider,
            core,
            calls,
        })
    }
}

fn aws_calls(calls: &[Call]) -> BTreeMap<String, usize> {
    let kinds = calls.iter().map(|call| match &call.error {
        Some(error) if error.contains("Throttl") || error.contains("TooMany") => {
            format!("{} (throttled)", call.operation)
        }
        _ => call.operation.clone(),
    });
    kinds.fold(BTreeMap::new(), |mut counts, kind| {
        *counts.entry(kind).or_default() += 1;
        counts
    })
}
