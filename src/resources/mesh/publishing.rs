//! Under which name the istiods of a namespace publish the roots that their workloads trust.

use std::collections::BTreeSet;

use super::loads;
use crate::cluster::ConfigMapName;
use crate::cluster::istiod::{Deployment, Env, Setting, Version};

/// What the istiods that load a Secret say of the ConfigMap in which they publish their roots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::resources) enum Publishing {
    /// All of them publish in this one; where there is none, in the usual one.
    In(ConfigMapName),
    /// They do not agree. Only one istiod of a cluster publishes at a time, so that nobody knows which of these names is
    /// kept up to date.
    Apart(BTreeSet<String>),
}

/// From this release on istiod heeds `PILOT_CA_CERT_CONFIGMAP` (istio/istio#54971).
const NAMED: Version = Version::new(1, 27, 0);

impl Publishing {
    /// By what these istiods are told. Of one that cannot be seen the usual name is supposed.
    pub(in crate::resources) fn of(istiods: &[Deployment], secret: &str) -> Self {
        let there = istiods.iter().filter(|it| it.runs() && !it.deleting);
        let loading = there.filter(|it| loads(it, secret));
        let names: BTreeSet<ConfigMapName> = loading.map(name).collect();
        let mut all = names.iter();
        match (all.next(), all.next()) {
            (None, _) => Self::In(ConfigMapName::default()),
            (Some(name), None) => Self::In(name.clone()),
            (Some(_), Some(_)) => Self::Apart(names.iter().map(ToString::to_string).collect()),
        }
    }

    /// Where to look.
    pub(in crate::resources) fn name(&self) -> ConfigMapName {
        match self {
            Self::In(name) => name.clone(),
            Self::Apart(_) => ConfigMapName::default(),
        }
    }
}

fn name(istiod: &Deployment) -> ConfigMapName {
    let told = istiod.told(Setting::CaCertConfigMap);
    let heeded = told.filter(|_| istiod.version.is_none_or(|release| release >= NAMED));
    let named = heeded.and_then(|value| match value {
        Env::Text(text) => ConfigMapName::new(text),
        Env::FromElsewhere => None,
    });
    named.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::istiod::samples::{self, told};

    const MESH: (&str, &str) = ("PILOT_CA_CERT_CONFIGMAP", "mesh-roots");

    fn published(istiods: &[Deployment]) -> String {
        Publishing::of(istiods, "cacerts").name().to_string()
    }

    #[test]
    fn the_name_is_followed_from_the_release_on_that_heeds_it() {
        for (version, expected) in [
            (":1.26.3", "istio-ca-root-cert"),
            (":1.27.0", "mesh-roots"),
            (":1.31.0", "mesh-roots"),
            ("@sha256:01", "mesh-roots"),
        ] {
            assert_eq!(published(&[told(version, &[MESH])]), expected, "{version}");
        }
        assert_eq!(published(&[told(":1.31.0", &[])]), "istio-ca-root-cert");
        assert_eq!(published(&[]), "istio-ca-root-cert");
    }

    #[test]
    fn what_is_no_name_and_what_is_not_seen_is_not_followed() {
        for text in ["", "../secrets/x", "Mesh Roots"] {
            let istiod = told(":1.31.0", &[(MESH.0, text)]);
            assert_eq!(published(&[istiod]), "istio-ca-root-cert", "{text:?}");
        }
        let unseen = samples::deployment(|json| {
            let container = &mut json["spec"]["template"]["spec"]["containers"][0];
            container["envFrom"] = json!([{"configMapRef": {"name": "more"}}]);
        });
        assert_eq!(published(&[unseen]), "istio-ca-root-cert");
    }

    #[test]
    fn only_istiods_that_load_the_secret_are_heeded() {
        let elsewhere = told(":1.31.0", &[MESH, ("ENABLE_CA_SERVER", "false")]);
        let ours = told(":1.31.0", &[]);
        assert_eq!(published(&[elsewhere, ours]), "istio-ca-root-cert");
        let mut gone = told(":1.31.0", &[MESH]);
        gone.deleting = true;
        assert_eq!(published(&[gone]), "istio-ca-root-cert");
    }

    #[test]
    fn istiods_that_do_not_agree_are_told_of() {
        let istiods = [told(":1.31.0", &[MESH]), told(":1.31.0", &[])];
        let found = Publishing::of(&istiods, "cacerts");
        let names = ["istio-ca-root-cert", "mesh-roots"].map(str::to_owned);
        assert_eq!(found, Publishing::Apart(names.into()));
        assert_eq!(found.name(), ConfigMapName::default());
    }
}
