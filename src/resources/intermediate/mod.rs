//! `istiopca_intermediate`: a key of our own, and the CA certificate that AWS Private CA signs for
//! it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::issue::{
    self, Failed, Issuance, Issued, Last, Notes, Obtained, Reason, Request, Standing,
};
use super::words::{self, Instance};
use crate::clients::Clients;
use crate::pki::{Certificate, PrivateKey, SecretPem};
use crate::provider::{Policy, Renewals};
use crate::terraform::schema::{
    Attribute, Block, Check, Fallback, Rule, Schema, Timeouts, flag, joined, text,
};
use crate::terraform::value::Both;
use crate::terraform::{
    Ask, Call, Diagnostic, Done, Ending, Intent, Planned, Reading, Resource, State, Unfinished,
    Verdict,
};

/// See the module.
pub(super) struct Intermediate;

/// The settings beside those of the certificate.
#[derive(Debug, Deserialize)]
pub(super) struct Keeping {
    private_key_storage: Storage,
    revoke_on_destroy: bool,
    revocation_reason: String,
}

/// Where the key is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Storage {
    /// In the state, in clear.
    State,
}

/// The outputs beside the facts of the certificate.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(super) struct Delivered {
    certificate: Option<String>,
    certificate_chain: Option<String>,
    private_key_pem: Option<SecretPem>,
}

type Settings = Both<Issuance, Keeping>;
type Outputs = Both<Issued, Delivered>;

const DELIVERED: &[&str] = &["certificate", "certificate_chain"];
const KEY: &[&str] = &["private_key_pem", "public_key_sha256"];

const KEEPING: [Attribute; 3] = [
    text("private_key_storage").optional().check(Check::OneOf(&["state"])).touches(&[]).says(
        "Where the intermediate's private key is kept. Must be chosen, there is no default. \
         `state`: in the state, in clear, marked sensitive; who can read the state can sign for the \
         mesh. To keep it out of the state, use the block `intermediate {}` of \
         `istiopca_cacerts_secret` instead of this resource.",
    ),
    flag("revoke_on_destroy").or(Fallback::Bool(false)).touches(&[]).says(
        "Whether destroying this resource revokes its certificate. A superseded certificate is \
         never revoked by itself: workloads may still use what it signed.",
    ),
    text("revocation_reason").or(Fallback::Text("CESSATION_OF_OPERATION")).touches(&[])
        .check(Check::OneOf(&[
            "UNSPECIFIED",
            "KEY_COMPROMISE",
            "CERTIFICATE_AUTHORITY_COMPROMISE",
            "AFFILIATION_CHANGED",
            "SUPERSEDED",
            "CESSATION_OF_OPERATION",
            "PRIVILEGE_WITHDRAWN",
            "A_A_COMPROMISE",
        ]))
        .says("Reason to give with `revoke_on_destroy`."),
];

const DELIVERED_OUTPUTS: [Attribute; 3] = [
    text("certificate").says("The intermediate CA certificate as PEM."),
    text("certificate_chain")
        .says("The certificates above it as PEM, from the issuing CA to the root."),
    text("private_key_pem")
        .sensitive()
        .says("The private key as PEM (PKCS #8), with `private_key_storage = \"state\"`."),
];

const SETTINGS: [Attribute; 20] = joined(issue::ATTRIBUTES, KEEPING);
const OUTPUTS: [Attribute; 19] = joined(DELIVERED_OUTPUTS, issue::OUTPUTS);
const ATTRIBUTES: [Attribute; 39] = joined(SETTINGS, OUTPUTS);
const BLOCKS: [Block; 2] = joined(issue::BLOCKS, [Timeouts::BLOCK]);

const CUSTODY: Rule = Rule::ExactlyOne {
    of: &["private_key_storage"],
    why: "Where somebody can read the mesh's CA key is your decision, so it has no default:\n\
          - `private_key_storage = \"state\"` keeps it in the state, in clear: for states that are \
          encrypted and that few can read.\n\
          - The block `intermediate {}` of `istiopca_cacerts_secret`, instead of this resource, keeps \
          it in the cluster's Secret alone.",
};

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
    .rules(&[issue::RULES[0], CUSTODY]);
    const TIMEOUTS: Timeouts = Timeouts {
        create: Duration::from_secs(300),
        update: Duration::from_secs(300),
        delete: Duration::from_secs(60),
    };
    const PROMISED: &'static [(&'static str, &'static str)] = &[("issue_reason", "created")];

    fn plan_create(_: &Ask<'_, Policy>, settings: &Settings) -> Verdict {
        let mut verdict = Verdict::keep();
        verdict.tell(words::key_in_state(&instance(settings)));
        verdict
    }

    fn plan_update(ask: &Ask<'_, Policy>, prior: &State<Self>, settings: &Settings) -> Verdict {
        let (mut verdict, wanted) = (Verdict::keep(), &settings.0);
        let standing = standing(prior);
        match Reason::find(&standing, wanted, ask.now) {
            Some(Reason::Renewal) if ask.policy.renewals == Renewals::Warn => {
                let issued = &prior.outputs.0;
                verdict.tell(words::renewal(&instance(settings), issued, false, ask.now));
            }
            Some(reason) => {
                verdict.unknown(issue::CERTIFICATE_OUTPUTS);
                verdict.unknown(DELIVERED);
                if reason.may_change_key(wanted) {
                    verdict.unknown(KEY);
                } else {
                    verdict.keeps("public_key_sha256");
                }
                verdict.becomes("issue_reason", reason.word());
                if reason == Reason::Renewal {
                    let issued = &prior.outputs.0;
                    verdict.tell(words::renewal(&instance(settings), issued, true, ask.now));
                }
            }
            None => {
                let instance = instance(settings);
                issue::stands(&mut verdict, &instance, &standing, wanted, ask.now);
            }
        }
        verdict
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
        let renew_at = issue::renew_at(&standing(&prior), &settings.0);
        let State {
            mut outputs,
            private,
            ..
        } = prior;
        outputs.0.renew_at = renew_at;
        Ok(Done::new(outputs, private))
    }

    async fn delete(
        call: &Call<'_, Clients>,
        state: State<Self>,
        _: Ending,
    ) -> Result<Vec<Diagnostic>, Diagnostic> {
        let Both(issuance, keeping) = &state.settings;
        let issued = &state.outputs.0;
        let Some(serial) = issued
            .serial_number
            .as_ref()
            .filter(|_| keeping.revoke_on_destroy)
        else {
            return Ok(Vec::new());
        };
        let instance = instance(&state.settings);
        let reason = keeping.revocation_reason.parse();
        let reason = reason.expect("the schema admits the API's reasons only");
        issue::revoke(call, &instance, issuance, serial, &reason).await?;
        Ok(Vec::new())
    }
}

fn instance(settings: &Settings) -> Instance {
    Instance::intermediate(&settings.0.subject.common_name)
}

fn standing(prior: &State<Intermediate>) -> Standing<'_> {
    let certificate = prior.outputs.1.certificate.as_deref();
    Standing {
        settings: &prior.settings.0,
        issued: &prior.outputs.0,
        certificate: certificate.and_then(|pem| Certificate::from_pem(pem).ok()),
        notes: &prior.private,
        key_lost: false,
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
    let Both(issuance, keeping) = settings;
    let instance = instance(settings);
    let request = Request {
        settings: issuance,
        instance: &instance,
        key: prior.and_then(|prior| key_to_keep(prior, issuance)),
        pending: prior.and_then(|prior| prior.private.pending.as_ref()),
        last: last(prior, reason),
        reason,
        keeps_key: keeping.private_key_storage == Storage::State,
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
        Err(Failed::UnderWay(pending, problem)) => {
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
                diagnostics: vec![problem],
            })
        }
    }
}

/// The last key, where the user wants to keep it and it is of the algorithm that is wanted.
fn key_to_keep(prior: &State<Intermediate>, wanted: &Issuance) -> Option<PrivateKey> {
    let pem = prior
        .outputs
        .1
        .private_key_pem
        .as_ref()
        .filter(|_| !wanted.rotate_key)?;
    let key = PrivateKey::from_pem(pem.expose()).ok()?;
    (key.algorithm() == wanted.key_algorithm).then_some(key)
}

fn delivered(obtained: &Obtained) -> Delivered {
    Delivered {
        certificate: Some(obtained.chain.certificate().to_pem()),
        certificate_chain: Some(obtained.chain.certificate_chain_pem()),
        private_key_pem: Some(obtained.key.to_pem()),
    }
}
