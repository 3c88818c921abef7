//! Where a fleet's Secrets go, and the book of what was asked there.

use std::collections::BTreeMap;
use std::path::PathBuf;

use istiopca_acceptance::apiserver::{ApiServer, minimal_rules};
use istiopca_acceptance::aws::{ACCOUNT, Aws, Quotas};
use istiopca_acceptance::parts::target_dir;
use istiopca_acceptance::sandbox_cluster::SandboxCluster;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::Failure;

/// The kinds of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Where {
    /// Namespaces of one real API server, each with its Secret.
    Namespaces,
    /// A cluster of EKS for each Secret, at most a hundred in an account, as AWS has it.
    Eks,
}

/// How many clusters AWS lets an account have in a Region.
pub(super) const PER_ACCOUNT: usize = 100;

impl Where {
    pub(super) fn named(name: &str) -> Result<Self, Failure> {
        match name {
            "namespaces" => Ok(Self::Namespaces),
            "eks" => Ok(Self::Eks),
            _ => Err(format!("{name} is no place: namespaces or eks").into()),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Namespaces => "one real API server",
            Self::Eks => "EKS",
        }
    }
}

/// Somewhere with room for a fleet.
pub(super) enum Place {
    /// See [`Where::Namespaces`].
    Namespaces {
        /// The server.
        server: Box<ApiServer>,
        /// Of a user with no more rights than needed.
        kubeconfig: PathBuf,
        /// One for each mesh.
        namespaces: Vec<String>,
        /// How much of the audit log is known.
        read: usize,
    },
    /// See [`Where::Eks`].
    Eks {
        /// One for each mesh.
        clusters: Vec<SandboxCluster>,
        /// Their names in AWS.
        arns: Vec<String>,
    },
}

impl Place {
    /// Makes room for `count` meshes; where rights are kept, `rights` are given beside our minimal ones.
    pub(super) async fn with(
        wanted: Where,
        aws: &Aws,
        count: usize,
        rights: Option<Value>,
    ) -> Result<Self, Failure> {
        match wanted {
            Where::Namespaces => Self::namespaces(count, rights).await,
            Where::Eks => Self::eks(aws, count),
        }
    }

    async fn namespaces(count: usize, rights: Option<Value>) -> Result<Self, Failure> {
        let dir = target_dir().join("measure").join("apiserver");
        let server = Box::new(ApiServer::start(&dir).await?);
        let namespaces: Vec<String> = (0..count).map(|n| format!("mesh-{n:03}")).collect();
        let items: Vec<_> = namespaces
            .iter()
            .map(
                |name| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}),
            )
            .collect();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
        // Fifty requests a second are kubectl's own limit.
        server.apply(&list).await.succeeds();
        let user = server.user();
        let mut rules = minimal_rules("cacerts");
        rules.push(json!({"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]}));
        rules.extend(rights);
        server.grant(&user, None, &rules).await;
        let kubeconfig = server.kubeconfig(&user);
        Ok(Self::Namespaces {
            server,
            kubeconfig,
            namespaces,
            read: 0,
        })
    }

    fn eks(aws: &Aws, count: usize) -> Result<Self, Failure> {
        let (mut clusters, mut arns) = (Vec::new(), Vec::new());
        for n in 0..count {
            let account = format!("2222222222{:02}", n / PER_ACCOUNT);
            let cluster = SandboxCluster::start(Timestamp::now)?;
            let role = format!("arn:aws:iam::{account}:role/mesh-ci");
            let eks = aws.cluster(&format!("mesh-{n:03}")).account(&account);
            let eks = eks.endpoint(cluster.url(), cluster.ca_pem()).create();
            if n % PER_ACCOUNT == 0 {
                let home = aws.account(&account);
                home.role("mesh-ci").trusting(ACCOUNT).create();
            }
            eks.access_entry(&role, "mesh-ci", &[]);
            cluster.set_authenticator(aws.authenticator(&eks));
            arns.push(eks.arn());
            clusters.push(cluster);
        }
        Ok(Self::Eks { clusters, arns })
    }

    /// The inside of the provider's `kubernetes {}`.
    pub(super) fn provider(&self) -> String {
        match self {
            Self::Namespaces { kubeconfig, .. } => {
                let path = kubeconfig.display();
                format!("config_path = \"{path}\"\n    config_context = \"tests\"")
            }
            Self::Eks { .. } => "eks_assume_role {\n role_name = \"mesh-ci\"\n }".to_owned(),
        }
    }

    /// What `for_each` goes over.
    pub(super) fn keys(&self) -> &[String] {
        match self {
            Self::Namespaces { namespaces, .. } => namespaces,
            Self::Eks { arns, .. } => arns,
        }
    }

    /// The settings of a Secret that say where it is, of `key`.
    pub(super) fn settings(&self) -> &'static str {
        match self {
            Self::Namespaces { .. } => "namespace = key",
            Self::Eks { .. } => "eks_cluster_arn  = key\n  create_namespace = true",
        }
    }

    /// Every Secret by name, with each text that is in it.
    pub(super) fn secret_texts(&self) -> Result<Vec<(String, String)>, Failure> {
        match self {
            Self::Namespaces {
                server, namespaces, ..
            } => {
                let texts = namespaces.iter().map(|name| server.secret_texts(name));
                Ok(texts.collect::<Result<Vec<_>, _>>()?.concat())
            }
            Self::Eks { clusters, .. } => {
                Ok(clusters.iter().flat_map(|it| it.secret_texts()()).collect())
            }
        }
    }

    /// What was asked since the last time, by kind.
    pub(super) async fn asked(&mut self) -> BTreeMap<String, usize> {
        match self {
            Self::Namespaces { server, read, .. } => audited(server, read).await,
            Self::Eks { clusters, .. } => clusters.iter().fold(BTreeMap::new(), booked),
        }
    }
}

/// The quotas of AWS, under which everything is measured.
pub(super) fn quotas() -> Quotas {
    Quotas::aws()
}

async fn audited(server: &ApiServer, read: &mut usize) -> BTreeMap<String, usize> {
    // The log is written after the answer, and in order: once this is in it, all before is.
    let mark = server.unused_name("mark");
    let _ = server.kubectl(&["get", "namespace", &mark]).await;
    server
        .audited("the mark", |it| it.uri.ends_with(&mark))
        .await;
    let all = server.audit();
    let mut counts = BTreeMap::new();
    for request in &all[*read..] {
        if !request.user_agent.starts_with("kubectl/") && !request.uri.starts_with("/version") {
            let kind = format!("{} {}", request.verb.to_uppercase(), resource(&request.uri));
            *counts.entry(kind).or_default() += 1;
        }
    }
    *read = all.len();
    counts
}

fn booked(
    mut counts: BTreeMap<String, usize>,
    cluster: &SandboxCluster,
) -> BTreeMap<String, usize> {
    for request in cluster.requests() {
        let kind = format!("{} {}", request.method, resource(&request.path));
        *counts.entry(kind).or_default() += 1;
    }
    cluster.forget_requests();
    counts
}

/// What a path is about: `secrets`, `namespaces`, `selfsubjectaccessreviews` …
fn resource(path: &str) -> &str {
    let path = path.split('?').next().unwrap_or(path);
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    match segments.iter().position(|segment| *segment == "namespaces") {
        Some(place) if segments.len() > place + 2 => segments[place + 2],
        Some(place) => segments[place],
        None => segments.last().copied().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_about_its_resource() {
        let review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let secret = "/api/v1/namespaces/istio-system/secrets/cacerts?fieldManager=x&force=false";
        assert_eq!(resource(review), "selfsubjectaccessreviews");
        assert_eq!(resource(secret), "secrets");
        assert_eq!(resource("/api/v1/namespaces/istio-system"), "namespaces");
    }
}
