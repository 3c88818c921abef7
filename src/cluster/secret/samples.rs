//! Secrets as the API server would show them, for the tests of this room.

use serde_json::{Value, json};

use super::{Desired, Observed, SecretName, Wanted};

/// What the Secrets here are compared with: two keys, a label, an annotation, a fact.
pub(in crate::cluster) fn desired() -> Desired {
    let one = |key: &str, value: &str| [(key.to_owned(), value.to_owned())].into();
    let bytes = |text: &str| Wanted::Bytes(text.as_bytes().to_vec().into());
    Desired {
        at: SecretName::new("istio-system", "cacerts").unwrap(),
        type_: "Opaque".to_owned(),
        data: [
            ("ca-cert.pem".to_owned(), bytes("cert")),
            ("ca-key.pem".to_owned(), bytes("key")),
        ]
        .into(),
        labels: one("team", "mesh"),
        annotations: one("note", "by hand"),
        facts: one("serial", "0a"),
        owner: "o-1".to_owned(),
        never_beside: ["tls.crt", "tls.key", "ca.crt"].map(str::to_owned).into(),
    }
}

/// [`desired`] as it stands once we wrote it.
pub(in crate::cluster) fn ours() -> Observed {
    observed(|_| ())
}

/// [`ours`], changed.
pub(in crate::cluster) fn observed(change: impl FnOnce(&mut Value)) -> Observed {
    let mut json = ours_json();
    change(&mut json);
    Observed::parse(json.to_string().as_bytes()).unwrap()
}

/// [`ours`] after `manager` edited the certificate.
pub(in crate::cluster) fn edited(manager: &str) -> Observed {
    Observed::parse(edited_json(manager).to_string().as_bytes()).unwrap()
}

/// A Secret of the same name, made by `kubectl create`, changed.
pub(in crate::cluster) fn foreign(change: impl FnOnce(&mut Value)) -> Observed {
    let mut json = foreign_json();
    change(&mut json);
    Observed::parse(json.to_string().as_bytes()).unwrap()
}

pub(in crate::cluster) fn ours_json() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {
            "namespace": "istio-system", "name": "cacerts", "uid": "u-1", "resourceVersion": "42",
            "creationTimestamp": "2026-11-22T10:00:00Z",
            "labels": {"team": "mesh"},
            "annotations": {"note": "by hand", "istiopca.io/owner": "o-1", "istiopca.io/serial": "0a"},
            "managedFields": [{
                "manager": "terraform-provider-istiopca", "operation": "Apply", "apiVersion": "v1",
                "time": "2026-11-22T10:00:00Z", "fieldsType": "FieldsV1",
                "fieldsV1": {
                    "f:data": {"f:ca-cert.pem": {}, "f:ca-key.pem": {}},
                    "f:metadata": {
                        "f:annotations": {"f:note": {}, "f:istiopca.io/owner": {}, "f:istiopca.io/serial": {}},
                        "f:labels": {"f:team": {}},
                    },
                    "f:type": {},
                },
            }],
        },
        "data": {"ca-cert.pem": "Y2VydA==", "ca-key.pem": "a2V5"},
    })
}

pub(in crate::cluster) fn edited_json(manager: &str) -> Value {
    let mut json = ours_json();
    json["metadata"]["resourceVersion"] = json!("43");
    json["data"]["ca-cert.pem"] = json!("b3RoZXI=");
    let fields = &mut json["metadata"]["managedFields"];
    fields[0]["fieldsV1"]["f:data"]
        .as_object_mut()
        .unwrap()
        .remove("f:ca-cert.pem");
    let edit = json!({
        "manager": manager, "operation": "Update", "apiVersion": "v1",
        "time": "2026-11-22T12:00:00Z", "fieldsType": "FieldsV1",
        "fieldsV1": {"f:data": {"f:ca-cert.pem": {}}},
    });
    fields.as_array_mut().unwrap().push(edit);
    json
}

pub(in crate::cluster) fn foreign_json() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {
            "namespace": "istio-system", "name": "cacerts", "uid": "u-9", "resourceVersion": "7",
            "managedFields": [{
                "manager": "kubectl-create", "operation": "Update", "apiVersion": "v1",
                "time": "2026-11-01T09:00:00Z", "fieldsType": "FieldsV1",
                "fieldsV1": {"f:data": {".": {}, "f:ca-cert.pem": {}, "f:ca-key.pem": {}}, "f:type": {}},
            }],
        },
        "data": {"ca-cert.pem": "b3RoZXI=", "ca-key.pem": "b3RoZXIga2V5"},
    })
}
