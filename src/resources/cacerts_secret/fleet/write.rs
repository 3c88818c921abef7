//! A run of the provider from its plan to its end.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::super::outputs::{SecretNotes, Written};
use super::super::trust::{self, TrustedRoot};
use super::super::{Outputs, Prior, compose, last};
use super::authority::{self, at, number_of, second};
use super::istiod::Bundle;
use super::provider::{Kept, Run, Secret, Wanted};
use super::rules::Rule;
use crate::pki::roots::{Misstep, PeerMisstep, Trust};
use crate::pki::{CaCerts, Certificate, Fingerprint};
use crate::resources::custody;
use crate::resources::issue::{Issued, Last, Notes, Obstacle, Obtained, Pending, examine};
use crate::terraform::value::Both;
use crate::terraform::{Planned, State};

/// Where a run is broken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interruption {
    /// Killed when the certificate is issued, and nothing written.
    Issued,
    /// The cluster does not take the Secret; the run ends in order.
    Refused,
    /// Killed when the Secret is written, and the state is not.
    Written,
}

/// What a run has left behind.
#[derive(Default)]
pub(super) struct Left {
    /// The Secret as it is now, where it was written.
    pub(super) secret: Option<Secret>,
    /// The state as it is now, where it was.
    pub(super) kept: Option<Kept>,
    /// Whether a renewal was issued that ends no later than the last certificate.
    pub(super) pointless: bool,
}

/// Why nothing was done.
#[derive(Debug)]
pub(super) enum Refusal {
    /// What is in the way of a certificate.
    Obstacles {
        #[expect(dead_code, reason = "it is read where it is printed")]
        obstacles: Vec<Obstacle>,
    },
    /// What workloads would not survive.
    Missteps {
        #[expect(dead_code, reason = "it is read where it is printed")]
        missteps: Vec<Misstep>,
    },
    /// What workloads of other clusters would not survive.
    Peers {
        #[expect(dead_code, reason = "it is read where it is printed")]
        estranged: Vec<PeerMisstep>,
    },
    /// There is no key for the certificate.
    KeyGone,
}

/// Everything that one apply works with.
struct Writing<'a> {
    run: &'a Run<'a>,
    kept: Option<&'a Kept>,
    wanted: &'a Wanted,
    planned: &'a Planned,
    trust: Trust,
}

/// A certificate with what is known of it.
struct Material {
    made: Arc<Obtained>,
    outputs: Outputs,
    notes: Notes,
    pointless: bool,
}

impl Run<'_> {
    /// Does what was planned.
    pub(super) fn apply(
        &self,
        kept: Option<&Kept>,
        wanted: &Wanted,
        planned: &Planned,
        interruption: Option<Interruption>,
    ) -> Result<Left, Refusal> {
        let writing = Writing {
            run: self,
            kept,
            wanted,
            planned,
            trust: self.trust(kept),
        };
        let material = writing.material()?;
        let pointless = material.pointless;
        let left = match interruption {
            Some(Interruption::Issued) => Left::default(),
            _ => writing.put(material, interruption)?,
        };
        Ok(Left { pointless, ..left })
    }

    pub(super) fn trust(&self, kept: Option<&Kept>) -> Trust {
        let prior = kept.map(|kept| &kept.prior);
        let Some(secret) = self.secret else {
            let published = self.published.iter();
            let published = published.map(|root| authority::root(*root).clone());
            let published = published.filter(|_| self.rules.hold(Rule::Published));
            return trust::of_published(published.collect(), prior, at(self.now));
        };
        let noted = secret.noted.as_deref();
        let noted = noted.filter(|_| self.rules.hold(Rule::Noted));
        Trust {
            roots: secret.roots.clone(),
            signing: Some(secret.made.chain.root().clone()),
            tenures: trust::known(noted, prior, &secret.roots, Some(secret.written)),
            published: None,
        }
    }
}

impl Writing<'_> {
    fn material(&self) -> Result<Material, Refusal> {
        if self.issues() {
            let authority = &authority::signer(self.wanted.wish.ca, self.run.renewed).authority;
            self.can_follow(authority.chain.root())?;
            return self.issued();
        }
        let made = self.at_hand()?;
        self.can_follow(made.chain.root())?;
        let kept = self.kept.map(|kept| &kept.prior.private.certificate);
        Ok(Material {
            made,
            outputs: self.base(),
            notes: kept.cloned().unwrap_or_default(),
            pointless: false,
        })
    }

    fn issues(&self) -> bool {
        self.kept.is_none() || self.planned.is_open("issued_certificate")
    }

    fn base(&self) -> Outputs {
        let outputs = self.kept.map(|kept| kept.prior.outputs.clone());
        let mut outputs = outputs.unwrap_or_default();
        outputs.1.labels_all = compose::labels(&BTreeMap::new(), &self.wanted.settings.labels);
        outputs.1.drift = Vec::new();
        outputs
    }

    fn issued(&self) -> Result<Material, Refusal> {
        let (run, ca) = (self.run, self.wanted.wish.ca);
        let issuance = &self.wanted.settings.intermediate[0];
        let reason = self.planned.text("issue_reason").unwrap_or("created");
        let last = self.kept.map(|kept| last(&kept.prior, reason));
        let mut last = last.unwrap_or_default();
        if !run.rules.hold(Rule::LaterEnd) {
            last = Last { ends: None, ..last };
        }
        let authority = &authority::signer(ca, run.renewed).authority;
        let terms = examine(authority, issuance, &last, at(run.now));
        let terms = terms.map_err(|obstacles| Refusal::Obstacles { obstacles })?;
        let made = authority::issue(ca, run.renewed, &terms, at(run.now));
        let before = self.kept.map(|kept| &kept.prior.outputs.0);
        let mut outputs = self.base();
        outputs.0 = made.issued(issuance, before, reason);
        if !run.rules.hold(Rule::PathEnd) {
            outputs.0.renew_at = Some(self.by_the_certificate(&made));
        }
        let ends = before.and_then(|before| before.path_not_after);
        Ok(Material {
            pointless: reason == "renewal" && outputs.0.path_not_after <= ends,
            notes: made.notes(),
            made,
            outputs,
        })
    }

    /// When to renew, if nothing were above the certificate.
    fn by_the_certificate(&self, made: &Obtained) -> jiff::Timestamp {
        let policy = self.wanted.settings.intermediate[0].renewal(made.short_lived);
        let certificate = made.chain.certificate();
        let end = certificate.not_after();
        policy.renew_at(made.ordered_at, end, certificate.serial())
    }

    /// The certificate that is there, if the Secret has the key of it.
    fn at_hand(&self) -> Result<Arc<Obtained>, Refusal> {
        let made = self.kept.and_then(|kept| kept.made.as_ref());
        let made = made.ok_or(Refusal::KeyGone)?;
        let key = |made: &Obtained| made.chain.certificate().public_key().clone();
        let live = self.run.secret.map(|secret| key(&secret.made));
        let same = live == Some(key(made));
        same.then(|| Arc::clone(made)).ok_or(Refusal::KeyGone)
    }

    fn can_follow(&self, own: &Certificate) -> Result<(), Refusal> {
        let (run, settings) = (self.run, &self.wanted.settings);
        let prior = self.kept.map(|kept| &kept.prior);
        let missteps = if run.rules.hold(Rule::PutBack) {
            trust::unfollowed(&self.trust, prior, settings, own, at(run.now))
        } else {
            trust::missteps(&self.trust, settings, own, at(run.now))
        };
        let missteps = missteps.expect("sound certificates").into_iter();
        let missteps: Vec<Misstep> = missteps.filter(|it| run.rules.see(it)).collect();
        if !missteps.is_empty() {
            return Err(Refusal::Missteps { missteps });
        }
        let estranged = trust::estranged(&self.trust, run.peers, prior, settings, own, at(run.now));
        let estranged = estranged.expect("sound certificates");
        if estranged.is_empty() || !run.rules.hold(Rule::Peers) {
            Ok(())
        } else {
            Err(Refusal::Peers { estranged })
        }
    }

    /// What is to be written. This is the place for whatever else is asked of a bundle before.
    fn bundle(&self, made: &Obtained) -> CaCerts {
        let live: &[Certificate] = if self.run.rules.hold(Rule::Place) {
            &self.trust.roots
        } else {
            &[]
        };
        let key = made.key.key.as_ref().expect("it was made here");
        let bundle = compose::bundle(&self.wanted.settings, &made.chain, key, live);
        bundle.expect("sound certificates")
    }

    fn put(&self, material: Material, stopped: Option<Interruption>) -> Result<Left, Refusal> {
        let Material {
            made,
            mut outputs,
            mut notes,
            ..
        } = material;
        let bundle = self.bundle(&made);
        let roots = bundle.bundle().roots();
        if self.kept.is_none() || self.planned.is_open("trusted_roots") {
            let tenures = self
                .trust
                .tenures_after(made.chain.root(), roots, at(self.run.now));
            outputs.1.trusted_roots = TrustedRoot::all(roots, &tenures, Some(made.chain.root()));
        }
        if stopped == Some(Interruption::Refused) {
            let kept = self.issues().then(|| self.unwritten(&made, outputs.0));
            return Ok(Left {
                kept,
                ..Left::default()
            });
        }
        let secret = self.written(&made, roots, &outputs);
        outputs.1.uid = Some(secret.uid.to_string());
        notes.pending = None;
        let kept = self.keep(made, outputs, notes);
        Ok(Left {
            secret: Some(secret),
            kept: (stopped != Some(Interruption::Written)).then_some(kept),
            ..Left::default()
        })
    }

    fn written(&self, made: &Arc<Obtained>, roots: &[Certificate], outputs: &Outputs) -> Secret {
        let facts = compose::facts(&self.wanted.settings, outputs);
        let chain = &made.chain;
        let anew = || u32::try_from(self.run.now).expect("histories are short");
        Secret {
            uid: self.run.secret.map_or_else(anew, |secret| secret.uid),
            bundle: Rc::new(Bundle {
                certificate: made.certificate_arn.to_string(),
                root: number_of(chain.root()),
                issued: second(made.ordered_at),
                end: second(chain.certificate().not_after()),
                path_end: second(chain.path_not_after()),
                is_short_lived: made.short_lived,
                roots: roots.iter().map(number_of).collect(),
            }),
            made: Arc::clone(made),
            roots: roots.to_vec(),
            noted: facts.get(compose::TRUSTED_ROOTS).cloned(),
            written: at(self.run.now),
        }
    }

    fn keep(&self, made: Arc<Obtained>, outputs: Outputs, notes: Notes) -> Kept {
        let private = SecretNotes {
            certificate: notes,
            ..SecretNotes::default()
        };
        let settings = self.wanted.settings.clone();
        Kept {
            wish: self.wanted.wish.clone(),
            prior: State {
                settings,
                outputs,
                private,
            },
            made: Some(made),
        }
    }

    /// The state after a run whose certificate the cluster did not take.
    fn unwritten(&self, made: &Obtained, issued: Issued) -> Kept {
        let pending = Pending {
            certificate_arn: made.certificate_arn.clone(),
            order_sha256: Fingerprint::of(b""),
            reason: issued.issue_reason.clone().unwrap_or_default(),
            ordered_at: at(self.run.now),
            not_after: made.chain.certificate().not_after(),
            public_key_sha256: None,
            kms_key_id: None,
            kept: custody::Kept::default(),
        };
        let mut left = match self.kept {
            Some(kept) => kept.copy(),
            None => self.ordered(made, issued),
        };
        left.prior.private.certificate.pending = Some(pending);
        left
    }

    /// The state of a Secret that never was: what of its certificate has been ordered.
    fn ordered(&self, made: &Obtained, issued: Issued) -> Kept {
        let ordered = Issued {
            certificate_arn: Some(made.certificate_arn.clone()),
            issue_reason: issued.issue_reason,
            ..Issued::default()
        };
        let written = Written {
            labels_all: self.base().1.labels_all,
            ..Written::default()
        };
        let prior: Prior = State {
            settings: self.wanted.settings.clone(),
            outputs: Both(ordered, written),
            private: SecretNotes::default(),
        };
        Kept {
            wish: self.wanted.wish.clone(),
            prior,
            made: None,
        }
    }
}
