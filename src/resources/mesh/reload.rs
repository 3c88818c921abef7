//! Which change of its files a running istiod takes up by itself, and for which it must be restarted.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::cluster::istiod::{Deployment, Env, Mount, Setting, Version};
use crate::pki::{Certificate, Fingerprint, Format};

/// Why an istiod must be restarted. The words stand in the output `restart_reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::resources) enum Reason {
    /// It runs with a CA of its own, and would take the Secret for its own, too
    /// (`USE_CACERTS_FOR_SELF_SIGNED_CA`): it would publish our intermediate as the mesh's root.
    TakesTheSecretForItsOwn,
    /// It runs with a CA of its own, and does not look at the Secret.
    FirstPlugIn,
    /// The names of the files change: it looks for those that it found when it started.
    Layout,
    /// The trusted roots change, and it would pass the whole update over.
    Roots,
    /// Its release, or its settings, do not take up any change of the files.
    NoReload,
    /// It has the files by `subPath`, which kubelet never brings up to date.
    SubPath,
    /// The user wants it whenever the Secret is written.
    Always,
}

/// What a running istiod has in memory, before a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::resources) enum Held<'a> {
    /// The CA of the Secret, with these trust anchors: the file as it read it.
    Roots(&'a str),
    /// A CA that it made itself.
    SelfSigned,
}

/// What is written over what.
#[derive(Clone, Copy, Debug)]
pub(in crate::resources) struct Change<'a> {
    /// Name of the Secret.
    pub(in crate::resources) secret: &'a str,
    /// What istiod has.
    pub(in crate::resources) held: Held<'a>,
    /// The trust anchors to come: the file as it is written.
    pub(in crate::resources) roots: &'a str,
    /// The layout before, where there was a Secret, and after.
    pub(in crate::resources) layouts: (Option<Format>, Format),
    /// Whether any file that istiod reads changes at all.
    pub(in crate::resources) differs: bool,
}

impl<'a> Held<'a> {
    /// What the istiods of a namespace have, by what they `published` and by the trust anchors that the Secret `had`
    /// before it was written. Without either nothing says that they ever saw it.
    pub(in crate::resources) fn by(published: Option<&'a str>, had: Option<&'a str>) -> Self {
        match (published, had) {
            (Some(roots), _) if is_self_signed(roots) && had.is_none_or(|had| had != roots) => {
                Self::SelfSigned
            }
            (Some(roots), _) | (None, Some(roots)) => Self::Roots(roots),
            (None, None) => Self::SelfSigned,
        }
    }
}

/// Whether these are the trust anchors of an istiod that signs by itself: one root whose subject is an organisation,
/// the trust domain, and nothing else.
fn is_self_signed(roots: &str) -> bool {
    let roots = Certificate::parse_all(roots).unwrap_or_default();
    let [root] = roots.as_slice() else {
        return false;
    };
    let subject = root.subject().as_str();
    root.is_self_signed() && subject.starts_with("O=") && !subject.contains([',', '+'])
}

impl Reason {
    /// Why this istiod must be restarted to take the change up; `None` if it takes it up by itself, or has nothing to
    /// do with the Secret.
    pub(in crate::resources) fn find(istiod: &Deployment, change: &Change<'_>) -> Option<Self> {
        let mount = istiod.mount_of(change.secret)?;
        if !loads(istiod, change.secret) {
            return None;
        }
        let Change {
            held,
            roots,
            layouts: (was, will),
            differs,
            ..
        } = *change;
        let held = match held {
            Held::SelfSigned if is_on(istiod, Setting::CacertsForSelfSigned) => {
                return Some(Self::TakesTheSecretForItsOwn);
            }
            Held::SelfSigned => return Some(Self::FirstPlugIn),
            Held::Roots(held) => held,
        };
        let stale = differs || held != roots;
        if was.is_some_and(|was| was != will) {
            Some(Self::Layout)
        } else if stale && mount == Mount::SubPath {
            Some(Self::SubPath)
        } else if stale && !reloads(istiod) {
            Some(Self::NoReload)
        } else if held != roots && !takes_roots(istiod, held, roots) {
            Some(Self::Roots)
        } else {
            None
        }
    }

    /// Whether what istiod publishes shows that the restart has been made since.
    pub(in crate::resources) fn shows_in_roots(self) -> bool {
        matches!(
            self,
            Self::TakesTheSecretForItsOwn | Self::FirstPlugIn | Self::Roots
        )
    }

    /// Its word in outputs.
    pub(in crate::resources) fn word(self) -> &'static str {
        match self {
            Self::TakesTheSecretForItsOwn => "takes_the_secret_for_its_own",
            Self::FirstPlugIn => "first_plug_in",
            Self::Layout => "layout",
            Self::Roots => "roots",
            Self::NoReload => "no_reload",
            Self::SubPath => "sub_path",
            Self::Always => "always",
        }
    }
}

/// Whether an istiod signs with what is in the Secret of this name, once it has taken that up: unless it is seen that
/// it does not.
pub(in crate::resources) fn loads(istiod: &Deployment, secret: &str) -> bool {
    istiod.mount_of(secret).is_some() && !istiod.signs_elsewhere()
}

/// Whether it takes up changes of its files at all.
fn reloads(istiod: &Deployment) -> bool {
    let told = istiod.told(Setting::AutoReload);
    let wanted = told.and_then(Env::flag);
    let unseen = told == Some(&Env::FromElsewhere);
    match istiod.version {
        Some(release) if release < RELOAD_EXISTS => false,
        Some(release) if release < RELOAD_BY_DEFAULT => wanted == Some(true),
        Some(release) if release < RELOAD_ALWAYS => wanted != Some(false) && !unseen,
        Some(_) | None => true,
    }
}

/// Whether it takes up other trust anchors. Of a release that is not known nothing good is supposed.
fn takes_roots(istiod: &Deployment, held: &str, roots: &str) -> bool {
    if !is_on(istiod, Setting::MultiRoot) {
        return false;
    }
    match istiod.version {
        Some(release) if release < MULTI_ROOT => false,
        Some(release) if release < ROOTS_AS_SETS => held.contains(roots) || roots.contains(held),
        Some(_) => {
            let (held, roots) = (digests(held), digests(roots));
            held.is_subset(&roots) || roots.is_subset(&held)
        }
        None => false,
    }
}

fn digests(pem: &str) -> BTreeSet<Fingerprint> {
    let roots = Certificate::parse_all(pem).unwrap_or_default();
    roots.iter().map(Certificate::sha256).collect()
}

fn is_on(istiod: &Deployment, setting: Setting) -> bool {
    flag(istiod, setting) == Some(true)
}

fn flag(istiod: &Deployment, setting: Setting) -> Option<bool> {
    istiod.told(setting)?.flag()
}

const RELOAD_EXISTS: Version = Version::new(1, 12, 0);
const RELOAD_BY_DEFAULT: Version = Version::new(1, 18, 0);
const RELOAD_ALWAYS: Version = Version::new(1, 19, 0);
/// istio/istio#47063.
const MULTI_ROOT: Version = Version::new(1, 20, 0);
/// istio/istio#59909.
const ROOTS_AS_SETS: Version = Version::new(1, 30, 0);

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::istiod::samples::{self, told};
    use crate::pki::testing::{Ca, Spec};

    static ROOTS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let root = |name| Ca::root(Spec::ca(name)).certificate.to_pem();
        ["a", "b", "c"].map(root).to_vec()
    });

    /// The file of these roots, one letter each.
    fn file(letters: &str) -> String {
        let root = |letter: u8| ROOTS[usize::from(letter - b'a')].as_str();
        letters.bytes().map(root).collect()
    }

    /// As istiod makes it: an organisation and nothing else.
    fn of_a_trust_domain() -> String {
        let spec = Spec::ca("x").tweak(|params| {
            params.distinguished_name = rcgen::DistinguishedName::new();
            let name = &mut params.distinguished_name;
            name.push(rcgen::DnType::OrganizationName, "cluster.local");
        });
        Ca::root(spec).certificate.to_pem()
    }

    fn found(istiod: &Deployment, held: &str, roots: &str) -> Option<Reason> {
        let (held, roots) = (file(held), file(roots));
        Reason::find(istiod, &change(Held::Roots(&held), &roots))
    }

    fn change<'a>(held: Held<'a>, roots: &'a str) -> Change<'a> {
        Change {
            secret: "cacerts",
            held,
            roots,
            layouts: (Some(Format::Istio), Format::Istio),
            differs: true,
        }
    }

    const SEVERAL: [(&str, &str); 1] = [("ISTIO_MULTIROOT_MESH", "true")];

    /// Which change of the roots which release takes up, by its source and by runs of 1.31.
    #[test]
    fn roots_are_taken_up_by_release_and_by_setting() {
        let none: &[(&str, &str)] = &[];
        for (version, env, held, roots, taken) in [
            (":1.31.0", none, "a", "a", true),
            (":1.31.0", none, "a", "ab", false),
            (":1.31.0", none, "ab", "a", false),
            (":1.31.0", none, "ab", "ba", false),
            (":1.19.9", &SEVERAL, "a", "ab", false),
            (":1.20.0", &SEVERAL, "a", "ab", true),
            (":1.20.0", &SEVERAL, "ab", "b", true),
            (":1.20.0", &SEVERAL, "ab", "ba", false),
            (":1.29.3", &SEVERAL, "abc", "bc", true),
            (":1.29.3", &SEVERAL, "abc", "ac", false),
            (":1.29.3", &SEVERAL, "a", "b", false),
            (":1.30.0", &SEVERAL, "abc", "ac", true),
            (":1.30.0", &SEVERAL, "ab", "ba", true),
            (":1.30.0", &SEVERAL, "ab", "abb", true),
            (":1.30.0", &SEVERAL, "ab", "bc", false),
            (":1.30.0", &SEVERAL, "a", "b", false),
            ("@sha256:01", &SEVERAL, "a", "ab", false),
            ("@sha256:01", &SEVERAL, "a", "a", true),
        ] {
            let expected = (!taken).then_some(Reason::Roots);
            let found = found(&told(version, env), held, roots);
            assert_eq!(found, expected, "{version} {env:?}: {held} to {roots}");
        }
    }

    #[test]
    fn a_flag_is_what_go_takes_for_one() {
        for (text, taken) in [
            ("1", true),
            ("True", true),
            ("yes", false),
            ("", false),
            ("false", false),
        ] {
            let istiod = told(":1.24.0", &[("ISTIO_MULTIROOT_MESH", text)]);
            assert_eq!(found(&istiod, "a", "ab").is_none(), taken, "{text:?}");
        }
    }

    #[test]
    fn a_renewal_is_taken_up_from_the_release_on_that_reloads() {
        let (on, off) = (
            [("AUTO_RELOAD_PLUGIN_CERTS", "true")],
            [("AUTO_RELOAD_PLUGIN_CERTS", "false")],
        );
        for (version, env, taken) in [
            (":1.11.8", &on[..], false),
            (":1.12.0", &on, true),
            (":1.17.8", &[], false),
            (":1.18.0", &[], true),
            (":1.18.0", &off, false),
            (":1.19.0", &off, true),
            ("@sha256:01", &[], true),
        ] {
            let expected = (!taken).then_some(Reason::NoReload);
            assert_eq!(
                found(&told(version, env), "a", "a"),
                expected,
                "{version} {env:?}"
            );
        }
    }

    /// A Deployment that gets its switches where nobody looks.
    fn with_unseen(version: &str, by: &Value) -> Deployment {
        samples::deployment(|json| {
            let container = &mut json["spec"]["template"]["spec"]["containers"][0];
            container["image"] = json!(format!("istio/pilot{version}"));
            let fields = by.as_object().expect("fields of a container");
            let container = container.as_object_mut().expect("a container");
            container.extend(fields.clone());
        })
    }

    #[test]
    fn of_a_switch_that_is_not_seen_the_worse_is_supposed() {
        let named = |name: &str| {
            let key = json!({"configMapKeyRef": {"name": "x", "key": "y"}});
            json!({"env": [{"name": name, "valueFrom": key}]})
        };
        let whole = json!({"env": [], "envFrom": [{"configMapRef": {"name": "x"}}]});
        for by in [named("ISTIO_MULTIROOT_MESH"), whole.clone()] {
            let istiod = with_unseen(":1.31.0", &by);
            assert_eq!(found(&istiod, "a", "ab"), Some(Reason::Roots));
            assert_eq!(found(&istiod, "a", "a"), None);
        }
        for by in [named("AUTO_RELOAD_PLUGIN_CERTS"), whole] {
            for (version, expected) in [
                (":1.17.8", Some(Reason::NoReload)),
                (":1.18.0", Some(Reason::NoReload)),
                (":1.19.0", None),
            ] {
                let istiod = with_unseen(version, &by);
                assert_eq!(found(&istiod, "a", "a"), expected, "{version}");
            }
        }
        // One that may not sign is restarted as one that does.
        for name in ["ENABLE_CA_SERVER", "EXTERNAL_CA"] {
            let istiod = with_unseen(":1.31.0", &named(name));
            assert!(loads(&istiod, "cacerts"));
            assert_eq!(found(&istiod, "a", "ab"), Some(Reason::Roots), "{name}");
        }
    }

    #[test]
    fn what_does_not_change_needs_no_restart_whatever_the_release() {
        let roots = file("a");
        let same = Change {
            differs: false,
            ..change(Held::Roots(&roots), &roots)
        };
        assert_eq!(Reason::find(&told(":1.11.8", &[]), &same), None);
    }

    #[test]
    fn other_names_of_the_files_are_only_looked_for_at_a_start() {
        let roots = file("a");
        let layouts = (Some(Format::KubernetesTls), Format::Istio);
        let switched = Change {
            layouts,
            ..change(Held::Roots(&roots), &roots)
        };
        let found = Reason::find(&told(":1.31.0", &SEVERAL), &switched);
        assert_eq!(found, Some(Reason::Layout));
    }

    #[test]
    fn an_istiod_that_signs_by_itself_does_not_look_at_the_secret() {
        let roots = file("a");
        let first = change(Held::SelfSigned, &roots);
        let istiod_of = |env| told(":1.31.0", env);
        let found = |env| Reason::find(&istiod_of(env), &first);
        assert_eq!(found(&SEVERAL), Some(Reason::FirstPlugIn));
        let usurper = [("USE_CACERTS_FOR_SELF_SIGNED_CA", "true")];
        assert_eq!(found(&usurper), Some(Reason::TakesTheSecretForItsOwn));
        assert_eq!(
            found(&[("USE_CACERTS_FOR_SELF_SIGNED_CA", "0")]),
            Some(Reason::FirstPlugIn)
        );
    }

    #[test]
    fn an_istiod_that_has_nothing_to_do_with_the_secret_is_left_alone() {
        let roots = file("a");
        let first = change(Held::SelfSigned, &roots);
        for env in [
            [("EXTERNAL_CA", "ISTIOD_RA_KUBERNETES_API")],
            [("ENABLE_CA_SERVER", "false")],
        ] {
            assert!(!loads(&told(":1.31.0", &env), "cacerts"), "{env:?}");
            assert_eq!(
                Reason::find(&told(":1.31.0", &env), &first),
                None,
                "{env:?}"
            );
        }
        let of_another = Change {
            secret: "other",
            ..first
        };
        assert_eq!(Reason::find(&told(":1.31.0", &[]), &of_another), None);
        for env in [[("EXTERNAL_CA", "")], [("ENABLE_CA_SERVER", "true")]] {
            assert!(
                Reason::find(&told(":1.31.0", &env), &first).is_some(),
                "{env:?}"
            );
        }
    }

    #[test]
    fn single_files_are_never_brought_up_to_date() {
        let istiod = samples::deployment(|json| {
            json["spec"]["template"]["spec"]["containers"][0]["volumeMounts"][0]["subPath"] =
                json!("ca-cert.pem");
        });
        assert_eq!(found(&istiod, "a", "a"), Some(Reason::SubPath));
    }

    #[test]
    fn what_an_istiod_has_is_what_it_published_or_else_what_the_secret_had() {
        let own = of_a_trust_domain();
        let (a, b) = (file("a"), file("ab"));
        assert_eq!(Held::by(Some(&a), Some(&b)), Held::Roots(&a));
        assert_eq!(Held::by(None, Some(&b)), Held::Roots(&b));
        assert_eq!(Held::by(Some(&own), Some(&b)), Held::SelfSigned);
        assert_eq!(Held::by(Some(&own), None), Held::SelfSigned);
        assert_eq!(Held::by(None, None), Held::SelfSigned);
        // Plugged in with the CA that it had made before, as some guides begin.
        assert_eq!(Held::by(Some(&own), Some(&own)), Held::Roots(&own));
        // It was started with a Secret that is gone.
        assert_eq!(Held::by(Some(&a), None), Held::Roots(&a));
    }

    #[test]
    fn a_root_of_somebody_else_is_not_taken_for_istiods_own() {
        let named = Ca::root(Spec::ca("x")).certificate.to_pem();
        assert!(!is_self_signed(&named));
        assert!(!is_self_signed(""));
        assert!(!is_self_signed("no PEM"));
        assert!(!is_self_signed(&file("ab")));
    }

    proptest! {
        /// The rule of sets is the wider one: whatever the older releases take, the newer take, too.
        #[test]
        fn a_newer_release_takes_whatever_an_older_one_does(held in "[abc]{1,4}", roots in "[abc]{1,4}") {
            let older = found(&told(":1.29.0", &SEVERAL), &held, &roots);
            let newer = found(&told(":1.30.0", &SEVERAL), &held, &roots);
            prop_assert!(older.is_some() || newer.is_none());
        }

        #[test]
        fn without_the_setting_only_the_same_bytes_are_taken(held in "[abc]{1,3}", roots in "[abc]{1,3}", minor in 19u16..40) {
            let reason = found(&told(&format!(":1.{minor}.0"), &[]), &held, &roots);
            prop_assert_eq!(reason.is_none(), held == roots);
        }

        /// As DER sets by hand: letters are the roots.
        #[test]
        fn sets_are_compared_without_order_and_number(held in "[abc]{1,4}", roots in "[abc]{1,4}") {
            let (one, other): (BTreeSet<_>, BTreeSet<_>) = (held.chars().collect(), roots.chars().collect());
            let taken = one.is_subset(&other) || other.is_subset(&one);
            let reason = found(&told(":1.31.2", &SEVERAL), &held, &roots);
            prop_assert_eq!(reason.is_none(), taken);
        }
    }
}
