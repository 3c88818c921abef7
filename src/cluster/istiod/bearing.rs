//! What the environment of an istiod makes of its CA: whether it signs by itself, and whether it would take the Secret
//! for its own. Of what stands elsewhere, as in a ConfigMap, nothing is known, and that is said.

use super::deployment::{Deployment, Env, Setting};

/// A variable that keeps an istiod from taking its CA out of the Secret as it should, or may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearing {
    /// Which one, by its Deployment.
    pub deployment: String,
    /// The variable of its environment.
    pub variable: &'static str,
    /// What that is set to.
    pub value: Env,
    /// What it makes of the Secret.
    pub istiod: Istiod,
}

/// What an istiod makes of the Secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Istiod {
    /// It keeps its own self-signed CA there. One that runs takes what somebody else writes for that, and publishes the
    /// certificate in it as the root of the mesh.
    Takes,
    /// It does not sign: somebody else does, and nothing reads the Secret.
    PassesOver,
    /// It cannot be seen whether it [takes](Self::Takes) it.
    MayTake,
    /// It cannot be seen whether it [passes it over](Self::PassesOver).
    MayPassOver,
    /// It cannot be seen in which ConfigMap it publishes the roots.
    MayPublishElsewhere,
}

/// The variables that decide it. `PILOT_CERT_PROVIDER` is none of them: it says who signs istiod's own certificate, and
/// workloads are signed for elsewhere only together with `EXTERNAL_CA` (`pilot/pkg/bootstrap/server.go`, `maybeCreateCA`).
const SETTINGS: [Setting; 4] = [
    Setting::CacertsForSelfSigned,
    Setting::ExternalCa,
    Setting::CaServer,
    Setting::CaCertConfigMap,
];

/// The name under which istiod keeps its own CA, when told to.
const ITS_OWN: &str = "cacerts";

impl Deployment {
    /// What it is told that bears on its CA, and what cannot be seen of that.
    pub fn bearings(&self) -> Vec<Bearing> {
        let told = SETTINGS.into_iter().filter_map(|setting| {
            let value = self.told(setting)?;
            let istiod = made_of_it(setting, value)?;
            Some((setting, value, istiod))
        });
        let bearings = told.map(|(setting, value, istiod)| Bearing {
            deployment: self.name.clone(),
            variable: setting.name(),
            value: value.clone(),
            istiod,
        });
        let mut found: Vec<Bearing> = bearings.collect();
        // One that is seen decides, whatever another one says.
        if found.iter().any(|it| it.istiod == Istiod::PassesOver) {
            found.retain(|it| it.istiod != Istiod::MayPassOver);
        }
        found
    }

    /// Whether it is told that somebody else signs for its workloads, so that it does not look at the Secret.
    pub fn signs_elsewhere(&self) -> bool {
        self.makes(Istiod::PassesOver)
    }

    /// Whether somebody else may sign for its workloads, which cannot be seen.
    pub fn may_sign_elsewhere(&self) -> bool {
        self.makes(Istiod::MayPassOver)
    }

    fn makes(&self, istiod: Istiod) -> bool {
        self.bearings().iter().any(|it| it.istiod == istiod)
    }
}

/// What the istiods beside a Secret make of it, each of whom does not do as it should, or may not. A Secret of another
/// name is mounted by the user's own doing, and none that istiod would keep its own CA in.
pub fn bearings(istiods: &[Deployment], secret: &str) -> Vec<Bearing> {
    let there = istiods.iter().filter(|it| !it.deleting);
    let all = there.flat_map(Deployment::bearings);
    let takes = |it: &Bearing| matches!(it.istiod, Istiod::Takes | Istiod::MayTake);
    all.filter(|it| !takes(it) || secret == ITS_OWN).collect()
}

fn made_of_it(setting: Setting, value: &Env) -> Option<Istiod> {
    let flag = value.flag();
    match (setting, value) {
        (Setting::CacertsForSelfSigned, Env::FromElsewhere) => Some(Istiod::MayTake),
        (Setting::ExternalCa | Setting::CaServer, Env::FromElsewhere) => Some(Istiod::MayPassOver),
        (Setting::CaCertConfigMap, Env::FromElsewhere) => Some(Istiod::MayPublishElsewhere),
        (Setting::CacertsForSelfSigned, _) if flag == Some(true) => Some(Istiod::Takes),
        (Setting::ExternalCa, Env::Text(text)) if !text.is_empty() => Some(Istiod::PassesOver),
        (Setting::CaServer, _) if flag == Some(false) => Some(Istiod::PassesOver),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::istiod::samples::deployment;

    const FLAG: &str = "USE_CACERTS_FOR_SELF_SIGNED_CA";
    const EXTERNAL: &str = "EXTERNAL_CA";
    const SERVER: &str = "ENABLE_CA_SERVER";
    const ROOTS: &str = "PILOT_CA_CERT_CONFIGMAP";

    fn with(env: Value, env_from: Value) -> Deployment {
        deployment(|json| {
            let container = &mut json["spec"]["template"]["spec"]["containers"][0];
            container["env"] = env;
            container["envFrom"] = env_from;
        })
    }

    fn told(variable: &str, value: &str) -> Vec<Deployment> {
        vec![with(json!([{"name": variable, "value": value}]), json!([]))]
    }

    fn made_of(istiods: &[Deployment]) -> Vec<(&'static str, Istiod)> {
        let found = bearings(istiods, "cacerts");
        found.iter().map(|it| (it.variable, it.istiod)).collect()
    }

    #[test]
    fn an_istiod_is_judged_by_what_it_is_told_as_it_reads_it() {
        for (variable, value, expected) in [
            (FLAG, "true", Some(Istiod::Takes)),
            (FLAG, "1", Some(Istiod::Takes)),
            (FLAG, "false", None),
            (FLAG, "yes", None),
            (FLAG, "", None),
            (
                EXTERNAL,
                "ISTIOD_RA_KUBERNETES_API",
                Some(Istiod::PassesOver),
            ),
            (EXTERNAL, "", None),
            (SERVER, "false", Some(Istiod::PassesOver)),
            (SERVER, "true", None),
            (SERVER, "no", None),
            ("ISTIO_MULTIROOT_MESH", "true", None),
            ("PILOT_CERT_PROVIDER", "kubernetes", None),
            (ROOTS, "mesh-roots", None),
        ] {
            let istiods = told(variable, value);
            let found: Vec<_> = made_of(&istiods).iter().map(|it| it.1).collect();
            assert_eq!(found, Vec::from_iter(expected), "{variable}={value}");
            let elsewhere = expected == Some(Istiod::PassesOver);
            assert_eq!(
                istiods[0].signs_elsewhere(),
                elsewhere,
                "{variable}={value}"
            );
            assert!(!istiods[0].may_sign_elsewhere(), "{variable}={value}");
        }
    }

    #[test]
    fn an_istiod_that_goes_or_looks_elsewhere_is_none() {
        let mut istiods = told(FLAG, "true");
        assert_eq!(bearings(&istiods, "another"), []);
        assert_eq!(bearings(&istiods, "cacerts").len(), 1);
        istiods[0].deleting = true;
        assert_eq!(bearings(&istiods, "cacerts"), []);
    }

    #[test]
    fn of_what_stands_elsewhere_nothing_is_supposed() {
        let by_key = |name: &str| json!([{"name": name, "valueFrom": {"configMapKeyRef": {"name": "x", "key": "y"}}}]);
        for (variable, expected) in [
            (FLAG, Istiod::MayTake),
            (EXTERNAL, Istiod::MayPassOver),
            (SERVER, Istiod::MayPassOver),
            (ROOTS, Istiod::MayPublishElsewhere),
        ] {
            let istiods = [with(by_key(variable), json!([]))];
            assert_eq!(made_of(&istiods), [(variable, expected)]);
            let signing = [EXTERNAL, SERVER].contains(&variable);
            assert_eq!(istiods[0].may_sign_elsewhere(), signing);
            assert!(!istiods[0].signs_elsewhere());
        }
        let by_key = with(by_key(FLAG), json!([]));
        assert_eq!(bearings(&[by_key], "another"), []);
    }

    #[test]
    fn a_config_map_as_a_whole_may_say_anything_that_is_not_said_beside_it() {
        let whole = json!([{"configMapRef": {"name": "more"}}]);
        let unsaid = [with(json!([]), whole.clone())];
        let expected = [
            (FLAG, Istiod::MayTake),
            (EXTERNAL, Istiod::MayPassOver),
            (SERVER, Istiod::MayPassOver),
            (ROOTS, Istiod::MayPublishElsewhere),
        ];
        assert_eq!(made_of(&unsaid), expected);
        // What stands in `env` takes the place of the same in `envFrom`.
        let said = [
            json!({"name": FLAG, "value": "false"}),
            json!({"name": EXTERNAL}),
        ];
        let said = [with(json!(said), whole)];
        let expected = [
            (SERVER, Istiod::MayPassOver),
            (ROOTS, Istiod::MayPublishElsewhere),
        ];
        assert_eq!(made_of(&said), expected);
        // Its names get the prefix, and these begin otherwise.
        let prefixed = json!([{"prefix": "PROXY_", "configMapRef": {"name": "more"}}]);
        assert_eq!(made_of(&[with(json!([]), prefixed)]), []);
    }

    #[test]
    fn one_switch_that_is_seen_decides_over_another_that_is_not() {
        let env = json!([{"name": SERVER, "value": "false"}]);
        let istiod = with(env, json!([{"secretRef": {"name": "more"}}]));
        assert!(istiod.signs_elsewhere() && !istiod.may_sign_elsewhere());
    }
}
