//! Istiods as a scripted API server shows them, and what it is sent to restart one.

use serde_json::{Value, json};

use super::samples::{deployment, deployment_json, pod, pod_json};
use super::*;
use crate::cluster::error::{Kind, Problem};
use crate::cluster::script::{self, Reply, status};

fn namespace() -> NamespaceName {
    NamespaceName::new("istio-system").unwrap()
}

fn list(items: &[Value]) -> Reply {
    (200, json!({"kind": "List", "items": items}))
}

fn unchanged(_: &mut Value) {}

async fn expiries(cluster: &Cluster) -> Result<Expiries, Error> {
    let pod = pod("istiod-1", unchanged);
    cluster.istiod_expiries(&namespace(), &pod).await
}

async fn restart(cluster: &Cluster) -> Result<Deployment, Error> {
    let (istiod, now) = (deployment(unchanged), "2026-03-01T12:00:00Z");
    let now = now.parse().unwrap();
    cluster
        .restart_istiod(&namespace(), &istiod, "roots-1", now)
        .await
}

async fn nudge(cluster: &Cluster) -> Result<(), Error> {
    let (pod, now) = (pod("istiod-1", unchanged), "2026-03-01T12:00:00Z");
    let now = now.parse().unwrap();
    cluster.nudge_istiod(&namespace(), &pod, now).await
}

/// The authorizer's refusal, in its words.
fn forbidden(verb: &str, resource: &str, group: &str) -> Reply {
    let message = format!(
        "{resource} is forbidden: User \"ci\" cannot {verb} resource \"{resource}\" in API group \"{group}\" in the \
         namespace \"istio-system\""
    );
    status(403, "Forbidden", &message, json!({"kind": resource}))
}

/// Verb and resource of the rule that would allow it.
fn missing(error: &Error) -> (&str, &str) {
    match &error.problem {
        Problem::Forbidden {
            verb,
            resource,
            rbac: true,
            ..
        } => (verb, resource),
        other => panic!("expected a missing right, got {other:?}"),
    }
}

#[tokio::test]
async fn the_deployments_of_all_revisions_are_listed_by_name() {
    let named = |name: &str, revision: &str| {
        deployment_json(|json| {
            json["metadata"]["name"] = json!(name);
            json["metadata"]["labels"]["istio.io/rev"] = json!(revision);
        })
    };
    let reply = list(&[named("istiod-canary", "canary"), named("istiod", "default")]);
    let (cluster, sent) = script::cluster([reply]);
    let found = cluster.istiods(&namespace()).await.unwrap();
    let names: Vec<_> = found
        .iter()
        .map(|it| (it.name.as_str(), it.revision.as_deref().unwrap()))
        .collect();
    assert_eq!(names, [("istiod", "default"), ("istiod-canary", "canary")]);
    let path = "/apis/apps/v1/namespaces/istio-system/deployments?labelSelector=app%3Distiod";
    assert_eq!(sent.lines(), [format!("GET {path}")]);
}

#[tokio::test]
async fn before_there_is_an_istiod_the_list_is_empty_also_when_go_says_null() {
    for items in [json!([]), json!(null)] {
        let (cluster, _) = script::cluster([(200, json!({"items": items}))]);
        assert_eq!(cluster.istiods(&namespace()).await, Ok(Vec::new()));
    }
}

#[test]
fn a_deployment_is_read_as_far_as_rollouts_and_its_ca_depend_on_it() {
    let read = deployment(unchanged);
    assert_eq!((read.name.as_str(), read.uid.as_str()), ("istiod", "d-1"));
    assert_eq!(read.resource_version, "41");
    assert_eq!((read.generation, read.observed_generation), (3, 3));
    let pods = (read.wanted, read.replicas, read.updated, read.available);
    assert_eq!(pods, (2, 2, 2, 2));
    assert_eq!(read.version, Some(Version::new(1, 24, 3)));
    assert!(!read.paused && !read.deleting);
    assert_eq!(read.told(Setting::MultiRoot), None);
    assert_eq!(read.condition("Available").unwrap().status, "True");
    assert_eq!(read.condition("Progressing"), None);
    assert_eq!(read.template_annotations["prometheus.io/port"], "15014");
    assert_eq!(read.restarted_at(), None);
}

#[test]
fn of_the_environment_only_what_bears_on_the_ca_is_kept() {
    let read = deployment(|json| {
        let container = &mut json["spec"]["template"]["spec"]["containers"][0];
        container["env"] = json!([
            {"name": "ISTIO_MULTIROOT_MESH", "value": "false"},
            {"name": "ISTIO_MULTIROOT_MESH", "value": "true"},
            {"name": "PASSWORD", "value": "hunter2"},
            {"name": "EXTERNAL_CA", "valueFrom": {"configMapKeyRef": {"name": "x", "key": "y"}}},
            {"name": "ENABLE_CA_SERVER"},
        ]);
    });
    let text = |text: &str| Env::Text(text.to_owned());
    for (setting, expected) in [
        (Setting::MultiRoot, Some(text("true"))),
        (Setting::ExternalCa, Some(Env::FromElsewhere)),
        (Setting::CaServer, Some(text(""))),
        (Setting::AutoReload, None),
    ] {
        assert_eq!(read.told(setting), expected.as_ref(), "{setting:?}");
    }
    assert!(!format!("{read:?}").contains("hunter2"));
}

#[test]
fn the_variables_are_those_that_istio_reads() {
    let names = Setting::ALL.map(Setting::name);
    let known = [
        "ISTIO_MULTIROOT_MESH",
        "USE_CACERTS_FOR_SELF_SIGNED_CA",
        "EXTERNAL_CA",
        "ENABLE_CA_SERVER",
        "PILOT_CERT_PROVIDER",
        "ROOT_CA_DIR",
        "USE_REMOTE_CERTS",
        "AUTO_RELOAD_PLUGIN_CERTS",
        "PILOT_CA_CERT_CONFIGMAP",
    ];
    assert_eq!(names, known);
}

#[test]
fn a_secret_is_loaded_only_from_a_volume_that_the_container_has() {
    let unmounted = deployment(unchanged);
    assert_eq!(unmounted.mount_of("cacerts"), Some(Mount::Folder));
    assert_eq!(unmounted.mount_of("istio-kubeconfig"), None);
    let pod_spec =
        |change: fn(&mut Value)| deployment(|json| change(&mut json["spec"]["template"]["spec"]));
    let single = pod_spec(|spec| {
        spec["containers"][0]["volumeMounts"] = json!([
            {"name": "cacerts", "mountPath": "/etc/cacerts/ca-cert.pem", "subPath": "ca-cert.pem"},
        ]);
    });
    assert_eq!(single.mount_of("cacerts"), Some(Mount::SubPath));
    let projected = pod_spec(|spec| {
        spec["volumes"][0] = json!({"name": "cacerts", "projected": {"sources": [
            {"configMap": {"name": "x"}}, {"secret": {"name": "mesh-ca"}},
        ]}});
    });
    assert_eq!(projected.mount_of("mesh-ca"), Some(Mount::Folder));
    assert_eq!(projected.mount_of("cacerts"), None);
}

#[test]
fn the_container_of_istiod_is_known_among_sidecars() {
    let image = |change: fn(&mut Value)| {
        deployment(|json| change(&mut json["spec"]["template"]["spec"]["containers"])).version
    };
    assert_eq!(
        image(|containers| {
            let istiod = containers[0].clone();
            *containers = json!([{"name": "log-shipper", "image": "shipper:9.9.9"}, istiod]);
        }),
        Some(Version::new(1, 24, 3))
    );
    assert_eq!(
        image(|containers| containers[0]["name"] = json!("pilot")),
        Some(Version::new(1, 24, 3))
    );
    assert_eq!(image(|containers| *containers = json!([])), None);
}

#[test]
fn an_image_without_a_tag_leaves_the_release_to_the_chart() {
    let by_digest = |labels: Value| {
        let read = deployment(|json| {
            json["spec"]["template"]["spec"]["containers"][0]["image"] =
                json!("istio/pilot@sha256:01");
            json["metadata"]["labels"] = labels;
        });
        read.version
    };
    assert_eq!(by_digest(json!({})), None);
    let version = Some(Version::new(1, 29, 3));
    assert_eq!(
        by_digest(json!({"app.kubernetes.io/version": "1.29.3"})),
        version
    );
    assert_eq!(
        by_digest(json!({"helm.sh/chart": "istiod-1.29.3"})),
        version
    );
    assert_eq!(by_digest(json!({"helm.sh/chart": "other-1.29.3"})), None);
}

#[tokio::test]
async fn pods_are_listed_with_what_they_are_made_of() {
    let reply = list(&[
        pod_json("b", unchanged),
        pod_json("a", |json| {
            json["metadata"]["deletionTimestamp"] = json!("2026-03-01T10:00:00Z");
        }),
    ]);
    let (cluster, sent) = script::cluster([reply]);
    let found = cluster.istiod_pods(&namespace()).await.unwrap();
    assert_eq!((found[0].name.as_str(), found[0].deleting), ("a", true));
    let expected = Pod {
        name: "b".to_owned(),
        uid: "uid-of-b".to_owned(),
        revision: Some("default".to_owned()),
        version: Some(Version::new(1, 24, 3)),
        template_hash: Some("5b4f".to_owned()),
        phase: "Running".to_owned(),
        ready: true,
        started: Some("2026-03-01T08:00:00Z".parse().unwrap()),
        running_since: Some("2026-03-01T09:00:00Z".parse().unwrap()),
        restarts: 1,
        deleting: false,
        waiting: Vec::new(),
        labels: [
            ("app", "istiod"),
            ("istio.io/rev", "default"),
            ("pod-template-hash", "5b4f"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
    };
    assert_eq!(found[1], expected);
    let path = "/api/v1/namespaces/istio-system/pods?labelSelector=app%3Distiod";
    assert_eq!(sent.lines(), [format!("GET {path}")]);
}

#[test]
fn a_pod_is_of_the_deployment_whose_selector_takes_it() {
    let canary = deployment(|json| {
        json["spec"]["selector"]["matchLabels"]["istio.io/rev"] = json!("canary");
    });
    let of_canary = pod("istiod-canary-1", |json| {
        json["metadata"]["labels"]["istio.io/rev"] = json!("canary");
    });
    assert!(canary.has(&of_canary) && !canary.has(&pod("istiod-1", unchanged)));
    let default = deployment(unchanged);
    assert!(!default.has(&of_canary) && default.has(&pod("istiod-1", unchanged)));
}

#[test]
fn a_pod_says_what_it_waits_for() {
    let waiting = |status: Value| pod("istiod-1", |json| json["status"] = status).waiting;
    let container =
        |state: Value| json!({"containerStatuses": [{"name": "discovery", "state": state}]});
    let of = |reason: &str, message: &str| Waiting::Container {
        name: "discovery".to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
    };
    let pulling = json!({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off"}});
    assert_eq!(
        waiting(container(pulling)),
        [of("ImagePullBackOff", "Back-off")]
    );
    let ended = json!({"terminated": {"reason": "Error", "exitCode": 1}});
    assert_eq!(waiting(container(ended)), [of("Error", "")]);
    let name = "discovery".to_owned();
    assert_eq!(
        waiting(container(json!({"running": {}}))),
        [Waiting::Unready { name }]
    );
    let (reason, message) = ("Unschedulable".to_owned(), "0/3 nodes".to_owned());
    let unscheduled = json!({"phase": "Pending", "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": reason, "message": message},
    ]});
    assert_eq!(
        waiting(unscheduled),
        [Waiting::Unscheduled { reason, message }]
    );
    let (reason, message) = ("Evicted".to_owned(), "memory".to_owned());
    let evicted = json!({"phase": "Failed", "reason": reason, "message": message});
    assert_eq!(waiting(evicted), [Waiting::Failed { reason, message }]);
}

#[test]
fn an_init_container_that_is_done_is_not_waited_for() {
    let waiting = |exit: i32| {
        let init = json!([{"name": "init", "state": {"terminated": {"reason": "Completed", "exitCode": exit}}}]);
        pod("istiod-1", |json| {
            json["status"]["initContainerStatuses"] = init
        })
        .waiting
    };
    assert_eq!(waiting(0), []);
    assert_eq!(waiting(1).len(), 1);
}

#[tokio::test]
async fn the_metrics_are_asked_of_one_pod_through_the_proxy() {
    let page = "citadel_server_cert_chain_expiry_timestamp 1.803124741e+09\n";
    let (cluster, sent) = script::pages([(200, page)]);
    let told = expiries(&cluster).await.unwrap();
    assert_eq!(told.chain.unwrap().as_second(), 1_803_124_741);
    let path = "/api/v1/namespaces/istio-system/pods/istiod-1:15014/proxy/metrics";
    assert_eq!(sent.lines(), [format!("GET {path}")]);
}

#[tokio::test]
async fn what_is_no_metrics_is_an_error_and_not_no_gauges() {
    for page in [
        "<html>no</html>",
        "citadel_server_root_cert_expiry_timestamp soon",
    ] {
        let (cluster, _) = script::pages([(200, page)]);
        let error = expiries(&cluster).await.unwrap_err();
        assert!(
            matches!(error.problem, Problem::Unreadable { .. }),
            "{error}"
        );
        assert!(
            error
                .to_string()
                .starts_with("reading the metrics of pod istio-system/istiod-1: ")
        );
    }
}

#[tokio::test]
async fn a_restart_is_bound_to_the_very_state_that_was_read() {
    let restarted = deployment_json(|json| {
        json["metadata"]["generation"] = json!(4);
        json["spec"]["template"]["metadata"]["annotations"] = json!({
            "kubectl.kubernetes.io/restartedAt": "2026-03-01T12:00:00Z",
            "istiopca.io/restarted-for": "roots-1",
        });
    });
    let (cluster, sent) = script::cluster([(200, restarted)]);
    let after = restart(&cluster).await.unwrap();
    assert_eq!((after.generation, after.observed_generation), (4, 3));
    assert_eq!(after.restarted_at(), Some("2026-03-01T12:00:00Z"));
    assert_eq!(after.restarted_for(), Some("roots-1"));
    let sent = &sent.all()[0];
    let path = "/apis/apps/v1/namespaces/istio-system/deployments/istiod";
    assert_eq!(
        sent.line,
        format!("PATCH {path}?fieldManager=terraform-provider-istiopca")
    );
    assert_eq!(sent.media_type, "application/merge-patch+json");
    let annotation = json!({
        "kubectl.kubernetes.io/restartedAt": "2026-03-01T12:00:00Z",
        "istiopca.io/restarted-for": "roots-1",
    });
    let expected = json!({
        "metadata": {"uid": "d-1", "resourceVersion": "41"},
        "spec": {"template": {"metadata": {"annotations": annotation}}},
    });
    assert_eq!(sent.body, expected);
}

#[tokio::test]
async fn a_deployment_that_changed_or_went_meanwhile_is_told_as_such() {
    let modified = status(
        409,
        "Conflict",
        "the object has been modified",
        json!({"kind": "deployments"}),
    );
    let gone = status(404, "NotFound", "not found", json!({"kind": "deployments"}));
    for reply in [modified, gone] {
        let (cluster, _) = script::cluster([reply]);
        let error = restart(&cluster).await.unwrap_err();
        assert!(error.is_stale(), "{error}");
    }
}

#[tokio::test]
async fn a_touch_changes_nothing_but_an_annotation_of_that_very_pod() {
    let (cluster, sent) = script::cluster([(200, pod_json("istiod-1", unchanged))]);
    assert_eq!(nudge(&cluster).await, Ok(()));
    let annotations = json!({"istiopca.io/nudged-at": "2026-03-01T12:00:00Z"});
    let expected = json!({"metadata": {"uid": "uid-of-istiod-1", "annotations": annotations}});
    assert_eq!(sent.body(0), expected);
    let line = &sent.lines()[0];
    assert!(
        line.starts_with("PATCH /api/v1/namespaces/istio-system/pods/istiod-1?"),
        "{line}"
    );
}

#[tokio::test]
async fn each_denial_names_the_right_that_is_missing() {
    let replies = [
        forbidden("list", "deployments", "apps"),
        forbidden("list", "pods", ""),
        forbidden("get", "pods/proxy", ""),
        forbidden("patch", "deployments", "apps"),
        forbidden("patch", "pods", ""),
    ];
    let (cluster, _) = script::cluster(replies);
    let error = cluster.istiods(&namespace()).await.unwrap_err();
    assert_eq!(missing(&error), ("list", "deployments"));
    let error = cluster.istiod_pods(&namespace()).await.unwrap_err();
    assert_eq!(missing(&error), ("list", "pods"));
    let error = expiries(&cluster).await.unwrap_err();
    assert_eq!(missing(&error), ("get", "pods/proxy"));
    let error = restart(&cluster).await.unwrap_err();
    assert_eq!(missing(&error), ("patch", "deployments"));
    let error = nudge(&cluster).await.unwrap_err();
    assert_eq!(missing(&error), ("patch", "pods"));
}

/// Where the words are not the authorizer's, the rule is named by what was tried.
#[tokio::test]
async fn what_was_tried_is_named_as_rules_name_it() {
    let (cluster, _) = script::cluster((0..2).map(|_| status(403, "Forbidden", "no", json!({}))));
    let error = cluster.istiods(&namespace()).await.unwrap_err();
    let named = |error: &Error| match &error.problem {
        Problem::Forbidden { verb, resource, .. } => format!("{verb} {resource}"),
        other => panic!("{other:?}"),
    };
    assert_eq!(named(&error), "list deployments");
    let error = expiries(&cluster).await.unwrap_err();
    assert_eq!(named(&error), "get pods/proxy");
}

#[tokio::test]
async fn a_pod_that_went_meanwhile_is_gone() {
    let gone = status(404, "NotFound", "not found", json!({"kind": "pods"}));
    let (cluster, _) = script::cluster([gone]);
    let problem = expiries(&cluster).await.unwrap_err().problem;
    assert_eq!(problem, Problem::Gone { what: Kind::Pod });
}
