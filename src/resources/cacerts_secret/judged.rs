//! What the judge says to the files before they are written: pure.

use jiff::Timestamp;

use super::compose::Files;
use super::present::Present;
use super::settings::Settings;
use crate::cluster::secret::{Claim, Desired, Policy, decide};
use crate::pki::judge::{Finding, Kind, judge};
use crate::resources::words::{self, Instance};
use crate::terraform::Diagnostic;

/// A write that is about to be made.
pub(super) struct Case<'a> {
    pub(super) instance: &'a Instance,
    pub(super) settings: &'a Settings,
    pub(super) desired: &'a Desired,
    pub(super) present: &'a Present,
    pub(super) now: Timestamp,
}

impl Case<'_> {
    /// What is to be told of the write, or why it must not be made: of all that will be in the
    /// Secret then, others' files among it.
    pub(super) fn warnings(
        &self,
        claim: &Claim<'_>,
        policy: Policy,
    ) -> Result<Vec<Diagnostic>, Diagnostic> {
        let observed = self.present.observed.as_ref();
        let decision = observed.map(|it| decide(it, claim, self.desired, policy));
        let decision = decision.transpose();
        let decision = decision.map_err(|refusal| words::refusal(self.instance, &refusal))?;
        let step = decision.map(|decision| decision.step);
        let files = Files::once_written(self.desired, observed, step.as_ref());
        let live = observed.map(|_| &*self.present.files);
        self.told(judge(&files, live, self.now))
    }

    fn told(&self, findings: Vec<Finding>) -> Result<Vec<Diagnostic>, Diagnostic> {
        let stands_in_the_way = |finding: &Finding| match finding.kind() {
            Kind::Load | Kind::Peers => true,
            Kind::Transition => !self.settings.allow_root_replacement,
            Kind::Reload => false,
        };
        let (refused, rest): (Vec<_>, Vec<_>) = findings.into_iter().partition(stands_in_the_way);
        if !refused.is_empty() {
            return Err(words::unsound(self.instance, &refused));
        }
        let reload = rest.iter().filter(|it| it.kind() == Kind::Reload);
        Ok(reload
            .map(|finding| words::restart_needed(self.instance, finding))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::SecretName;
    use crate::pki::CaCerts;
    use crate::pki::testing::{Ca, DAY, START, Spec};
    use crate::resources::cacerts_secret::testing::{composed, mesh, nothing, observed, settings};
    use crate::resources::cacerts_secret::{Outputs, compose};
    use rcgen::ExtendedKeyUsagePurpose::ServerAuth;

    /// What is told of writing a bundle over what is there, as summaries and texts.
    #[expect(clippy::needless_pass_by_value, reason = "the callers read better so")]
    fn told(settings: &Settings, new: &CaCerts, present: Present) -> Result<Vec<String>, String> {
        let mut outputs = Outputs::default();
        outputs.1.owner_id = Some("o-1".to_owned());
        let at = SecretName::new("istio-system", "cacerts").expect("a name");
        let desired = compose::desired(at, settings, new, &outputs);
        let case = Case {
            instance: &Instance::secret("istio-system", "cacerts", None),
            settings,
            desired: &desired,
            present: &present,
            now: Timestamp::from_second(START + DAY).expect("a moment"),
        };
        let claim = Claim {
            owner: "o-1",
            same_certificate: &|_| false,
        };
        let text = |it: &Diagnostic| format!("{}\n{}", it.summary, it.detail);
        let warnings = case.warnings(&claim, Policy::default());
        warnings
            .map(|all| all.iter().map(text).collect())
            .map_err(|it| text(&it))
    }

    fn first(settings: &Settings, root: &Ca, mesh: &Ca) -> CaCerts {
        composed(settings, root, mesh, &nothing())
    }

    fn absent() -> Present {
        Present::new(None, None)
    }

    fn there(cacerts: &CaCerts, others: &[(&str, &str)]) -> Present {
        Present::new(Some(observed(cacerts, others)), None)
    }

    #[test]
    fn a_sound_bundle_is_written_without_a_word() {
        let (root, mesh) = mesh("root");
        let bundle = first(&settings(), &root, &mesh);
        assert_eq!(told(&settings(), &bundle, absent()), Ok(vec![]));
        assert_eq!(told(&settings(), &bundle, there(&bundle, &[])), Ok(vec![]));
    }

    #[test]
    fn a_refusal_names_the_file_the_rule_its_meaning_and_the_remedy() {
        let root = Ca::root(Spec::ca("root"));
        let mesh = root.sign(Spec::ca("mesh").change(|spec| spec.roles = vec![ServerAuth]));
        let bundle = first(&settings(), &root, &mesh);
        let expected = format!(
            "Secret istio-system/cacerts: workloads would refuse each other's certificates\n\
             - ca-cert.pem: CN=mesh (serial {}): does not let those below it be a client: its \
             extendedKeyUsage lacks that. Have it issued without extendedKeyUsage, or with \
             serverAuth and clientAuth both.\n\n\
             istiod would load these files and sign with them, and see nothing wrong; but what it \
             signs is refused by the workloads' peers, by some or by all.\n\n\
             Nothing was written: istiod goes on with what it has.",
            mesh.certificate.serial()
        );
        assert_eq!(told(&settings(), &bundle, absent()), Err(expected));
    }

    #[test]
    fn files_of_others_that_stay_are_judged_with_ours() {
        let (root, mesh) = mesh("root");
        let bundle = first(&settings(), &root, &mesh);
        let text = told(&settings(), &bundle, there(&bundle, &[("ca-crl.pem", "-")]));
        let text = text.expect_err("a list of nothing");
        assert!(text.contains("ca-crl.pem: got no block"), "{text}");
        assert!(text.contains("remove it from the Secret"), "{text}");
        let harmless = there(&bundle, &[("notes.txt", "-")]);
        assert_eq!(told(&settings(), &bundle, harmless), Ok(vec![]));
    }

    #[test]
    fn another_root_at_once_is_refused_unless_that_is_allowed() {
        let ((old, before), (new, after)) = (mesh("old"), mesh("new"));
        let live = first(&settings(), &old, &before);
        let next = first(&settings(), &new, &after);
        let text = told(&settings(), &next, there(&live, &[]));
        let text = text.expect_err("a break");
        assert!(
            text.contains("live workloads would refuse each other"),
            "{text}"
        );
        let allowed = Settings {
            allow_root_replacement: true,
            ..settings()
        };
        let warnings = told(&allowed, &next, there(&live, &[])).expect("allowed");
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].contains("istiod must be restarted to take this change"));
    }

    #[test]
    fn a_further_root_is_written_with_the_word_that_istiod_needs_a_restart() {
        let (root, mesh) = mesh("root");
        let live = first(&settings(), &root, &mesh);
        let further = Ca::root(Spec::ca("next")).certificate;
        let both = Settings {
            additional_root_pems: vec![further.to_pem()],
            ..settings()
        };
        let next = first(&both, &root, &mesh);
        let warnings = told(&both, &next, there(&live, &[])).expect("no break");
        assert_eq!(warnings.len(), 1);
        let text = "The trusted roots change: root-cert.pem: its bytes change, CN=next comes.";
        assert!(warnings[0].contains(text), "{}", warnings[0]);
    }
}
