//! Why kubeconfig files do not lead to a cluster.

use std::io;
use std::path::PathBuf;

use crate::cluster::connect::exec::BadProgram;
use crate::cluster::connect::pem::NotPem;

/// Why the files do not lead to a cluster. Never holds what a file says, but names.
#[derive(Debug, thiserror::Error)]
pub enum BadKubeconfig {
    /// A file that cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that is no kubeconfig.
    #[error("{} is no kubeconfig{}", path.display(), line.map_or_else(String::new, |line| format!(" (line {line})")))]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where, counted from one, if the parser knows.
        line: Option<u64>,
    },
    /// A file with more than one document.
    #[error("{} has a second document (line {line}), and kubectl reads the first only", path.display())]
    SecondDocument {
        /// The file.
        path: PathBuf,
        /// Where, counted from one.
        line: usize,
    },
    /// A name that one file gives to two.
    #[error("{} has two of the {what} {name:?}", path.display())]
    Twice {
        /// The file.
        path: PathBuf,
        /// `context`, `cluster` or `user`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Files of different kinds.
    #[error("the files are of different kinds or versions and cannot be merged")]
    Mixed,
    /// Neither a current context, nor a cluster by name.
    #[error("the files have no current-context, and config_context names none")]
    NoContext,
    /// A context, cluster or user that no file has.
    #[error("there is no {what} {name:?}, the files have {known:?}")]
    Unknown {
        /// `context`, `cluster` or `user`.
        what: &'static str,
        /// The wanted name.
        name: String,
        /// The names that are there.
        known: Vec<String>,
    },
    /// A cluster without an address.
    #[error("the cluster {cluster:?} has no server")]
    NoServer {
        /// The cluster's name.
        cluster: String,
    },
    /// A user that signs in by running a program that cannot be run like that.
    #[error("exec of the user {user:?}: {why}")]
    Exec {
        /// The user's name.
        user: String,
        /// Why not.
        why: BadProgram,
    },
    /// A user that signs in by a plugin that kubectl itself has dropped.
    #[error(
        "the user {user:?} signs in by the auth-provider {provider:?}, which kubectl has dropped, expected exec or \
         another credential"
    )]
    AuthProvider {
        /// The user's name.
        user: String,
        /// The plugin.
        provider: String,
    },
    /// A certificate or key that is none.
    #[error("{field} of {what} {name:?}: {source}")]
    Pem {
        /// The field, as the file names it.
        field: &'static str,
        /// `cluster` or `user`.
        what: &'static str,
        /// The cluster's or user's name.
        name: String,
        /// Why.
        source: NotPem,
    },
    /// Both an authority to verify, and the wish not to verify.
    #[error("the cluster {cluster:?} has insecure-skip-tls-verify beside a certificate-authority")]
    InsecureWithAuthority {
        /// The cluster's name.
        cluster: String,
    },
    /// A user with two credentials of which one request can carry one only.
    #[error("the user {user:?} has both a token and a username")]
    TokenAndPassword {
        /// The user's name.
        user: String,
    },
    /// A user that wants to be seen with another's groups, but as nobody.
    #[error("the user {user:?} has {has} without \"as\"")]
    AsNobody {
        /// The user's name.
        user: String,
        /// The field, as the file names it.
        has: &'static str,
    },
    /// Half of a pair.
    #[error("the user {user:?} has no {lacks}")]
    Half {
        /// The user's name.
        user: String,
        /// The missing field, as the file names it.
        lacks: &'static str,
    },
}
