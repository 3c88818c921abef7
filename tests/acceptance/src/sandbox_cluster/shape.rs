//! The form in which a client wants objects: whole, or their metadata only.

use serde_json::{Value, json};

/// An object or a list as `Accept` asks for it. A `Status` stays what it is; tables are left to the
/// client.
pub(super) fn shaped(accept: &str, object: Value) -> Value {
    let first = accept.split(',').next().unwrap_or_default();
    let wants = |form: &str| first.split(';').any(|part| part.trim() == form);
    if object["kind"] == "Status" {
        object
    } else if wants("as=PartialObjectMetadata") {
        metadata_of(object)
    } else if wants("as=PartialObjectMetadataList") {
        list_of_metadata(object)
    } else {
        object
    }
}

fn metadata_of(mut object: Value) -> Value {
    let metadata = object["metadata"].take();
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata})
}

fn list_of_metadata(mut list: Value) -> Value {
    let items = list["items"]
        .as_array_mut()
        .map(std::mem::take)
        .unwrap_or_default();
    json!({
        "kind": "PartialObjectMetadataList",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": list["metadata"].take(),
        "items": items.into_iter().map(metadata_of).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accept: &str, object: &Value, expected: &Value) {
        assert_eq!(&shaped(accept, object.clone()), expected);
    }

    #[test]
    fn no_value_goes_to_who_wants_metadata_only() {
        let secret = json!({"kind": "Secret", "metadata": {"name": "cacerts"}, "data": {"a": ""}});
        let mut metadata = json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"});
        metadata["metadata"] = json!({"name": "cacerts"});
        let accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
        check(accept, &secret, &metadata);
        let list = json!({"kind": "SecretList", "metadata": {}, "items": [secret]});
        let mut listed = json!({"kind": "PartialObjectMetadataList", "metadata": {}});
        listed["apiVersion"] = json!("meta.k8s.io/v1");
        listed["items"] = json!([metadata]);
        check(
            "application/json;as=PartialObjectMetadataList;v=v1",
            &list,
            &listed,
        );
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
        check(table, &secret, &secret);
    }
}
