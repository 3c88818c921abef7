//! The table of rooms: who may name whom.

/// A room, and all that it may name beside itself.
pub(super) struct Room {
    /// Its folder or file.
    pub(super) name: &'static str,
    /// Other rooms.
    pub(super) rooms: &'static str,
    /// Of the manifest's dependencies; `std` is everybody's.
    pub(super) crates: &'static str,
}

/// All rooms, from the door inwards.
pub(super) const HOUSE: &[Room] = &[
    Room {
        name: "main",
        rooms: "provider terraform",
        crates: "",
    },
    Room {
        name: "lib",
        rooms: "",
        crates: "",
    },
    Room {
        name: "provider",
        rooms: "aws clients cluster eks resources terraform",
        crates: "",
    },
    Room {
        name: "resources",
        rooms: "aws clients cluster eks kms pca pki provider terraform",
        crates: "jiff serde serde_json tokio zeroize",
    },
    Room {
        name: "clients",
        rooms: "aws cluster eks kms pca provider terraform",
        crates: "aws_lc_rs serde thiserror tokio",
    },
    Room {
        name: "pki",
        rooms: "",
        crates: "aws_lc_rs base64 jiff pem pki_types serde serde_json thiserror webpki x509_cert zeroize",
    },
    Room {
        name: "pca",
        rooms: "aws",
        crates: "aws_sdk_acmpca aws_smithy_runtime_api base64 jiff serde thiserror tokio",
    },
    Room {
        name: "eks",
        rooms: "aws",
        crates: "aws_config aws_credential_types aws_sdk_eks aws_smithy_runtime_api base64 jiff \
                 serde thiserror tokio zeroize",
    },
    Room {
        name: "kms",
        rooms: "aws",
        crates: "aws_sdk_kms serde thiserror tokio zeroize",
    },
    Room {
        name: "aws",
        rooms: "",
        crates: "aws_config aws_credential_types aws_runtime aws_sdk_sts aws_sigv4 \
                 aws_smithy_http_client aws_smithy_runtime_api aws_smithy_types aws_types http jiff \
                 pem rustls serde serde_json thiserror tokio tokio_util zeroize",
    },
    Room {
        name: "cluster",
        rooms: "",
        crates: "aws_lc_rs base64 bytes http jiff kube pem rustix rustls secrecy serde serde_json \
                 thiserror tokio zeroize",
    },
    Room {
        name: "terraform",
        rooms: "",
        crates: "aws_lc_rs base64 http istiopca_proto jiff rcgen rmp rustix rustls serde serde_json \
                 serde_path_to_error thiserror tokio tokio_rustls tokio_stream tokio_util tonic",
    },
];

/// What every room's tests may name besides.
pub(super) const OF_TESTS: &str = "aws_smithy_http_client base64 expect_test http hyper_util proptest \
                                   rcgen rustls serde_json tokio tokio_rustls tokio_util tonic \
                                   tonic_prost tower tower_test x509_parser";

/// Dependencies that code does not name: of k8s-openapi the manifest chooses the version of
/// Kubernetes for kube.
pub(super) const UNNAMED: &str = "k8s_openapi";

/// Crates that stay behind doors within their room, tests included.
pub(super) const DOORS: &[(&str, &[&str])] = &[
    ("tonic", SPEAKS_TO_HOSTS),
    ("istiopca_proto", SPEAKS_TO_HOSTS),
    ("aws_config", &["src/aws", "src/eks"]),
    ("aws_sdk_eks", &["src/eks"]),
    ("aws_sigv4", &["src/aws"]),
    ("aws_sdk_sts", &["src/aws"]),
    ("aws_sdk_acmpca", &["src/pca"]),
    ("aws_sdk_kms", &["src/kms"]),
    ("kube", &["src/cluster"]),
    ("k8s_openapi", &["src/cluster"]),
];

const SPEAKS_TO_HOSTS: &[&str] = &[
    "src/terraform/wire",
    "src/terraform/service",
    "src/terraform/plugin",
    "src/terraform/tests",
];

impl Room {
    /// Whether it is the room of that name or may name it.
    pub(super) fn knows(&self, room: &str) -> bool {
        self.name == room || has(self.rooms, room)
    }

    /// Whether its code may name the crate.
    pub(super) fn uses(&self, name: &str) -> bool {
        has(self.crates, name)
    }
}

/// Whether a list of words has this one.
pub(super) fn has(words: &str, word: &str) -> bool {
    words.split_whitespace().any(|known| known == word)
}
