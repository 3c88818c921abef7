//! In what a live Secret differs from what was written: pure.

use super::compose;
use super::settings::Settings;
use super::{Outputs, at};
use crate::cluster::secret::{Difference, Expected, How, LastSeen, Observed, difference, writers};
use crate::pki::{Fingerprint, Live};
use crate::terraform::value::Both;

/// In words what differs, and whether the key is gone or another one. The same for the same
/// Secret: it is compared from day to day. `live` are its files of the layout that was written.
pub(super) fn drift(
    settings: &Settings,
    outputs: &Outputs,
    observed: &Observed,
    live: &Live,
) -> (Vec<String>, bool) {
    let Both(issued, written) = outputs;
    if written.uid.is_none() {
        return (Vec::new(), false);
    }
    let mut drift = Vec::new();
    if written.uid.as_ref() != Some(&observed.uid) {
        drift.extend(made_anew(observed));
    }
    if observed.deleting.is_some() {
        drift.push("the Secret is being deleted".to_owned());
    }
    if observed.immutable {
        drift.push("the Secret is marked immutable".to_owned());
    }
    let key_file = settings.layout().key_file();
    let key = live.public_key().map(|key| key.sha256());
    let key_lost = key != issued.public_key_sha256;
    if key_lost {
        drift.push(about_key(key_file, key));
    }
    let differences = difference(&expected(settings, outputs), observed);
    drift.extend(differences.iter().map(described));
    let desired = compose::outline(observed.at.clone(), settings, outputs);
    let poison = observed
        .data
        .keys()
        .filter(|key| desired.never_beside.contains(*key));
    drift.extend(
        poison.map(|key| format!("{key} is there, and with it istiod reads another layout")),
    );
    (drift, key_lost)
}

/// Another object under the same name; its type is for life, so that too is another's choice.
fn made_anew(observed: &Observed) -> Vec<String> {
    let by = all_seen(&writers(observed));
    let uid = &observed.uid;
    let mut drift = vec![format!("the Secret was made anew, its UID is {uid}{by}")];
    let type_ = &observed.type_;
    if type_ != compose::TYPE {
        drift.push(format!("its type is {type_} and not {}", compose::TYPE));
    }
    drift
}

fn expected(settings: &Settings, outputs: &Outputs) -> Expected {
    let written = &outputs.1;
    let key_file = settings.layout().key_file();
    let files = written
        .files_sha256
        .iter()
        .filter(|(name, _)| *name != key_file);
    let data =
        files.filter_map(|(name, sha256)| Some((name.clone(), sha256.to_string().parse().ok()?)));
    let mut desired = compose::outline(at(settings), settings, outputs);
    desired.facts = compose::facts(settings, outputs);
    Expected {
        data: data.collect(),
        labels: written.labels_all.clone(),
        annotations: desired.all_annotations(),
    }
}

fn about_key(file: &str, live: Option<Fingerprint>) -> String {
    match live {
        Some(live) => format!("{file} is another key (public key SHA-256 {live})"),
        None => format!("{file} holds no usable private key"),
    }
}

fn described(difference: &Difference) -> String {
    let Difference { field, how, by } = difference;
    let how = match how {
        How::Missing => "is missing",
        How::Changed => "was changed",
    };
    format!("{} {how}{}", field.clone().into_name(), all_seen(by))
}

fn all_seen(by: &[LastSeen]) -> String {
    if by.is_empty() {
        return String::new();
    }
    let by: Vec<String> = by.iter().map(seen).collect();
    format!(" (by {})", by.join(", "))
}

fn seen(by: &LastSeen) -> String {
    let manager = &by.manager;
    by.time.map_or_else(
        || manager.clone(),
        |time| format!("{manager}, last seen {time}"),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::{Value, json};

    use super::*;
    use crate::pki::CaCerts;
    use crate::pki::testing::{Ca, Spec};
    use crate::resources::cacerts_secret::compose::Files;
    use crate::resources::cacerts_secret::outputs::Written;
    use crate::resources::cacerts_secret::testing::{composed, mesh, nothing, settings};
    use crate::resources::issue::Issued;

    /// A Secret as it was written, and what is known of it.
    fn written() -> (Settings, Outputs, Value) {
        let (settings, (root, mesh)) = (settings(), mesh("root"));
        let cacerts = composed(&settings, &root, &mesh, &nothing());
        let record = Written {
            uid: Some("u-1".to_owned()),
            owner_id: Some("o-1".to_owned()),
            files_sha256: compose::files_sha256(&cacerts),
            labels_all: BTreeMap::from([("tier".to_owned(), "mesh".to_owned())]),
            ..Written::default()
        };
        let outputs = Both(Issued::facts(cacerts.bundle().chain()), record);
        let secret = as_written(&settings, &outputs, &cacerts);
        (settings, outputs, secret)
    }

    fn as_written(settings: &Settings, outputs: &Outputs, cacerts: &CaCerts) -> Value {
        let desired = compose::desired(at(settings), settings, cacerts, outputs);
        let files = cacerts.files().into_iter();
        let data: BTreeMap<String, String> = files
            .map(|(name, file)| (name.to_owned(), STANDARD.encode(file.expose())))
            .collect();
        let annotations = desired.all_annotations();
        json!({
            "metadata": {
                "namespace": "istio-system", "name": "cacerts", "uid": "u-1", "resourceVersion": "1",
                "labels": desired.labels, "annotations": annotations,
            },
            "type": "Opaque", "data": data,
        })
    }

    /// What is told of the Secret after this change, and whether its key counts as lost.
    fn told(change: impl FnOnce(&mut Value)) -> (Vec<String>, bool) {
        let (settings, outputs, mut secret) = written();
        change(&mut secret);
        let observed = Observed::parse(secret.to_string().as_bytes()).expect("a Secret");
        let live = Live::read(&Files::of(Some(&observed)).of_layout(settings.layout()));
        drift(&settings, &outputs, &observed, &live)
    }

    fn by(manager: &str, fields: &Value) -> Value {
        json!([{"manager": manager, "operation": "Update", "time": "2026-03-01T00:00:00Z",
                "fieldsV1": fields}])
    }

    #[test]
    fn what_is_as_it_was_written_is_not_spoken_of_whatever_others_add() {
        let added = |secret: &mut Value| {
            secret["data"]["theirs"] = json!("eA==");
            secret["metadata"]["labels"]["theirs"] = json!("x");
        };
        assert_eq!(told(added), (Vec::new(), false));
    }

    #[test]
    fn each_edit_is_told_by_its_field_and_its_writer() {
        let edited = |secret: &mut Value| {
            secret["data"]["cert-chain.pem"] = json!("eA==");
            secret["metadata"]["labels"] = json!({});
            secret["metadata"]["managedFields"] =
                by("kubectl-edit", &json!({"f:data": {"f:cert-chain.pem": {}}}));
        };
        let lines = [
            "cert-chain.pem was changed (by kubectl-edit, last seen 2026-03-01T00:00:00Z)",
            "tier is missing",
        ];
        assert_eq!(told(edited), (lines.map(str::to_owned).into(), false));
    }

    #[test]
    fn a_secret_in_its_place_is_told_with_its_maker_and_its_type() {
        let anew = |secret: &mut Value| {
            secret["metadata"]["uid"] = json!("u-2");
            secret["type"] = json!("kubernetes.io/tls");
            let fields = json!({"f:data": {"f:ca-cert.pem": {}}});
            secret["metadata"]["managedFields"] = by("cert-manager", &fields);
        };
        let lines = [
            "the Secret was made anew, its UID is u-2 (by cert-manager, last seen 2026-03-01T00:00:00Z)",
            "its type is kubernetes.io/tls and not Opaque",
        ];
        assert_eq!(told(anew), (lines.map(str::to_owned).into(), false));
    }

    #[test]
    fn a_secret_that_nobody_can_change_any_more_is_told_as_such() {
        let sealed = |secret: &mut Value| secret["immutable"] = json!(true);
        let line = "the Secret is marked immutable".to_owned();
        assert_eq!(told(sealed), (vec![line], false));
    }

    #[test]
    fn a_key_that_is_not_the_certificates_or_none_is_lost_and_never_shown() {
        let other = Ca::root(Spec::ca("other")).key;
        let replaced = |secret: &mut Value| {
            secret["data"]["ca-key.pem"] = json!(STANDARD.encode(other.to_pem().expose()));
        };
        let sha256 = other.public_key().sha256();
        let line = format!("ca-key.pem is another key (public key SHA-256 {sha256})");
        assert_eq!(told(replaced), (vec![line], true));
        let spoilt = |secret: &mut Value| secret["data"]["ca-key.pem"] = json!("eA==");
        let line = "ca-key.pem holds no usable private key".to_owned();
        assert_eq!(told(spoilt), (vec![line], true));
    }

    #[test]
    fn the_other_layout_beside_ours_is_told_key_by_key() {
        let poisoned = |secret: &mut Value| secret["data"]["tls.crt"] = json!("eA==");
        let line = "tls.crt is there, and with it istiod reads another layout".to_owned();
        assert_eq!(told(poisoned), (vec![line], false));
    }
}
