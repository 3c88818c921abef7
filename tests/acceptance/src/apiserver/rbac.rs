//! Who may do what: the rights that the provider needs, as Kubernetes' own objects.

use serde_json::{Value, json};

/// The rules with which the provider can do all it ever does to one Secret, in its namespace.
///
/// Server-side apply of an object that is not there asks for `create` beside `patch`, and with the
/// object's name, so that `resourceNames` can restrict both. The rules beyond the Secret are for
/// looking at istiod.
#[must_use]
pub fn minimal_rules(secret: &str) -> Vec<Value> {
    vec![
        json!({"apiGroups": [""], "resources": ["secrets"], "resourceNames": [secret],
               "verbs": ["get", "create", "patch", "delete"]}),
        json!({"apiGroups": [""], "resources": ["configmaps"],
               "resourceNames": ["istio-ca-root-cert"], "verbs": ["get"]}),
        json!({"apiGroups": ["apps"], "resources": ["deployments"],
               "verbs": ["get", "list", "patch"]}),
        json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}),
        json!({"apiGroups": [""], "resources": ["pods/proxy"], "verbs": ["get"]}),
    ]
}

/// The rule, of a ClusterRole, for a namespace that the provider is to make.
#[must_use]
pub fn namespace_rule(namespace: &str) -> Value {
    json!({"apiGroups": [""], "resources": ["namespaces"], "resourceNames": [namespace],
           "verbs": ["get", "create", "patch"]})
}

/// A role with these rules and its binding to the user, in one namespace or in the whole cluster.
pub(super) fn grant(user: &str, namespace: Option<&str>, rules: &[Value]) -> [Value; 2] {
    let group = "rbac.authorization.k8s.io";
    let (role, binding, metadata) = match namespace {
        Some(namespace) => (
            "Role",
            "RoleBinding",
            json!({"name": user, "namespace": namespace}),
        ),
        None => ("ClusterRole", "ClusterRoleBinding", json!({"name": user})),
    };
    let version = format!("{group}/v1");
    [
        json!({"apiVersion": version, "kind": role, "metadata": metadata, "rules": rules}),
        json!({"apiVersion": version, "kind": binding, "metadata": metadata,
               "roleRef": {"apiGroup": group, "kind": role, "name": user},
               "subjects": [{"apiGroup": group, "kind": "User", "name": user}]}),
    ]
}
