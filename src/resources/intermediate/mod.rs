//! `istiopca_intermediate`: a key of our own, and the CA certificate that AWS Private CA signs for
//! it.

mod plan;
mod settings;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use settings::{KEEPING, Keeping, RULES};

use self::plan::Step;
use super::custody::{Again, Custody, Kept};
use super::issue::{self, Failed, Issuance, Issued, Last, Notes, Obtained, Request, Standing};
use super::words::{self, Instance};
use crate::clients::Clients;
use crate::pki::{Certificate, SealedKey, SecretPem};
use crate::provider::Policy;
use crate::terraform::schema::{Attribute, Block, Rule, Schema, Timeouts, joined, text};
use crate::terraform::value::Both;
use crate::terraform::{
    Ask, Call, Diagnostic, Done, Ending, Intent, Planned, Reading, Resource, State, Unfinished,
    Verdict,
};

/// See the module.
pub(super) struct Intermediate;

/// The outputs beside the facts of the certificate.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(super) struct Delivered {
    certificate: Option<String>,
    certificate_chain: Option<String>,
    private_key_pem: Option<SecretPem>,
    private_key_sealed: Option<SealedKey>,
}

impl Delivered {
    fn kept(&self) -> Kept {
        Kept {
            private_key_pem: self.private_key_pem.clone(),
            private_key_sealed: self.private_key_sealed.clone(),
        }
    }

    fn keep(&mut self, kept: Kept) {
        self.private_key_pem = kept.private_key_pem;
        self.private_key_sealed = kept.private_key_sealed;
    }
}

type Settings = Both<Issuance, Keeping>;
type Outputs = Both<Issued, Delivered>;

const DELIVERED_OUTPUTS: [Attribute; 4] = [
    text("certificate").says("The intermediate CA certificate as PEM."),
    text("certificate_chain")
        .says("The certificates above it as PEM, from the issuing CA to the root."),
    text("private_key_pem")
        .sensitive()
        .says("The private key as PEM (PKCS #8), with `private_key_storage = \"state\"`; else null."),
    text("private_key_sealed").says(
        "The private key as KMS sealed it, with `private_key_storage = \"kms\"`; else null. Only who may \
         use the KMS key can open it, and `istiopca_cacerts_secret` does.",
    ),
];

const SETTINGS: [Attribute; 25] = joined(issue::ATTRIBUTES, KEEPING);
const OUTPUTS: [Attribute; 20] = joined(DELIVERED_OUTPUTS, issue::OUTPUTS);
const ATTRIBUTES: [Attribute; 45] = joined(SETTINGS, OUTPUTS);
const BLOCKS: [Block; 2] = joined(issue::BLOCKS, [Timeouts::BLOCK]);
const ALL_RULES: [Rule; 6] = joined(issue::RULES, RULES);

impl Resource for Intermediate {
    type Clients = Clients;
    type Policy = Policy;
    type Settings = Settings;
    type Outputs = Outputs;
    type Private = Notes;

    const NAME: &'static str = "istiopca_intermediate";
    const SCHEMA: Schema = Schema::new(
        "A key of its own, and the CA certificate that AWS Private CA signs for it: the intermediate \
         CA of one mesh. Whatever changes the certificate issues a new one in place.",
        &ATTRIBUTES,
    )
    .blocks(&BLOCKS)
    .rules(&ALL_RULES);
    const TIMEOUTS: Timeouts = Timeouts {
        create: Duration::from_secs(300),
        update: Duration::from_secs(300),
        delete: Duration::from_secs(60),
    };
    const PROMISED: &'static [(&'static str, &'static str)] = &[("issue_reason", "created")];

    fn plan_create(_: &Ask<'_, Policy>, settings: &Settings) -> Verdict {
        plan::create(settings)
    }

    fn plan_update(ask: &Ask<'_, Policy>, prior: &State<Self>, settings: &Settings) -> Verdict {
        plan::update(ask, prior, settings)
    }

    async fn preflight(call: &Call<'_, Clients>, intent: Intent<'_, Self>) -> Vec<Diagnostic> {
        let (settings, prior, reason) = match &intent {
            Intent::Create { settings } => (*settings, None, "created"),
            Intent::Update {
                prior,
                settings,
                planned,
            } if planned.is_open("certificate") => (
                *settings,
                Some(*prior),
                planned.text("issue_reason").unwrap_or_default(),
            ),
            Intent::Update { .. } => return Vec::new(),
        };
        let last = last(prior, reason);
        issue::preflight(call, &instance(settings), &settings.0, &last, reason).await
    }

    async fn create(
        call: &Call<'_, Clients>,
        settings: &Settings,
        _: &Planned,
    ) -> Result<Done<Self>, Unfinished<Self>> {
        obtain(call, settings, None, "created").await
    }

    /// A certificate says itself until when it is good; what moves is the hold on its renewal, and
    /// the CA above it.
    async fn read(
        call: &Call<'_, Clients>,
        state: State<Self>,
    ) -> Result<Reading<Self>, Diagnostic> {
        let instance = instance(&state.settings);
        let State {
            settings,
            outputs,
            mut private,
        } = state;
        let Both(issued, delivered) = &outputs;
        private.look_at_the_clock(issued, call.now);
        let chain = delivered.certificate_chain.as_deref();
        let told =
            issue::look_at_issuer(call, &instance, &settings.0, issued, chain, &mut private).await;
        let mut done = Done::new(outputs, private);
        done.warnings.extend(told);
        Ok(Reading::Here(done))
    }

    async fn update(
        call: &Call<'_, Clients>,
        prior: State<Self>,
        settings: &Settings,
        planned: &Planned,
    ) -> Result<Done<Self>, Unfinished<Self>> {
        if planned.is_open("certificate") {
            let reason = planned.text("issue_reason").unwrap_or("unknown");
            return obtain(call, settings, Some(&prior), reason).await;
        }
        let renew_at = issue::renew_at(&standing(&prior, &Step::Stay), &settings.0);
        let mut outputs = prior.outputs.clone();
        outputs.0.renew_at = renew_at;
        if planned.is_open("private_key_pem") || planned.is_open("private_key_sealed") {
            let instance = instance(settings);
            let custody = custody(&instance, Some(&prior), settings)?;
            let kept = outputs.1.kept();
            if let Some(key) = custody.take_over(call, &instance, kept).await? {
                outputs.1.keep(key.kept);
            }
        }
        Ok(Done::new(outputs, prior.private))
    }

    async fn delete(
        call: &Call<'_, Clients>,
        state: State<Self>,
        ending: Ending,
    ) -> Result<Vec<Diagnostic>, Diagnostic> {
        let (issuance, issued) = (&state.settings.0, &state.outputs.0);
        if let Some(serial) = issue::to_revoke(issuance, issued, ending) {
            let instance = instance(&state.settings);
            issue::revoke(call, &instance, issuance, serial, words::not_revoked).await?;
        }
        Ok(Vec::new())
    }
}

fn instance(settings: &Settings) -> Instance {
    Instance::intermediate(&settings.0.subject.common_name)
}

fn custody<'a>(
    instance: &Instance,
    prior: Option<&State<Intermediate>>,
    settings: &'a Settings,
) -> Result<Custody<'a>, Diagnostic> {
    let custody = settings.1.custody(prior.map(|prior| &prior.settings.1));
    custody.map_err(|setting| words::no_custody(instance, setting))
}

fn standing<'a>(prior: &'a State<Intermediate>, step: &Step) -> Standing<'a> {
    let certificate = prior.outputs.1.certificate.as_deref();
    Standing {
        settings: &prior.settings.0,
        issued: &prior.outputs.0,
        certificate: certificate.and_then(|pem| Certificate::from_pem(pem).ok()),
        notes: &prior.private,
        key_lost: false,
        other_key: step.setting(),
    }
}

fn last(prior: Option<&State<Intermediate>>, reason: &str) -> Last {
    prior
        .map(|prior| prior.outputs.0.as_last(reason))
        .unwrap_or_default()
}

async fn obtain(
    call: &Call<'_, Clients>,
    settings: &Settings,
    prior: Option<&State<Intermediate>>,
    reason: &str,
) -> Result<Done<Intermediate>, Unfinished<Intermediate>> {
    let (issuance, instance) = (&settings.0, instance(settings));
    let custody = custody(&instance, prior, settings)?;
    let request = Request {
        settings: issuance,
        instance: &instance,
        custody: &custody,
        again: key_to_keep(prior, settings),
        pending: prior.and_then(|prior| prior.private.pending.as_ref()),
        last: last(prior, reason),
        reason,
    };
    match issue::obtain(call, request).await {
        Ok(obtained) => {
            let issued = obtained.issued(issuance, prior.map(|prior| &prior.outputs.0), reason);
            let mut done = Done::new(Both(issued, delivered(&obtained)), obtained.notes());
            done.warnings
                .extend(obtained.orphan.map(|arn| words::orphan(&instance, &arn)));
            Ok(done)
        }
        Err(Failed::Refused(diagnostics)) => Err(Unfinished {
            left: None,
            diagnostics,
        }),
        Err(Failed::UnderWay(pending, diagnostics)) => {
            let (mut outputs, mut notes) = match prior {
                Some(prior) => (prior.outputs.clone(), prior.private.clone()),
                None => (Outputs::default(), Notes::default()),
            };
            if prior.is_none() {
                outputs.0.certificate_arn = Some(pending.certificate_arn.clone());
                outputs.0.issue_reason = Some(reason.to_owned());
            }
            notes.pending = Some(*pending);
            Err(Unfinished {
                left: Some((outputs, notes)),
                diagnostics,
            })
        }
    }
}

/// The last key, where the user wants to keep it, the state has it, and it is of the algorithm that is
/// wanted.
fn key_to_keep(prior: Option<&State<Intermediate>>, wanted: &Settings) -> Again {
    let keeps = !wanted.0.rotate_key && wanted.1.makes_the_key();
    let prior =
        prior.filter(|prior| keeps && prior.settings.0.key_algorithm == wanted.0.key_algorithm);
    prior.map_or(Again::Never, |prior| Again::Kept(prior.outputs.1.kept()))
}

fn delivered(obtained: &Obtained) -> Delivered {
    let mut delivered = Delivered {
        certificate: Some(obtained.chain.certificate().to_pem()),
        certificate_chain: Some(obtained.chain.certificate_chain_pem()),
        ..Delivered::default()
    };
    delivered.keep(obtained.key.kept.clone());
    delivered
}
