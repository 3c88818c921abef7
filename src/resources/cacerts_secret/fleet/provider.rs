//! A run of the provider up to its plan: what it decides is decided by our own code, on what the
//! model shows it.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::super::settings::Settings;
use super::super::{Prior, plan};
use super::authority::{self, CaName, Root, at, second};
use super::istiod::Bundle;
use super::rules::{Rule, Rules};
use crate::pki::roots::Peers;
use crate::pki::{Certificate, Horizon};
use crate::provider::{Policy, Renewals};
use crate::resources::issue::Obtained;
use crate::terraform::value::Both;
use crate::terraform::{Ask, Duration, Planned, State};

/// What an operator writes into the configuration from time to time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wish {
    pub(super) ca: CaName,
    /// The additional roots.
    pub(super) extra: Vec<Root>,
    /// `allow_root_replacement`.
    pub(super) allow: bool,
    /// A label, which changes nothing but the Secret.
    pub(super) label: u8,
}

/// A wish, and the configuration that says it.
pub(super) struct Wanted {
    pub(super) wish: Wish,
    pub(super) settings: Settings,
}

/// What an operator never changes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fixed {
    pub(super) validity: &'static str,
    pub(super) clamp: bool,
    pub(super) overlap: &'static str,
}

impl Fixed {
    pub(super) fn validity(self) -> SignedDuration {
        duration(self.validity).signed()
    }

    pub(super) fn overlap(self) -> i64 {
        duration(self.overlap).signed().as_secs()
    }
}

fn duration(text: &str) -> Duration {
    text.parse().expect("a duration")
}

/// The Secret in the cluster.
pub(super) struct Secret {
    pub(super) uid: u32,
    pub(super) bundle: Rc<Bundle>,
    pub(super) made: Arc<Obtained>,
    pub(super) roots: Vec<Certificate>,
    pub(super) noted: Option<String>,
    pub(super) written: Timestamp,
}

/// The state of the host, as far as it is about the Secret.
pub(super) struct Kept {
    pub(super) wish: Wish,
    pub(super) prior: Prior,
    /// In place of the certificate's text.
    pub(super) made: Option<Arc<Obtained>>,
}

/// What a run sees of the world.
pub(super) struct Run<'a> {
    pub(super) rules: Rules,
    pub(super) fixed: Fixed,
    pub(super) now: i64,
    pub(super) secret: Option<&'a Secret>,
    pub(super) published: &'a [Root],
    /// What the other clusters trust, where this one looks at it.
    pub(super) peers: &'a Peers,
    /// Whether the CAs that end have been renewed.
    pub(super) renewed: bool,
}

static TEMPLATE: LazyLock<Settings> = LazyLock::new(|| {
    let issuance = json!({
        "certificate_authority_arn": CaName::A.arn().to_string(), "subject": {"common_name": "mesh"},
        "dns_names": [], "email_addresses": [], "ip_addresses": [], "uris": [],
        "key_algorithm": "EC_prime256v1", "path_length": 0, "validity": "10d",
        "clamp_to_issuer": false, "renew_jitter": "0", "rotate_key": true, "renew_triggers": {},
        "allow_root_replacement": false, "revoke_on_destroy": false, "revocation_reason": "UNSPECIFIED",
    });
    let settings = json!({
        "namespace": "istio-system", "name": "cacerts", "create_namespace": false,
        "format": "istio", "include_root_in_chain": true, "additional_root_pems": [],
        "labels": {}, "annotations": {}, "on_existing": "adopt", "force_conflicts": false,
        "prune_keys": false, "allow_root_replacement": false, "min_trust_overlap": "24h",
        "on_destroy": "retain", "intermediate": [issuance],
        "restart_istiod": "when_required", "verify": "pods", "on_verify_failure": "error",
        "nudge_kubelet": false,
    });
    serde_json::from_value(settings).expect("settings")
});

impl Wanted {
    pub(super) fn new(wish: Wish, fixed: Fixed) -> Self {
        let mut settings = TEMPLATE.clone();
        let extra = wish.extra.iter();
        settings.additional_root_pems = extra.map(|root| authority::root_pem(*root)).collect();
        settings.allow_root_replacement = wish.allow;
        settings.min_trust_overlap = duration(fixed.overlap);
        settings.labels = BTreeMap::from([("revision".to_owned(), wish.label.to_string())]);
        let issuance = &mut settings.intermediate[0];
        issuance.certificate_authority_arn = wish.ca.arn();
        issuance.validity = duration(fixed.validity);
        issuance.clamp_to_issuer = fixed.clamp;
        Self { wish, settings }
    }
}

impl Kept {
    /// From when on the certificate is due, and when its path ends.
    pub(super) fn moments(&self) -> Option<(Timestamp, Timestamp)> {
        let issued = &self.prior.outputs.0;
        issued.renew_at.zip(issued.path_not_after)
    }

    pub(super) fn copy(&self) -> Self {
        let State {
            settings,
            outputs,
            private,
        } = &self.prior;
        let prior = State {
            settings: settings.clone(),
            outputs: outputs.clone(),
            private: private.clone(),
        };
        Self {
            wish: self.wish.clone(),
            prior,
            made: self.made.clone(),
        }
    }
}

impl Run<'_> {
    /// What a refresh makes of the state.
    pub(super) fn refreshed(&self, kept: &Kept) -> Kept {
        let mut kept = kept.copy();
        let Both(issued, written) = &mut kept.prior.outputs;
        let notes = &mut kept.prior.private;
        notes.certificate.look_at_the_clock(issued, at(self.now));
        if !self.rules.hold(Rule::Hold) {
            notes.certificate.hold = None;
        }
        let issuer = &authority::signer(kept.wish.ca, self.renewed).authority;
        let horizon = Horizon::of(&issuer.chain);
        notes.certificate.horizon = Some(horizon).filter(|_| self.rules.hold(Rule::LaterEnd));
        if written.uid.is_none() {
            return kept;
        }
        let key = self
            .secret
            .map(|secret| secret.made.chain.certificate().public_key().sha256());
        notes.key_lost = key != issued.public_key_sha256 && self.rules.hold(Rule::KeyLost);
        let same = self.secret.is_some_and(|secret| {
            written.uid == Some(secret.uid.to_string()) && key == issued.public_key_sha256
        });
        written.drift = if same {
            Vec::new()
        } else {
            vec!["another Secret".to_owned()]
        };
        kept
    }

    /// What a plan promises of the outputs; nothing where there is nothing to do.
    pub(super) fn plan(&self, kept: Option<&Kept>, wanted: &Wanted) -> Option<Planned> {
        let renewals = if self.rules.hold(Rule::Renewal) {
            Renewals::Plan
        } else {
            Renewals::Warn
        };
        let policy = Policy {
            renewals,
            default_labels: Some(BTreeMap::new()),
            ..Policy::default()
        };
        let ask = Ask {
            policy: &policy,
            now: at(self.now),
        };
        let Some(kept) = kept else {
            return Some(plan::create(&ask, &wanted.settings).promised());
        };
        let promised = plan::update(&ask, &kept.prior, &wanted.settings).promised();
        (!promised.is_empty() || kept.wish != wanted.wish).then_some(promised)
    }

    /// The end that a renewal would get now, if it got one: the earliest on its path.
    pub(super) fn best_end(&self, ca: CaName) -> Option<i64> {
        let authority = &authority::signer(ca, self.renewed).authority;
        let own = second(authority.certificate().not_after());
        let path = second(authority.chain.path_not_after());
        let wanted = self.now + self.fixed.validity().as_secs();
        (wanted < own || self.fixed.clamp).then(|| wanted.min(own - 1).min(path))
    }
}
