//! One stack from nothing to "no changes", measured step by step.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use istiopca_acceptance::aws::{ACCOUNT, Aws, CaHandle, Call, Clock, KeyAlgorithm};
use istiopca_acceptance::cli::{Cli, Provider, Surroundings, Workdir};
use istiopca_acceptance::parts;
use jiff::{SignedDuration, Timestamp};

use super::super::{Failure, ONLY_ROOT};
use super::backend::Backend;
use super::configuration::{self, Shape, stack};
use super::options::Options;
use super::peers::Peers;
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
    /// From the first call of AWS to the last; before and after it core is by itself.
    pub(super) asking: Duration,
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
    /// The providers that do the work.
    programs: Vec<PathBuf>,
    /// Whether that is ours alone.
    ours: bool,
}

/// Longer than any step that is not stuck.
const DEADLINE: Duration = Duration::from_secs(1800);

impl Round {
    /// Everything that a stack for `count` clusters needs, for our own provider to do.
    pub(super) async fn ours(
        binary: &Path,
        options: &Options,
        place: Where,
        count: usize,
    ) -> Result<Self, Failure> {
        let provider = Provider::Mirror(binary.to_owned());
        let (aws, programs) = (emulated(options)?, vec![binary.to_owned()]);
        let place = Place::with(place, &aws.0, count, None).await?;
        Self::prepared(aws, programs, provider, place).await
    }

    /// The same for others.
    pub(super) async fn of_peers(
        peers: &Peers,
        options: &Options,
        count: usize,
    ) -> Result<Self, Failure> {
        let aws = emulated(options)?;
        let place = Place::with(Where::Namespaces, &aws.0, count, Some(Peers::right())).await?;
        let mut round = Self::prepared(aws, peers.programs(), Provider::None, place).await?;
        let configuration = peers.installed(round.dir.place())?;
        let configuration = configuration.to_string_lossy();
        round.dir.set_env("TF_CLI_CONFIG_FILE", &configuration);
        Ok(round)
    }

    async fn prepared(
        (aws, ca): (Aws, CaHandle),
        programs: Vec<PathBuf>,
        provider: Provider,
        place: Place,
    ) -> Result<Self, Failure> {
        let (cli, untraced) = (Cli::Terraform, Surroundings::Untraced);
        let mut dir =
            Workdir::laid_out(cli, cli.program()?, provider.clone(), "stories", untraced)?;
        dir.set_deadline(DEADLINE);
        let keys = aws.account(ACCOUNT).user("ci");
        let profile = format!(
            "[fleet]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            keys.access_key_id, keys.secret_access_key
        );
        dir.write("aws-credentials", &profile);
        dir.write("aws-config", "");
        Ok(Self {
            aws,
            ca,
            place,
            dir,
            backend: Backend::start().await?,
            ours: matches!(provider, Provider::Mirror(_)),
            programs,
        })
    }

    /// Writes our stack and goes through all steps; what is planned and issued is checked.
    pub(super) async fn measured(
        &mut self,
        options: &Options,
        shape: Shape,
    ) -> Result<Vec<Measured>, Failure> {
        let files = self.dir.path();
        let provider = configuration::Provider {
            endpoint: &self.aws.endpoint(),
            files: &files.to_string_lossy(),
            kubernetes: &self.place.provider(),
        };
        let (keys, settings) = (self.place.keys(), self.place.settings());
        let stack = stack(&provider, shape, &self.ca.arn(), keys, settings);
        let steps = self.steps(options, stack).await?;
        let (wanted, issued) = (self.place.keys().len(), self.ca.issued().len());
        match issued == wanted {
            true => Ok(steps),
            false => Err(format!("{issued} instead of {wanted} certificates were issued").into()),
        }
    }

    /// The same with the stack of others.
    pub(super) async fn of_others(
        &mut self,
        options: &Options,
        peers: &Peers,
    ) -> Result<Vec<Measured>, Failure> {
        let files = self.dir.path();
        let (kubernetes, endpoint) = (self.place.provider(), self.aws.endpoint());
        let (ca, keys) = (self.ca.arn(), self.place.keys());
        let stack = peers.stack(&kubernetes, &endpoint, &ca, keys, &files.to_string_lossy());
        self.steps(options, stack).await
    }

    async fn steps(
        &mut self,
        options: &Options,
        stack: Vec<(&'static str, String)>,
    ) -> Result<Vec<Measured>, Failure> {
        for (file, text) in stack {
            self.dir.write(file, &text);
        }
        self.dir.write("backend.tf", &self.backend.block());
        self.dir.init(&[]).await.succeeds();
        let mut all = Vec::new();
        for step in Step::ALL {
            all.push(self.step(options, step).await?);
            // Others keep their keys in the state, and hand them to the host's log.
            if self.ours {
                let (canary, state) = (self.dir.canary(), self.backend.state());
                canary.left_elsewhere("the backend's terraform.tfstate", &state);
            }
        }
        if self.ours {
            // Found where they should not be, they are told when the directory goes.
            self.dir.canary().look_for_keys(self.place.secret_texts()?);
        }
        Ok(all)
    }

    async fn step(&mut self, options: &Options, step: Step) -> Result<Measured, Failure> {
        // Full buckets: a step before it must not cost this one.
        self.aws.set_quotas(quotas());
        self.aws.forget_calls();
        self.place.asked().await;
        let parallelism = format!("-parallelism={}", options.parallelism);
        let core = parts::terraform()?;
        let watch = Watch::begin([self.programs.clone(), vec![core]].concat());
        let run = self.dir.run(&step.arguments(&parallelism)).await;
        let mut used = watch.end();
        let core = used.pop().ok_or("the watch has died")?;
        // Side by side, and so in memory at the same time.
        let provider = used.into_iter().fold(Usage::default(), Usage::beside);
        run.succeeds();
        if provider.memory == 0 {
            return Err(format!("the run started no provider that we see; {ONLY_ROOT}").into());
        }
        // hashicorp/kubernetes finds at its first refresh that it forgot empty maps.
        let exact = step == Step::Refresh && self.ours;
        if step == Step::PlanNothing || exact {
            run.says("No changes.");
        }
        let asked = self.aws.calls();
        let mut calls = aws_calls(&asked);
        calls.extend(self.place.asked().await);
        Ok(Measured {
            step,
            wall: run.took(),
            asking: asking(&asked),
            provider,
            core,
            calls,
        })
    }
}

/// An AWS with a CA below a root.
fn emulated(options: &Options) -> Result<(Aws, CaHandle), Failure> {
    let aws = Aws::start(Clock::running_from(Timestamp::now()))?;
    let years = |years: i64| SignedDuration::from_hours(years * 365 * 24);
    let root = aws.root(KeyAlgorithm::EcPrime256v1);
    let root = root.valid_for(years(10)).create();
    let ca = aws.subordinate(&root).path_length(1);
    let ca = ca.valid_for(years(5)).create();
    aws.set_latency(options.latency);
    aws.set_polls_before_delivery(options.polls as usize);
    Ok((aws, ca))
}

fn asking(calls: &[Call]) -> Duration {
    let moments = || calls.iter().map(|call| call.at);
    let span = moments().max().zip(moments().min());
    let span = span.map(|(last, first)| last.duration_since(first).unsigned_abs());
    span.unwrap_or_default()
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
