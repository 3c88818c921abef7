//! For tests: settings, small hierarchies, and a Secret as the API server shows it.

use std::collections::BTreeMap;

use super::compose::bundle;
use super::settings::Settings;
use crate::cluster::secret::{Observed, SecretBytes};
use crate::pki::testing::{Ca, Spec};
use crate::pki::{CaCerts, Chain, Live};

/// All that has a default.
pub(in crate::resources) fn settings() -> Settings {
    serde_json::from_value(serde_json::json!({
        "namespace": "istio-system", "name": "cacerts", "create_namespace": false,
        "format": "istio", "include_root_in_chain": true, "additional_root_pems": [],
        "labels": {}, "annotations": {}, "on_existing": "error", "force_conflicts": false,
        "prune_keys": false, "allow_root_replacement": false,
        "min_trust_overlap": "24h", "on_destroy": "retain",
        "restart_istiod": "when_required", "verify": "pods", "on_verify_failure": "error",
        "nudge_kubelet": false,
        "intermediate": [],
    }))
    .expect("settings")
}

/// A root, and the mesh's CA below it.
pub(in crate::resources) fn mesh(name: &str) -> (Ca, Ca) {
    let root = Ca::root(Spec::ca(name));
    let mesh = root.sign(Spec::ca("mesh").path_length(0).days(90));
    (root, mesh)
}

/// The bundle of a mesh's CA beside what is live.
pub(in crate::resources) fn composed(
    settings: &Settings,
    root: &Ca,
    mesh: &Ca,
    live: &Live,
) -> CaCerts {
    let chain = Chain::assemble(mesh.certificate.clone(), vec![root.certificate.clone()]);
    bundle(settings, &chain.expect("a chain"), &mesh.key, live.roots()).expect("a bundle")
}

/// Its files in the Secret.
pub(in crate::resources) fn live(cacerts: &CaCerts) -> Live {
    let files = cacerts.files().into_iter();
    let files = files.map(|(name, file)| (name.to_owned(), file.expose().as_bytes().to_vec()));
    Live::read(&files.collect())
}

/// No Secret.
pub(in crate::resources) fn nothing() -> Live {
    Live::read(&BTreeMap::new())
}

/// A Secret that this provider wrote for the owner `o-1`, with these files and those of others.
pub(in crate::resources) fn observed(cacerts: &CaCerts, others: &[(&str, &str)]) -> Observed {
    let files = cacerts.files();
    let fields = files.keys().map(|name| format!("f:{name}"));
    let fields: BTreeMap<_, _> = fields.map(|name| (name, serde_json::json!({}))).collect();
    let json = serde_json::json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {
            "namespace": "istio-system", "name": "cacerts", "uid": "u-1", "resourceVersion": "1",
            "annotations": {"istiopca.io/owner": "o-1"},
            "managedFields": [{
                "manager": "terraform-provider-istiopca", "operation": "Apply", "apiVersion": "v1",
                "fieldsType": "FieldsV1", "fieldsV1": {"f:data": fields},
            }],
        },
    });
    let mut observed = Observed::parse(json.to_string().as_bytes()).expect("a Secret");
    let ours = files.iter().map(|(name, file)| (*name, file.expose()));
    for (name, text) in ours.chain(others.iter().copied()) {
        let bytes = SecretBytes::from(text.as_bytes().to_vec());
        observed.data.insert(name.to_owned(), bytes.into());
    }
    observed
}
