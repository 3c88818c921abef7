//! What a plan says of it: pure.

use crate::resources::cacerts_secret::Prior;
use crate::resources::cacerts_secret::settings::{RestartIstiod, Settings, Verify};
use crate::resources::mesh::Reason;
use crate::terraform::{Dynamic, Verdict};

/// Completes the verdict over an update that is complete otherwise. `roots_may_change`: whether something else than a
/// renewal is planned that could change the trust anchors or the names of the files.
pub(in crate::resources::cacerts_secret) fn plan(
    verdict: &mut Verdict,
    prior: &Prior,
    settings: &Settings,
    roots_may_change: bool,
) {
    let notes = &prior.private;
    let written = verdict.opens("files_sha256") || verdict.opens("uid");
    let was = (prior.settings.restart_istiod, prior.settings.verify);
    let asked = was != (settings.restart_istiod, settings.verify);
    if !written && notes.owed.is_none() && notes.unverified.is_none() && !asked {
        return;
    }
    if written || notes.owed.is_some() {
        match (settings.restart_istiod, notes.owed) {
            (RestartIstiod::Never, _) => says(verdict, prior, None),
            (_, Some(owed)) => says(verdict, prior, Some(owed.reason)),
            (RestartIstiod::Always, None) => says(verdict, prior, Some(Reason::Always)),
            (RestartIstiod::WhenRequired, None) if roots_may_change || notes.renewals_restart => {
                verdict.unknown(&["restart_reason"]);
            }
            (RestartIstiod::WhenRequired, None) => says(verdict, prior, None),
        }
    }
    let unasked = (RestartIstiod::Never, Verify::None);
    if (settings.restart_istiod, settings.verify) != unasked {
        verdict.unknown(&["verified"]);
    } else if prior.outputs.1.verified.is_some() {
        verdict.becomes("verified", Dynamic::Null);
    }
}

fn says(verdict: &mut Verdict, prior: &Prior, reason: Option<Reason>) {
    let word = reason.map(Reason::word);
    if prior.outputs.1.restart_reason.as_deref() != word {
        verdict.becomes("restart_reason", word.map_or(Dynamic::Null, Dynamic::from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::cacerts_secret::outputs::{SecretNotes, Written};
    use crate::resources::cacerts_secret::takeup::{Owed, Unverified};
    use crate::resources::cacerts_secret::testing;
    use crate::resources::issue::Issued;
    use crate::terraform::State;
    use crate::terraform::value::Both;

    /// What is said of the restart and whether something is verified, by a plan that writes the files anew or not.
    fn said(
        restart: RestartIstiod,
        notes: SecretNotes,
        written: bool,
        roots: bool,
    ) -> (Option<Option<String>>, bool) {
        let settings = Settings {
            restart_istiod: restart,
            ..testing::settings()
        };
        let record = Written {
            restart_reason: Some("layout".to_owned()),
            ..Written::default()
        };
        let prior = State {
            settings: settings.clone(),
            outputs: Both(Issued::default(), record),
            private: notes,
        };
        let mut verdict = Verdict::keep();
        if written {
            verdict.unknown(&["files_sha256"]);
        }
        plan(&mut verdict, &prior, &settings, roots);
        let verified = verdict.opens("verified");
        let open = verdict.opens("restart_reason");
        let promised = verdict.promised();
        let known = promised.speaks_of("restart_reason") && !open;
        let word = promised.text("restart_reason").map(str::to_owned);
        (known.then_some(word), verified)
    }

    fn owed() -> SecretNotes {
        SecretNotes {
            owed: Some(Owed {
                reason: Reason::Roots,
            }),
            ..SecretNotes::default()
        }
    }

    #[test]
    fn a_plan_that_writes_nothing_says_nothing() {
        let none = SecretNotes::default();
        assert_eq!(
            said(RestartIstiod::Always, none, false, true),
            (None, false)
        );
    }

    #[test]
    fn a_renewal_under_the_same_roots_is_planned_without_a_restart() {
        let none = SecretNotes::default();
        assert_eq!(
            said(RestartIstiod::WhenRequired, none, true, false),
            (Some(None), true)
        );
    }

    #[test]
    fn a_renewal_under_an_istiod_that_takes_up_none_is_left_to_a_look() {
        let seen = || SecretNotes {
            renewals_restart: true,
            ..SecretNotes::default()
        };
        let restarts = RestartIstiod::WhenRequired;
        assert_eq!(said(restarts, seen(), true, false), (None, true));
        assert_eq!(said(restarts, seen(), false, false), (None, false));
        assert_eq!(
            said(RestartIstiod::Never, seen(), true, false),
            (Some(None), true)
        );
    }

    #[test]
    fn where_the_roots_may_change_only_the_apply_knows() {
        let none = SecretNotes::default();
        assert_eq!(
            said(RestartIstiod::WhenRequired, none, true, true),
            (None, true)
        );
    }

    #[test]
    fn what_the_user_wants_always_or_never_is_known() {
        let word = |word: &str| Some(Some(word.to_owned()));
        let none = SecretNotes::default;
        assert_eq!(
            said(RestartIstiod::Always, none(), true, true),
            (word("always"), true)
        );
        assert_eq!(
            said(RestartIstiod::Never, none(), true, true),
            (Some(None), true)
        );
        assert_eq!(
            said(RestartIstiod::Never, owed(), true, true),
            (Some(None), true)
        );
    }

    #[test]
    fn a_restart_that_is_owed_is_announced_by_its_reason_though_nothing_is_written() {
        let roots = Some(Some("roots".to_owned()));
        assert_eq!(
            said(RestartIstiod::WhenRequired, owed(), false, false),
            (roots, true)
        );
    }

    #[test]
    fn what_was_not_seen_is_looked_at_again() {
        let unverified = SecretNotes {
            unverified: Some(Unverified { former: None }),
            ..SecretNotes::default()
        };
        assert_eq!(
            said(RestartIstiod::WhenRequired, unverified, false, true),
            (None, true)
        );
    }
}
