//! What Tetrate Service Express is told, by plane, and whether it has been: pure.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::cluster::{BadName, CustomName};

/// `plane`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::resources) enum Plane {
    /// Issues an intermediate CA for each workload cluster, unless told not to.
    Management,
    /// Writes the CA that it is given into the cluster's `cacerts`, unless told not to.
    Control,
}

const GROUP: &str = "install.tetrate.io";

impl Plane {
    /// Namespace and name as they are by default:
    /// <https://docs.tetrate.io/service-express/>.
    pub(super) fn default_place(self) -> (&'static str, &'static str) {
        match self {
            Self::Management => ("tse", "managementplane"),
            Self::Control => ("istio-system", "controlplane"),
        }
    }

    /// The object of that plane.
    pub(super) fn object(self, namespace: &str, name: &str) -> Result<CustomName, BadName> {
        let resource = match self {
            Self::Management => "managementplanes",
            Self::Control => "controlplanes",
        };
        CustomName::new(GROUP, resource, namespace, name)
    }

    /// The field that says who writes.
    pub(in crate::resources) fn field(self) -> &'static str {
        match self {
            Self::Management => "spec.certIssuer.clusterIntermediateCAs",
            Self::Control => "spec.components.xcp.centralProvidedCaCert",
        }
    }

    /// In what the object differs from one that leaves `cacerts` to us.
    pub(super) fn drift(self, object: &Value) -> Option<String> {
        let mut value = object;
        for part in self.field().split('.') {
            value = &value[part];
        }
        let field = self.field();
        match (self, value) {
            (Self::Management, Value::Null) | (Self::Control, Value::Bool(false)) => None,
            (Self::Management, _) => Some(format!("{field} is set")),
            (Self::Control, Value::Null) => Some(format!("{field} is not set")),
            (Self::Control, Value::Bool(true)) => Some(format!("{field} is true")),
            (Self::Control, _) => Some(format!("{field} is not false")),
        }
    }

    /// The merge patch that makes it so, of that field alone.
    pub(super) fn patch(self) -> Value {
        match self {
            Self::Management => json!({"spec": {"certIssuer": {"clusterIntermediateCAs": null}}}),
            Self::Control => {
                json!({"spec": {"components": {"xcp": {"centralProvidedCaCert": false}}}})
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_management_plane_leaves_the_ca_to_us_when_it_issues_none() {
        let object = |issuer: Value| json!({"spec": {"certIssuer": issuer}});
        for done in [
            json!({}),
            json!({"spec": {}}),
            object(Value::Null),
            object(json!({"selfSigned": {}})),
            object(json!({"clusterIntermediateCAs": null})),
        ] {
            assert_eq!(Plane::Management.drift(&done), None, "{done}");
        }
        for issues in [json!({}), json!({"autoGenerate": true})] {
            let drift = Plane::Management.drift(&object(json!({"clusterIntermediateCAs": issues})));
            let told = "spec.certIssuer.clusterIntermediateCAs is set";
            assert_eq!(drift.as_deref(), Some(told));
        }
    }

    #[test]
    fn a_control_plane_leaves_the_ca_to_us_only_when_it_says_so() {
        let object = |xcp: Value| json!({"spec": {"components": {"xcp": xcp}}});
        let done = object(json!({"centralProvidedCaCert": false, "other": 1}));
        assert_eq!(Plane::Control.drift(&done), None);
        for (xcp, told) in [
            (json!({}), "is not set"),
            (json!({"centralProvidedCaCert": true}), "is true"),
            (json!({"centralProvidedCaCert": "false"}), "is not false"),
        ] {
            let told = format!("spec.components.xcp.centralProvidedCaCert {told}");
            assert_eq!(Plane::Control.drift(&object(xcp)), Some(told));
        }
        assert!(Plane::Control.drift(&json!({"spec": "?"})).is_some());
    }

    /// The two patches as Tetrate documents them.
    #[test]
    fn the_patches_name_nothing_else() {
        assert_eq!(
            Plane::Management.patch().to_string(),
            r#"{"spec":{"certIssuer":{"clusterIntermediateCAs":null}}}"#
        );
        assert_eq!(
            Plane::Control.patch().to_string(),
            r#"{"spec":{"components":{"xcp":{"centralProvidedCaCert":false}}}}"#
        );
    }
}
