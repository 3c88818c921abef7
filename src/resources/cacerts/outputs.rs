//! What is shown of a Secret and of what is beside it: pure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::TrustedRoot;
use super::istiods::Istiod;
use crate::cluster::Cluster;
use crate::cluster::secret::{Claim, Controller, Finding, IstiodMark, Observed, classify};
use crate::eks::ClusterArn;
use crate::pca::{Arn, CertificateArn};
use crate::pki::judge::judge;
use crate::pki::roots::{Published, Trust};
use crate::pki::{Certificate, Chain, Fingerprint, Format, Live};
use crate::resources::cacerts_secret::{self, Files, TRUSTED_ROOT};
use crate::resources::mesh::{Ends, Shown};
use crate::resources::words;
use crate::terraform::schema::{Attribute, Kind, flag, text, texts};

/// What was found in the cluster.
pub(super) struct Sight {
    pub(super) observed: Option<Observed>,
    /// What an istiod hands on, where that can be seen.
    pub(super) published: Option<Published>,
    pub(super) istiods: Vec<Istiod>,
}

/// The public facts.
#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
pub(in crate::resources) struct Outputs {
    cluster_fingerprint: Option<String>,
    cluster_arn: Option<ClusterArn>,
    exists: bool,
    uid: Option<String>,
    r#type: Option<String>,
    format: Option<String>,
    owner_id: Option<String>,
    released: bool,
    written_by: Vec<String>,
    controllers: Vec<String>,
    certificate_authority_arn: Option<Arn>,
    certificate_arn: Option<CertificateArn>,
    renew_at: Option<Timestamp>,
    certificate: Option<String>,
    certificate_chain: Option<String>,
    subject: Option<String>,
    serial_number: Option<String>,
    serial_number_decimal: Option<String>,
    not_before: Option<Timestamp>,
    not_after: Option<Timestamp>,
    path_not_after: Option<Timestamp>,
    certificate_sha256: Option<Fingerprint>,
    public_key_sha256: Option<Fingerprint>,
    root_sha256: Option<Fingerprint>,
    sound: bool,
    findings: Vec<String>,
    trusted_roots: Vec<TrustedRoot>,
    published_roots: Vec<PublishedRoot>,
    published_since: Option<Timestamp>,
    istiods: Vec<ShownIstiod>,
}

/// A root that an istiod hands on to its workloads.
#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct PublishedRoot {
    sha256: Fingerprint,
    subject: String,
    not_after: Timestamp,
}

/// A pod of istiod.
#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct ShownIstiod {
    pod: String,
    revision: Option<String>,
    version: Option<String>,
    ready: bool,
    chain_not_after: Option<Timestamp>,
    root_not_after: Option<Timestamp>,
    uses_this_ca: Option<bool>,
    unseen: Option<String>,
}

const PUBLISHED_ROOT: Kind = Kind::Object(&[
    ("sha256", Kind::String),
    ("subject", Kind::String),
    ("not_after", Kind::String),
]);

const ISTIOD: Kind = Kind::Object(&[
    ("pod", Kind::String),
    ("revision", Kind::String),
    ("version", Kind::String),
    ("ready", Kind::Bool),
    ("chain_not_after", Kind::String),
    ("root_not_after", Kind::String),
    ("uses_this_ca", Kind::Bool),
    ("unseen", Kind::String),
]);

pub(super) const OUTPUTS: [Attribute; 30] = [
    text("cluster_fingerprint").says(
        "Which cluster this is: a digest of the API server's CA certificates, or its host where there are \
         none. It is that of the `istiopca_cacerts_secret`.",
    ),
    text("cluster_arn").says("ARN of the cluster, where EKS led to it."),
    flag("exists").says("Whether there is such a Secret. Where there is none, all below is null or empty but for \
                         what istiods say by themselves."),
    text("uid").says("UID of the Secret."),
    text("type").says("Type of the Secret, such as `Opaque`."),
    text("format").says("The layout that istiod takes: `istio` or `kubernetes_tls`; null where there is neither."),
    text("owner_id").says("The id of the `istiopca_cacerts_secret` that wrote it; null where another one did."),
    flag("released").says("Whether that resource has let go of it."),
    texts("written_by").says("The field managers that hold a file of it, in the order of the object's own list."),
    texts("controllers").says(
        "Who keeps the Secret in a desired state of its own and would write it again, by what it is known: \
         cert-manager, Argo CD, istiod's own self-signed CA and the like.",
    ),
    text("certificate_authority_arn").says("The CA that issued, as the Secret's annotations say."),
    text("certificate_arn").says("The certificate in AWS Private CA, as the Secret's annotations say."),
    text("renew_at").says("When it is due to be renewed, as the Secret's annotations say (RFC 3339)."),
    text("certificate").says("The signing certificate as PEM."),
    text("certificate_chain").says("The certificates above it as PEM, from its issuer to the root."),
    text("subject").says("Subject of the signing certificate."),
    text("serial_number").says("Serial number of the signing certificate, in hex."),
    text("serial_number_decimal").says("The same in decimal, as the AWS console shows it."),
    text("not_before").says("Since when the signing certificate is valid (RFC 3339)."),
    text("not_after").says("Until when the signing certificate is valid (RFC 3339)."),
    text("path_not_after").says("The earliest end on the path to its root (RFC 3339)."),
    text("certificate_sha256").says("SHA-256 of the signing certificate, in hex."),
    text("public_key_sha256").says(
        "SHA-256 of the public half of the private key in the Secret (SubjectPublicKeyInfo), in hex.",
    ),
    text("root_sha256").says("SHA-256 of the root that the signing certificate leads to, in hex."),
    flag("sound").says("Whether the Secret is there and nothing is found in it."),
    texts("findings").says(
        "What istiod or the workloads' peers would object to in these files, and what istiod has not taken \
         up of them, in sentences with what to do; empty when there is nothing.",
    ),
    Attribute::new("trusted_roots", Kind::List(&TRUSTED_ROOT)).says(
        "The roots that the cluster's workloads trust, in the order of the file: SHA-256, subject, end, since \
         when each is trusted, since when nothing is signed under it any more (RFC 3339), and whether the \
         Secret's certificate leads to it (`signing`; null without a Secret). A root counts once an istiod hands it \
         on, as far as that can be seen; the one that the certificate leads to is always among them, with \
         `trusted_since` null until then. This is what other clusters of the mesh take as `peer_trust`.",
    ),
    Attribute::new("published_roots", Kind::List(&PUBLISHED_ROOT)).says(
        "The roots that an istiod hands on to its workloads, by the ConfigMap `istio-ca-root-cert`: SHA-256, \
         subject and end.",
    ),
    text("published_since").says("When that ConfigMap was last changed (RFC 3339)."),
    Attribute::new("istiods", Kind::List(&ISTIOD)).says(
        "What each istiod says of itself, ordered by `pod`: the ends of the signing certificate and of the \
         first root that it has in memory, and whether these are the Secret's (`uses_this_ca`; null where \
         nothing can be concluded). `unseen` says why a pod could not be asked.",
    ),
];

impl Outputs {
    /// What is known of the Secret at `now`.
    pub(super) fn of(sight: &Sight, now: Timestamp) -> Self {
        let published = sight.published.as_ref();
        let outputs = match &sight.observed {
            Some(observed) => Self::of_secret(observed, published, now),
            None => Self::of_published(published),
        };
        let roots = published.map_or(&[][..], |published| &published.roots);
        let live = sight
            .observed
            .as_ref()
            .map(|it| Live::read(&Files::of(Some(it))));
        let ends = live.as_ref().and_then(ends);
        Self {
            published_roots: roots.iter().map(PublishedRoot::of).collect(),
            published_since: published.and_then(|published| published.since),
            istiods: sight
                .istiods
                .iter()
                .map(|it| ShownIstiod::of(it, ends))
                .collect(),
            ..outputs
        }
    }

    /// Where it was looked for.
    pub(super) fn is_in(&mut self, cluster: &Cluster, eks: Option<ClusterArn>) {
        self.cluster_fingerprint = Some(cluster.fingerprint().to_string());
        self.cluster_arn = eks;
    }

    fn of_secret(observed: &Observed, published: Option<&Published>, now: Timestamp) -> Self {
        let files = Files::of(Some(observed));
        let live = Live::read(&files);
        let trust = Trust {
            published: published.cloned(),
            ..cacerts_secret::of_secret(observed, &live, None)
        };
        let judged = judge(&files, None, now);
        let findings = judged.iter().map(words::finding);
        let findings = findings.chain(trust.unpublished().into_iter().map(words::not_handed_on));
        let findings: Vec<String> = findings.collect();
        let fact = |name| observed.fact(name);
        Self {
            exists: true,
            uid: Some(observed.uid.clone()),
            r#type: Some(observed.type_.clone()),
            format: live.format().map(layout),
            owner_id: observed.owner().map(str::to_owned),
            released: observed.is_released(),
            written_by: writers(observed),
            controllers: controllers(observed),
            certificate_authority_arn: fact("certificate-authority-arn")
                .and_then(|it| it.parse().ok()),
            certificate_arn: fact("certificate-arn").map(CertificateArn::new),
            renew_at: fact("renew-at").and_then(|it| it.parse().ok()),
            public_key_sha256: live.public_key().map(|key| key.sha256()),
            sound: findings.is_empty(),
            findings,
            trusted_roots: TrustedRoot::known(&trust),
            ..Self::of_certificate(&live)
        }
    }
}

impl Outputs {
    fn of_certificate(live: &Live) -> Self {
        let Some(own) = live.certificate() else {
            return Self::default();
        };
        let chain = live.chain().ok();
        let above = chain.as_ref().map(Chain::certificate_chain_pem);
        Self {
            certificate: Some(own.to_pem()),
            certificate_chain: above,
            subject: Some(own.subject().to_string()),
            serial_number: Some(own.serial().to_string()),
            serial_number_decimal: Some(own.serial().to_decimal()),
            not_before: Some(own.not_before()),
            not_after: Some(own.not_after()),
            path_not_after: chain.as_ref().map(Chain::path_not_after),
            certificate_sha256: Some(own.sha256()),
            root_sha256: chain.as_ref().map(|chain| chain.root().sha256()),
            ..Self::default()
        }
    }

    /// Without a Secret an istiod that runs signs by itself, or with what it has in memory: what it
    /// publishes is what its workloads trust.
    fn of_published(published: Option<&Published>) -> Self {
        let trust = published.map(Trust::of_published).unwrap_or_default();
        Self {
            trusted_roots: TrustedRoot::known(&trust),
            ..Self::default()
        }
    }
}

impl PublishedRoot {
    fn of(root: &Certificate) -> Self {
        Self {
            sha256: root.sha256(),
            subject: root.subject().to_string(),
            not_after: root.not_after(),
        }
    }
}

impl ShownIstiod {
    /// What a pod says, compared with the ends of what the Secret holds.
    fn of(Istiod { pod, gauges }: &Istiod, ends: Option<Ends>) -> Self {
        let known = gauges.as_ref().ok();
        let release = known.and_then(|gauges| gauges.version).or(pod.version);
        let shown = known
            .zip(ends)
            .map(|(gauges, ends)| Shown::by(gauges, pod, ends, None));
        Self {
            pod: pod.name.clone(),
            revision: pod.revision.clone(),
            version: release.map(|release| release.to_string()),
            ready: pod.ready,
            chain_not_after: known.and_then(|gauges| gauges.chain),
            root_not_after: known.and_then(|gauges| gauges.root),
            uses_this_ca: shown.and_then(uses),
            unseen: gauges.as_ref().err().cloned(),
        }
    }
}

fn uses(shown: Shown) -> Option<bool> {
    match shown {
        Shown::New => Some(true),
        Shown::Old | Shown::SelfSigned | Shown::Other(_) => Some(false),
        Shown::Untold(_) => None,
    }
}

/// The ends that an istiod with this Secret shows.
fn ends(live: &Live) -> Option<Ends> {
    Some(Ends {
        chain: live.certificate()?.not_after(),
        root: live.roots().first()?.not_after(),
    })
}

fn layout(format: Format) -> String {
    let name = match format {
        Format::Istio => "istio",
        Format::KubernetesTls => "kubernetes_tls",
    };
    name.to_owned()
}

fn writers(observed: &Observed) -> Vec<String> {
    let mut writers: Vec<String> = Vec::new();
    for holding in observed
        .holdings
        .iter()
        .filter(|holding| holding.holds_data())
    {
        if !writers.contains(&holding.manager) {
            writers.push(holding.manager.clone());
        }
    }
    writers
}

fn controllers(observed: &Observed) -> Vec<String> {
    let nobody = Claim {
        owner: "",
        same_certificate: &|_| false,
    };
    match classify(observed, &nobody) {
        Finding::Istiod(IstiodMark::Type) => {
            vec!["istiod's own CA (type istio.io/ca-root)".to_owned()]
        }
        Finding::Istiod(IstiodMark::Key) => {
            vec!["istiod's own CA (key istio-generated)".to_owned()]
        }
        Finding::Controlled(controllers) => controllers.iter().map(named).collect(),
        _ => Vec::new(),
    }
}

fn named(Controller { writer, mark }: &Controller) -> String {
    format!("{writer} ({mark})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::istiod::{Expiries, samples};
    use crate::pki::testing::{Ca, DAY, START};
    use crate::resources::cacerts_secret::testing::{composed, mesh, nothing, observed, settings};

    const SINCE: &str = "2026-03-01T00:00:00Z";

    fn day(day: i64) -> Timestamp {
        Timestamp::from_second(START + day * DAY).expect("a moment")
    }

    fn secret(root: &Ca, mesh: &Ca, others: &[(&str, &str)]) -> Observed {
        let mut secret = observed(&composed(&settings(), root, mesh, &nothing()), others);
        let noted = format!(
            r#"{{"{}":{{"since":"{SINCE}"}}}}"#,
            root.certificate.sha256()
        );
        for (name, fact) in [
            ("trusted-roots", noted.as_str()),
            ("renew-at", "2026-05-01T00:00:00Z"),
            (
                "certificate-authority-arn",
                crate::resources::issue::testing::ARN,
            ),
        ] {
            let name = crate::cluster::secret::annotation::named(name);
            secret.annotations.insert(name, fact.to_owned());
        }
        secret
    }

    fn sight(observed: Observed) -> Sight {
        Sight {
            observed: Some(observed),
            published: None,
            istiods: Vec::new(),
        }
    }

    fn published(roots: &[&Ca]) -> Option<Published> {
        Some(Published {
            roots: roots.iter().map(|root| root.certificate.clone()).collect(),
            since: SINCE.parse().ok(),
        })
    }

    #[test]
    fn a_sound_secret_shows_its_public_facts_and_no_key() {
        let (root, mesh) = mesh("root");
        let outputs = Outputs::of(&sight(secret(&root, &mesh, &[])), day(1));
        assert!(outputs.exists && outputs.sound, "{:?}", outputs.findings);
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(outputs.format, text("istio"));
        assert_eq!((outputs.uid, outputs.owner_id), (text("u-1"), text("o-1")));
        assert_eq!(outputs.certificate, Some(mesh.certificate.to_pem()));
        assert_eq!(outputs.certificate_chain, Some(root.certificate.to_pem()));
        assert_eq!(outputs.root_sha256, Some(root.certificate.sha256()));
        let key = mesh.certificate.public_key().sha256();
        assert_eq!(outputs.public_key_sha256, Some(key));
        assert_eq!(outputs.written_by, ["terraform-provider-istiopca"]);
        assert_eq!(outputs.renew_at, "2026-05-01T00:00:00Z".parse().ok());
        let arn = outputs.certificate_authority_arn.map(|arn| arn.to_string());
        assert_eq!(arn.as_deref(), Some(crate::resources::issue::testing::ARN));
        let outputs = Outputs::of(&sight(secret(&root, &mesh, &[])), day(1));
        let shown = serde_json::to_string(&outputs).expect("JSON");
        assert!(!shown.contains("PRIVATE KEY"), "the key is shown");
        let roots = serde_json::to_value(&outputs.trusted_roots).expect("JSON");
        assert_eq!(roots[0]["sha256"], root.certificate.sha256().to_string());
        assert_eq!(roots[0]["trusted_since"], SINCE);
    }

    #[test]
    fn what_is_wrong_with_it_is_told_with_a_remedy() {
        let (root, mesh) = mesh("root");
        let generated = secret(&root, &mesh, &[("istio-generated", "")]);
        let outputs = Outputs::of(&sight(generated), day(1));
        assert!(!outputs.sound);
        assert_eq!(
            outputs.controllers,
            ["istiod's own CA (key istio-generated)"]
        );
        let found = outputs.findings.join("\n");
        assert!(found.contains("remove it from the Secret"), "{found}");
        let outputs = Outputs::of(&sight(secret(&root, &mesh, &[])), day(91));
        let found = outputs.findings.join("\n");
        assert!(
            !outputs.sound && found.contains("Renew that CA first"),
            "{found}"
        );
    }

    #[test]
    fn whatever_is_in_it_is_shown_as_far_as_it_can_be_read() {
        let (root, mesh) = mesh("root");
        let mut broken = secret(&root, &mesh, &[]);
        broken.data.retain(|name, _| name == "notes.txt");
        for fact in broken.annotations.values_mut() {
            *fact = "?".to_owned();
        }
        let outputs = Outputs::of(&sight(broken), day(1));
        assert!(outputs.exists && !outputs.sound);
        assert_eq!((outputs.format, outputs.certificate), (None, None));
        assert_eq!(
            (outputs.renew_at, outputs.certificate_authority_arn),
            (None, None)
        );
        assert_eq!(outputs.trusted_roots, []);
    }

    #[test]
    fn a_root_that_istiod_does_not_hand_on_is_trusted_by_nobody() {
        let ((root, mesh), other) = (
            mesh("root"),
            Ca::root(crate::pki::testing::Spec::ca("other")),
        );
        let mut sight = sight(secret(&root, &mesh, &[]));
        sight.published = published(&[&root]);
        let outputs = Outputs::of(&sight, day(1));
        assert!(outputs.sound);
        assert_eq!(outputs.trusted_roots.len(), 1);
        assert_eq!(
            outputs.published_roots,
            [PublishedRoot::of(&root.certificate)]
        );
        sight.published = published(&[&other]);
        let outputs = Outputs::of(&sight, day(1));
        let roots = serde_json::to_value(&outputs.trusted_roots).expect("JSON");
        assert_eq!(roots[0]["trusted_since"], serde_json::Value::Null);
        assert_eq!(roots[0]["signing"], true, "it is what the CA leads to");
        assert!(!outputs.sound);
        let [finding] = &outputs.findings[..] else {
            panic!("{:?}", outputs.findings)
        };
        assert!(finding.contains("istiod does not hand it on"), "{finding}");
    }

    #[test]
    fn without_a_secret_what_an_istiod_publishes_is_trusted() {
        let (root, _) = mesh("self-signed");
        let nothing = || Sight {
            observed: None,
            published: None,
            istiods: Vec::new(),
        };
        assert_eq!(Outputs::of(&nothing(), day(1)), Outputs::default());
        let published = Sight {
            published: published(&[&root]),
            ..nothing()
        };
        let outputs = Outputs::of(&published, day(1));
        assert!(!outputs.exists && !outputs.sound);
        let roots = serde_json::to_value(&outputs.trusted_roots).expect("JSON");
        assert_eq!(roots[0]["trusted_since"], SINCE);
        assert_eq!(outputs.published_since, SINCE.parse().ok());
    }

    #[test]
    fn an_istiod_uses_this_ca_when_it_shows_its_ends() {
        let (root, mesh) = mesh("root");
        let gauges = |chain, root| Expiries {
            chain: Some(chain),
            root: Some(root),
            version: None,
        };
        let (chain, anchor) = (mesh.certificate.not_after(), root.certificate.not_after());
        let istiod = |name: &str, gauges: Result<Expiries, String>| Istiod {
            pod: samples::pod(name, |_| {}),
            gauges,
        };
        let mut sight = sight(secret(&root, &mesh, &[]));
        sight.istiods = vec![
            istiod("a", Ok(gauges(chain, anchor))),
            istiod("b", Ok(gauges(day(7), anchor))),
            istiod(
                "c",
                Ok(Expiries {
                    root: Some(anchor),
                    ..Expiries::default()
                }),
            ),
            istiod("d", Err("it is Pending".to_owned())),
        ];
        let shown = Outputs::of(&sight, day(1)).istiods;
        let uses: Vec<_> = shown.iter().map(|istiod| istiod.uses_this_ca).collect();
        assert_eq!(uses, [Some(true), Some(false), Some(false), None]);
        assert_eq!(shown[0].chain_not_after, Some(chain));
        assert_eq!(shown[0].version.as_deref(), Some("1.24.3"));
        assert_eq!(shown[3].unseen.as_deref(), Some("it is Pending"));
        sight.observed = None;
        let alone = Outputs::of(&sight, day(1)).istiods;
        assert!(
            alone.iter().all(|istiod| istiod.uses_this_ca.is_none()),
            "{alone:?}"
        );
    }
}
