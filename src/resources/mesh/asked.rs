//! Which pods of a namespace are to show what was written.

use super::loads;
use crate::cluster::istiod::{Deployment, Pod};

/// The istiods whose pods are asked.
#[derive(Clone, Debug)]
pub(in crate::resources) enum Asked<'a> {
    /// All: nobody may see which of them load the Secret.
    All,
    /// Those that load it. The others use another CA, and will not have this one however long one waits.
    Of(Vec<&'a Deployment>),
}

impl<'a> Asked<'a> {
    /// Those of these istiods that load the Secret of this name.
    pub(in crate::resources) fn by(istiods: &'a [Deployment], secret: &str) -> Self {
        Self::Of(istiods.iter().filter(|it| loads(it, secret)).collect())
    }

    /// Whether this pod is.
    pub(in crate::resources) fn is(&self, pod: &Pod) -> bool {
        match self {
            Self::All => true,
            Self::Of(istiods) => istiods.iter().any(|istiod| istiod.has(pod)),
        }
    }

    /// Whether somebody else may sign for its workloads, which cannot be seen.
    pub(in crate::resources) fn may_sign_elsewhere(&self, pod: &Pod) -> bool {
        match self {
            Self::All => false,
            Self::Of(istiods) => {
                let mut its = istiods.iter().filter(|istiod| istiod.has(pod));
                its.any(|istiod| istiod.may_sign_elsewhere())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::istiod::samples;

    fn istiod(revision: &str, env: &[(&str, &str)]) -> Deployment {
        samples::deployment(|json| {
            json["metadata"]["name"] = json!(format!("istiod-{revision}"));
            json["spec"]["selector"]["matchLabels"]["istio.io/rev"] = json!(revision);
            let env = env
                .iter()
                .map(|(name, value)| json!({"name": name, "value": value}));
            json["spec"]["template"]["spec"]["containers"][0]["env"] = env.collect();
        })
    }

    fn pod(revision: &str) -> Pod {
        samples::pod("istiod-1", |json| {
            json["metadata"]["labels"]["istio.io/rev"] = json!(revision);
        })
    }

    #[test]
    fn pods_of_an_istiod_for_which_somebody_else_signs_are_not_asked() {
        let others = [
            istiod("default", &[]),
            istiod("ra", &[("EXTERNAL_CA", "ISTIOD_RA_KUBERNETES_API")]),
            istiod("csr", &[("ENABLE_CA_SERVER", "false")]),
        ];
        let asked = Asked::by(&others, "cacerts");
        let found = ["default", "ra", "csr", "gone"].map(|revision| asked.is(&pod(revision)));
        assert_eq!(found, [true, false, false, false]);
    }

    #[test]
    fn pods_of_an_istiod_that_does_not_mount_the_secret_are_not_asked() {
        let istiods = [istiod("default", &[])];
        assert!(!Asked::by(&istiods, "another").is(&pod("default")));
    }

    #[test]
    fn a_pod_that_two_selectors_take_is_asked_if_either_istiod_loads_the_secret() {
        let overlapping = |env: &[(&str, &str)]| {
            let mut istiod = istiod("default", env);
            istiod.name.push_str("-2");
            istiod
        };
        let istiods = [
            overlapping(&[("ENABLE_CA_SERVER", "false")]),
            overlapping(&[]),
        ];
        assert!(Asked::by(&istiods, "cacerts").is(&pod("default")));
    }

    #[test]
    fn a_pod_whose_istiod_may_leave_signing_to_somebody_is_asked_and_known() {
        let from = json!({"configMapKeyRef": {"name": "x", "key": "y"}});
        let unseen = samples::deployment(|json| {
            let env = json!([{"name": "ENABLE_CA_SERVER", "valueFrom": from}]);
            json["spec"]["template"]["spec"]["containers"][0]["env"] = env;
        });
        let istiods = [unseen, istiod("canary", &[])];
        let asked = Asked::by(&istiods, "cacerts");
        let known = |revision| {
            let pod = pod(revision);
            (asked.is(&pod), asked.may_sign_elsewhere(&pod))
        };
        assert_eq!(
            [known("default"), known("canary")],
            [(true, true), (true, false)]
        );
    }

    #[test]
    fn where_nobody_may_see_the_istiods_all_pods_are_asked() {
        assert!(Asked::All.is(&pod("default")));
    }
}
