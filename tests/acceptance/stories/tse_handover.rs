//! Tetrate Service Express on the real API server, by CRDs of its group: who writes the mesh's CA
//! changes hands, in one field of one object.

use std::process;
use std::time::{Duration, Instant};

use istiopca_acceptance::apiserver::ApiServer;
use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::parts;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::world::World;

/// One of the two, as the API server knows it.
#[derive(Clone, Copy)]
struct Plane {
    setting: &'static str,
    kind: &'static str,
    resource: &'static str,
    name: &'static str,
}

const MANAGEMENT: Plane = Plane {
    setting: "management",
    kind: "ManagementPlane",
    resource: "managementplanes",
    name: "managementplane",
};

const CONTROL: Plane = Plane {
    setting: "control",
    kind: "ControlPlane",
    resource: "controlplanes",
    name: "controlplane",
};

const TAKEN_BACK: &str = "Tetrate writes the CA again";

impl Plane {
    fn full(self) -> String {
        format!("{}.install.tetrate.io", self.resource)
    }

    /// In these versions, of which the first is stored.
    fn crd(self, versions: &[&str]) -> Value {
        let any = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        let versions = versions.iter().enumerate().map(|(place, version)| {
            json!({"name": version, "served": true, "storage": place == 0,
                   "schema": {"openAPIV3Schema": any}})
        });
        let names = json!({"plural": self.resource, "singular": self.name, "kind": self.kind});
        json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": self.full()},
            "spec": {
                "group": "install.tetrate.io",
                "scope": "Namespaced",
                "names": names,
                "versions": versions.collect::<Vec<_>>(),
            },
        })
    }

    /// What stays, whoever writes the CA.
    fn left_alone(self) -> Value {
        match self.setting {
            "management" => json!({"hub": "registry.example.com/tse", "organization": "example",
                                   "certIssuer": {"tsbCerts": {}, "selfSigned": {}}}),
            _ => {
                json!({"hub": "registry.example.com/tse", "managementPlane": {"clusterName": "mesh-1"},
                        "components": {"xcp": {"isolationBoundaries": [{"name": "global"}]},
                                       "oap": {"streamingLogEnabled": true}}})
            }
        }
    }

    /// The merge patch of whoever has Tetrate write the CA.
    fn writing(self) -> Value {
        match self.setting {
            "management" => {
                json!({"spec": {"certIssuer": {"clusterIntermediateCAs": {"autoGenerate": {}}}}})
            }
            _ => json!({"spec": {"components": {"xcp": {"centralProvidedCaCert": true}}}}),
        }
    }

    /// All of `spec` once it is handed over.
    fn handed_over(self) -> Value {
        let mut spec = self.left_alone();
        if self.setting == "control" {
            spec["components"]["xcp"]["centralProvidedCaCert"] = json!(false);
        }
        spec
    }

    fn block(self, more: &str) -> String {
        let plane = self.setting;
        format!(
            "resource \"istiopca_tse_handover\" \"{plane}\" {{\n  plane = \"{plane}\"\n  {more}\n}}\n"
        )
    }

    fn rule(self, name: &str, verbs: &[&str]) -> Value {
        json!({"apiGroups": ["install.tetrate.io"], "resources": [self.resource],
               "resourceNames": [name], "verbs": verbs})
    }
}

async fn install(cluster: &ApiServer, plane: Plane, versions: &[&str]) {
    cluster.apply(&plane.crd(versions)).await.succeeds();
    let crd = format!("crd/{}", plane.full());
    let wait = ["wait", "--for=condition=Established", &crd, "--timeout=60s"];
    cluster.kubectl(&wait).await.succeeds();
}

/// A world with both planes in its namespace, which Tetrate's are not: there is one cluster for all.
struct Tetrate {
    world: World,
}

impl Tetrate {
    async fn new(cli: Cli, story: &str) -> Self {
        let world = World::with_binary(cli, story).await;
        static INSTALLED: OnceCell<()> = OnceCell::const_new();
        let install = || async {
            for plane in [MANAGEMENT, CONTROL] {
                install(world.cluster, plane, &["v1alpha1"]).await;
            }
        };
        INSTALLED.get_or_init(install).await;
        let tetrate = Self { world };
        for plane in [MANAGEMENT, CONTROL] {
            tetrate.make(plane).await;
        }
        tetrate
    }

    /// The plane's object, which writes the CA.
    async fn make(&self, plane: Plane) {
        let object = json!({
            "apiVersion": "install.tetrate.io/v1alpha1",
            "kind": plane.kind,
            "metadata": {"name": plane.name, "namespace": self.world.namespace,
                         "labels": {"team": "platform"}},
            "spec": plane.left_alone(),
        });
        self.world.cluster.apply(&object).await.succeeds();
        self.take_back(plane).await;
    }

    async fn take_back(&self, plane: Plane) {
        let patch = plane.writing().to_string();
        let (full, namespace) = (plane.full(), &self.world.namespace);
        let patch = [
            "patch",
            &full,
            plane.name,
            "-n",
            namespace,
            "--type=merge",
            "-p",
            &patch,
        ];
        self.world.cluster.kubectl(&patch).await.succeeds();
    }

    async fn live(&self, plane: Plane) -> Value {
        let (full, namespace) = (plane.full(), &self.world.namespace);
        let get = [
            "get",
            &full,
            plane.name,
            "-n",
            namespace,
            "-o",
            "json",
            "--show-managed-fields",
        ];
        self.world.cluster.kubectl(&get).await.succeeds().json()
    }

    async fn allow(&self, planes: &[Plane], verbs: &[&str]) {
        let World {
            cluster,
            namespace,
            user,
            ..
        } = &self.world;
        // A user has rights by one Role in a namespace: all rules are in it.
        let rules: Vec<Value> = planes
            .iter()
            .map(|plane| plane.rule(plane.name, verbs))
            .collect();
        cluster.grant(user, Some(namespace), &rules).await;
        for (plane, verb) in planes
            .iter()
            .flat_map(|plane| verbs.iter().map(move |verb| (plane, verb)))
        {
            let target = format!("{}/{}", plane.full(), plane.name);
            let can = ["auth", "can-i", verb, &target, "-n", namespace];
            let end = Instant::now() + Duration::from_secs(30);
            loop {
                let answer = cluster.kubectl_as(user, &can).await;
                if answer.stdout().trim() == "yes" {
                    break;
                }
                assert!(Instant::now() < end, "{answer}");
            }
        }
    }

    /// Both planes, in the namespace of the story.
    fn both(&self) -> String {
        let here = format!("namespace = \"{}\"", self.world.namespace);
        format!("{}{}", MANAGEMENT.block(&here), CONTROL.block(&here))
    }
}

/// The fields that our manager holds.
fn ours(object: &Value) -> Vec<Value> {
    let managers = object["metadata"]["managedFields"].as_array();
    let managers = managers.into_iter().flatten();
    let ours = managers.filter(|entry| entry["manager"] == "terraform-provider-istiopca");
    ours.map(|entry| entry["fieldsV1"]["f:spec"].clone())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_planes_are_handed_over_and_nothing_else_of_theirs_is_touched() {
    for cli in Cli::both() {
        let mut tetrate = Tetrate::new(cli, "tse").await;
        tetrate
            .allow(&[MANAGEMENT, CONTROL], &["get", "patch"])
            .await;
        tetrate.world.configure(&tetrate.both());
        tetrate.world.plan(&[]).await.exit_code(2);
        tetrate.world.apply(&[]).await.succeeds();
        let mut versions = Vec::new();
        for plane in [MANAGEMENT, CONTROL] {
            let live = tetrate.live(plane).await;
            assert_eq!(live["spec"], plane.handed_over());
            assert_eq!(live["metadata"]["labels"], json!({"team": "platform"}));
            versions.push(live["metadata"]["resourceVersion"].clone());
        }
        let control = tetrate.live(CONTROL).await;
        let field = json!({"f:components": {"f:xcp": {"f:centralProvidedCaCert": {}}}});
        assert_eq!(ours(&control), [field]);
        let state = tetrate.world.state("istiopca_tse_handover.control").await;
        assert_eq!(state["uid"], control["metadata"]["uid"]);

        // Nothing is written to what is right.
        tetrate.world.plan(&[]).await.exit_code(0);
        tetrate.world.nothing_to_refresh().await;
        tetrate
            .world
            .apply(&["-replace=istiopca_tse_handover.control"])
            .await
            .succeeds();
        for (plane, version) in [MANAGEMENT, CONTROL].into_iter().zip(versions) {
            assert_eq!(
                tetrate.live(plane).await["metadata"]["resourceVersion"],
                version
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plane_that_is_switched_on_again_is_told_and_switched_off_in_place() {
    for cli in Cli::both() {
        let mut tetrate = Tetrate::new(cli, "tse-drift").await;
        tetrate
            .allow(&[MANAGEMENT, CONTROL], &["get", "patch"])
            .await;
        tetrate.world.configure(&tetrate.both());
        tetrate.world.apply(&[]).await.succeeds();
        for plane in [MANAGEMENT, CONTROL] {
            tetrate.take_back(plane).await;
            let run = tetrate.world.plan(&[]).await;
            run.exit_code(2)
                .says(TAKEN_BACK)
                .says("1 to change, 0 to destroy");
            tetrate.world.apply(&[]).await.succeeds();
            assert_eq!(tetrate.live(plane).await["spec"], plane.handed_over());
            tetrate
                .world
                .plan(&[])
                .await
                .exit_code(0)
                .never_says(TAKEN_BACK);
        }
        // An object that was made anew is looked at like the one before it.
        let (full, namespace) = (CONTROL.full(), tetrate.world.namespace.clone());
        let delete = ["delete", &full, CONTROL.name, "-n", &namespace];
        tetrate.world.cluster.kubectl(&delete).await.succeeds();
        tetrate
            .world
            .plan(&[])
            .await
            .exit_code(2)
            .says("the plane is gone");
        tetrate.make(CONTROL).await;
        tetrate.world.plan(&[]).await.exit_code(2).says(TAKEN_BACK);
        tetrate.world.apply(&[]).await.succeeds();
        let live = tetrate.live(CONTROL).await;
        assert_eq!(live["spec"], CONTROL.handed_over());
        let state = tetrate.world.state("istiopca_tse_handover.control").await;
        assert_eq!(state["uid"], live["metadata"]["uid"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroy_forgets_and_says_what_stays() {
    for cli in Cli::both() {
        let mut tetrate = Tetrate::new(cli, "tse-destroy").await;
        tetrate
            .allow(&[MANAGEMENT, CONTROL], &["get", "patch"])
            .await;
        tetrate.world.configure(&tetrate.both());
        tetrate.world.apply(&[]).await.succeeds();
        let before = [tetrate.live(MANAGEMENT).await, tetrate.live(CONTROL).await];
        let run = tetrate.world.destroy(&[]).await;
        run.succeeds()
            .says("it will be forgotten and stays as it is");
        let after = [tetrate.live(MANAGEMENT).await, tetrate.live(CONTROL).await];
        assert_eq!(after, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_missing_is_told_with_the_rule_to_add_and_nothing_is_changed() {
    for cli in Cli::both() {
        let mut tetrate = Tetrate::new(cli, "tse-rights").await;
        let here = format!("namespace = \"{}\"", tetrate.world.namespace);
        tetrate.world.configure(&MANAGEMENT.block(&here));
        let before = tetrate.live(MANAGEMENT).await;
        let place = format!(
            "managementplanes {}/managementplane",
            tetrate.world.namespace
        );
        let run = tetrate.world.apply(&[]).await;
        run.fails()
            .says(&format!("- get {place}"))
            .says(&format!("- patch {place}"));
        tetrate.allow(&[MANAGEMENT], &["get"]).await;
        let run = tetrate.world.apply(&[]).await;
        run.fails()
            .says(&format!("- patch {place}"))
            .never_says(&format!("- get {place}"))
            .says("{apiGroups: [install.tetrate.io], resources: [managementplanes], resourceNames: [managementplane], verbs: [get, patch]}");
        assert_eq!(tetrate.live(MANAGEMENT).await, before);
        // The rule that was told is enough.
        tetrate.allow(&[MANAGEMENT], &["get", "patch"]).await;
        tetrate.world.apply(&[]).await.succeeds();
        assert_eq!(
            tetrate.live(MANAGEMENT).await["spec"],
            MANAGEMENT.handed_over()
        );
    }
}

/// A cluster by itself: the CRDs come and change in it.
async fn bare() -> &'static ApiServer {
    static BARE: OnceCell<ApiServer> = OnceCell::const_new();
    let start = || async {
        let dir = parts::target_dir()
            .join("stories")
            .join(format!("bare-{}", process::id()));
        ApiServer::start(&dir).await.expect("an API server starts")
    };
    BARE.get_or_init(start).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_told_and_what_comes_is_found_by_whatever_version_is_served() {
    let mut world = World::with_binary(Cli::OpenTofu, "tse-bare").await;
    let cluster = bare().await;
    cluster
        .kubectl(&["create", "namespace", "tse"])
        .await
        .succeeds();
    world.cluster = cluster;
    world.user = cluster.restricted("tse", "cacerts").await;
    let rule = MANAGEMENT.rule(MANAGEMENT.name, &["get", "patch"]);
    cluster.grant(&world.user, None, &[rule]).await;
    world.namespace = "tse".to_owned();
    world.configure(&MANAGEMENT.block(""));

    let no_crd = "Tetrate Service Express is not in this cluster";
    world.plan(&[]).await.exit_code(2).says(no_crd);
    world.apply(&[]).await.fails().says(no_crd);
    install(cluster, MANAGEMENT, &["v1alpha1"]).await;
    let no_object = "there is no such plane";
    world.plan(&[]).await.exit_code(2).says(no_object);
    world.apply(&[]).await.fails().says(no_object);

    let mut tetrate = Tetrate { world };
    tetrate.make(MANAGEMENT).await;
    tetrate.world.apply(&[]).await.succeeds();
    assert_eq!(
        tetrate.live(MANAGEMENT).await["spec"],
        MANAGEMENT.handed_over()
    );
    // An upgrade that serves a newer version beside the old one, which then goes.
    for versions in [&["v1alpha1", "v1beta1"][..], &["v1beta1", "v1alpha1"]] {
        install(cluster, MANAGEMENT, versions).await;
        tetrate.world.plan(&[]).await.exit_code(0);
        tetrate.take_back(MANAGEMENT).await;
        tetrate.world.apply(&[]).await.succeeds().says(TAKEN_BACK);
        assert_eq!(
            tetrate.live(MANAGEMENT).await["spec"],
            MANAGEMENT.handed_over()
        );
    }
    let patched = |uri: &str| uri.contains("/install.tetrate.io/v1beta1/");
    let audited = |request: &istiopca_acceptance::apiserver::Audited| {
        request.verb == "patch" && request.status == 200 && patched(&request.uri)
    };
    cluster
        .audited("a patch in the newer version", audited)
        .await;
}
