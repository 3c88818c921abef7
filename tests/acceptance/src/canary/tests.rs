use std::fs;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use istiopca_secrets::archives;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::process::{Running, guarded};

/// A directory under watch, and a key that a cluster has.
struct Scene {
    canary: Canary,
    place: TempDir,
    pem: String,
    // Where the key is for a run to take it from.
    elsewhere: TempDir,
}

const SOON: Duration = Duration::from_secs(20);

impl Scene {
    fn new() -> Self {
        let scene = Self::without_a_cluster();
        let secret = vec![("Secret mesh/cacerts".to_owned(), scene.pem.clone())];
        scene.canary.watch(move || Ok(secret.clone()));
        scene
    }

    fn without_a_cluster() -> Self {
        let (place, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
        fs::write(elsewhere.path().join("key"), &pem).unwrap();
        Self {
            canary: Canary::over(&[place.path()]),
            place,
            pem,
            elsewhere,
        }
    }

    fn start(&self, script: &str) -> Running {
        let mut command = guarded(Path::new("sh"), None);
        command.args(["-c", script]).current_dir(self.place.path());
        command.env("KEY", self.elsewhere.path().join("key"));
        let under_way = self.canary.begins(script);
        let running = Running::start(command, script).unwrap();
        running.watched(under_way)
    }

    async fn run(&self, script: &str) {
        self.start(script).wait(SOON).await.succeeds();
    }

    /// In which places the scalar is found, each by the first word of its description.
    fn found(&self) -> Vec<String> {
        let verdict = self.canary.verdict();
        assert_eq!(verdict.gaps, [""; 0]);
        let findings = verdict.findings.into_iter();
        let of_the_key = findings.filter(|finding| finding.part == "the scalar");
        let place = |place: &str| place.split(' ').next().unwrap_or_default().to_owned();
        let mut places: Vec<_> = of_the_key.map(|finding| place(&finding.place)).collect();
        let here = format!("{}/", self.place.path().display());
        places
            .iter_mut()
            .for_each(|place| *place = place.replace(&here, ""));
        places.sort();
        places.dedup();
        places
    }

    /// A run that leaves this state.
    async fn leaves(&self, state: &Value) {
        fs::write(self.elsewhere.path().join("state"), state.to_string()).unwrap();
        self.run("cat \"$(dirname \"$KEY\")/state\" > terraform.tfstate")
            .await;
    }
}

#[tokio::test]
async fn whatever_a_run_leaves_is_searched() {
    let scene = Scene::new();
    scene.run("echo nothing > innocent").await;
    assert_eq!(scene.found(), [""; 0]);
    scene
        .run("mkdir -p deep/er && gzip -c < $KEY > deep/er/copy; ln -s $KEY link")
        .await;
    scene
        .run("cat $KEY; openssl pkey -in $KEY -noout -text >&2")
        .await;
    assert_eq!(scene.found(), ["deep/er/copy", "stderr", "stdout"]);
    assert!(
        scene
            .canary
            .verdict()
            .to_string()
            .contains("the key in Secret mesh/cacerts (")
    );
}

#[tokio::test]
async fn what_is_written_over_or_removed_by_the_next_run_is_searched_too() {
    let scene = Scene::new();
    scene.run("cp $KEY version; cp $KEY passing").await;
    scene.run("echo clean > version; rm passing").await;
    assert_eq!(scene.found(), ["passing", "version"]);
}

#[tokio::test]
async fn what_a_killed_run_has_left_is_searched() {
    let scene = Scene::new();
    let running = scene.start("cp $KEY left; echo done; sleep 1000");
    running.until_it_says("done", SOON).await;
    drop(running);
    assert_eq!(scene.found(), ["left"]);
}

#[tokio::test]
async fn what_a_story_writes_is_its_own() {
    let scene = Scene::new();
    let write = |name: &str| {
        let file = scene.place.path().join(name);
        fs::write(&file, &scene.pem).unwrap();
        file
    };
    write("between");
    let running =
        scene.start("echo ready; while [ ! -e go ]; do sleep 0.01; done; cp between copied");
    running.until_it_says("ready", SOON).await;
    let file = write("meanwhile");
    scene.canary.is_the_storys(&file);
    write("go");
    running.wait(SOON).await.succeeds();
    assert_eq!(scene.found(), ["copied", "go"]);
}

#[tokio::test]
async fn a_key_that_nobody_knows_is_found_unless_the_story_wrote_it() {
    let scene = Scene::without_a_cluster();
    let own = rcgen::KeyPair::generate().unwrap().serialize_pem();
    fs::write(scene.place.path().join("main.tf"), &own).unwrap();
    scene.run("cp main.tf taken-over").await;
    assert!(
        scene.canary.verdict().is_clean(),
        "{}",
        scene.canary.verdict()
    );
    scene.run("cp $KEY unknown").await;
    let verdict = scene.canary.verdict();
    let secrets = verdict.findings.iter().map(|finding| &*finding.secret);
    let secrets: BTreeSet<&str> = secrets.collect();
    assert_eq!(secrets, BTreeSet::from(["a private key"]), "{verdict}");
}

#[tokio::test]
async fn a_state_may_hold_its_key_in_one_place() {
    let instance = |kind: &str, attributes: Value, private: Value| {
        let private = STANDARD.encode(json!({"own": private}).to_string());
        json!({"resources": [{"type": kind, "instances": [
            {"attributes": attributes, "private": private}]}]})
    };
    let scene = Scene::new();
    let pem = &scene.pem;
    let none = json!(null);
    let kept = json!({"private_key_storage": "state", "private_key_pem": pem});
    let held = json!({"intermediate": [], "private_key_pem": pem});
    let ordered = json!({"pending": {"private_key_pem": pem}});
    for state in [
        instance("istiopca_intermediate", kept.clone(), none.clone()),
        instance("istiopca_intermediate", kept.clone(), ordered.clone()),
        instance("istiopca_cacerts_secret", held, none.clone()),
    ] {
        scene.leaves(&state).await;
        assert_eq!(scene.found(), [""; 0], "{state:#}");
    }
    let issuing = json!({"intermediate": [{}], "private_key_pem": pem});
    let sealed = json!({"private_key_storage": "kms", "private_key_pem": pem});
    let beside = json!({"private_key_storage": "state", "private_key_pem": null, "other": pem});
    for state in [
        instance("istiopca_cacerts_secret", issuing, none.clone()),
        instance("istiopca_intermediate", sealed.clone(), none.clone()),
        instance("istiopca_intermediate", json!({}), ordered),
        instance("istiopca_intermediate", beside, none.clone()),
        instance("istiopca_intermediate", kept.clone(), json!({"key": pem})),
        json!({"outputs": {"private_key_pem": {"value": pem}}}),
    ] {
        let scene = Scene {
            pem: pem.clone(),
            ..Scene::new()
        };
        let secret = vec![("Secret mesh/cacerts".to_owned(), pem.clone())];
        scene.canary.watch(move || Ok(secret.clone()));
        scene.leaves(&state).await;
        assert_eq!(scene.found(), ["terraform.tfstate"], "{state:#}");
    }
}

#[tokio::test]
async fn a_key_that_only_a_state_has_is_looked_for_elsewhere() {
    let scene = Scene::without_a_cluster();
    let kept = json!({"private_key_storage": "state", "private_key_pem": scene.pem});
    scene.leaves(&json!({"attributes": kept})).await;
    assert_eq!(scene.found(), [""; 0]);
    scene.run("openssl base64 -A -in $KEY > log").await;
    assert_eq!(scene.found(), ["log"]);
}

#[tokio::test]
async fn what_is_not_looked_at_is_a_gap() {
    let scene = Scene::new();
    let gaps = || scene.canary.verdict().gaps;
    scene.leaves(&json!({"public_key_sha256": "ab12"})).await;
    assert_eq!(
        gaps(),
        ["the key of ab12, which a state names, was not looked for"]
    );
    let looked_at = Scene::without_a_cluster();
    let in_aws = json!({"public_key_sha256": "ab12", "cannot_issue_because": []});
    let types = json!({"public_key_sha256": "string"});
    looked_at.leaves(&json!([in_aws, types])).await;
    assert_eq!(looked_at.canary.verdict().gaps, [""; 0]);
    let other = Scene::without_a_cluster();
    other.canary.watch(|| Err("it is down".to_owned()));
    other.run("true").await;
    assert_eq!(
        other.canary.verdict().gaps,
        ["a cluster's Secrets: it is down"]
    );

    let traced = Scene::new();
    let file = traced.canary.trace();
    fs::create_dir(file.parent().unwrap()).unwrap();
    traced
        .leaves(&json!({"resources": [{"type": "istiopca_intermediate"}]}))
        .await;
    assert_eq!(
        traced.canary.verdict().gaps,
        ["no trace of a plan was looked into"]
    );
    traced.run("echo PlanResourceChange > traces/000.log").await;
    assert!(traced.canary.verdict().is_clean());
}

#[tokio::test]
async fn what_a_story_expects_must_be_there() {
    let scene = Scene::new();
    scene.run("cat $KEY").await;
    scene.canary.expect_in("stdout of `cat");
    assert!(scene.canary.verdict().is_clean());
    scene.canary.expect_in("a file");
    let gaps = scene.canary.verdict().gaps;
    assert_eq!(gaps, ["something should have been found in a file"]);
}

#[tokio::test]
async fn other_secrets_and_other_places_are_searched_too() {
    let scene = Scene::new();
    scene.run("true").await;
    scene
        .canary
        .look_for(Secret::text("a password", "correct-horse-battery"));
    scene
        .canary
        .left_elsewhere("a backend's state", scene.pem.as_bytes());
    scene
        .canary
        .left_elsewhere("a log", b"user:correct-horse-battery@proxy");
    let verdict = scene.canary.verdict();
    let all: BTreeSet<_> = verdict
        .findings
        .iter()
        .map(|it| (&*it.place, it.part))
        .collect();
    assert!(
        all.contains(&("a backend's state", "the scalar")),
        "{verdict}"
    );
    assert!(all.contains(&("a log", "the text")), "{verdict}");
}

#[test]
fn a_plan_may_hold_the_key_of_its_state() {
    let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let state = json!({"attributes": {"private_key_storage": "state", "private_key_pem": pem}});
    let packed = |name: &str| {
        let mut packed = vec![0xa0 | name.len() as u8];
        packed.extend(name.bytes());
        packed.extend([0xd9, u8::try_from(pem.len()).unwrap()]);
        packed.extend(pem.bytes());
        packed
    };
    let rest = |state: &Value, name: &str| {
        let member = |name: &str, bytes: Vec<u8>| archives::Member {
            name: name.to_owned(),
            bytes,
        };
        let plan = [&b"before"[..], &packed(name), b"after"].concat();
        let members = vec![
            member("tfplan", plan),
            member("tfstate", state.to_string().into()),
        ];
        custody::PlanFile::read(members).rest
    };
    let holds = |rest: &[archives::Member]| {
        let plan = rest.iter().find(|member| member.name == "tfplan").unwrap();
        assert!(plan.bytes.starts_with(b"before") && plan.bytes.ends_with(b"after"));
        archives::places(&plan.bytes, pem.as_bytes())
            .next()
            .is_some()
    };
    assert!(!holds(&rest(&state, "private_key_pem")));
    assert!(holds(&rest(&state, "another_key_pem")));
    assert!(holds(&rest(&json!({}), "private_key_pem")));
}
