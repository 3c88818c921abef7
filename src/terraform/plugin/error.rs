//! Why a provider could not be served.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

/// What was being done when serving failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The magic cookie of a host is not in the environment.
    #[error("not started by Terraform or OpenTofu")]
    NotStartedByAHost,
    /// `PLUGIN_CLIENT_CERT` does not hold one certificate as PEM.
    #[error("PLUGIN_CLIENT_CERT should hold one PEM certificate, {found}")]
    ClientCertificate {
        /// What is there instead.
        found: String,
    },
    /// `PLUGIN_UNIX_SOCKET_GROUP` is neither a number nor a group of this machine.
    #[error("PLUGIN_UNIX_SOCKET_GROUP names no group of this machine: {0:?}")]
    NoSuchGroup(OsString),
    /// No place for the socket could be used; the last one is told.
    #[error("could not listen on a Unix socket at {}", path.display())]
    Listen {
        /// Where the last attempt was made.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Making the certificate that we show to the host.
    #[error("could not make a certificate for the handshake")]
    Certificate(#[from] rcgen::Error),
    /// Setting up TLS.
    #[error("could not set up TLS")]
    Tls(#[from] rustls::Error),
    /// Duplicating stdout or writing the line to it.
    #[error("could not write the handshake to stdout")]
    Handshake(#[source] io::Error),
    /// Taking over a signal.
    #[error("could not take over a signal")]
    Signal(#[source] io::Error),
    /// Starting the threads.
    #[error("could not start the runtime")]
    Runtime(#[source] io::Error),
    /// Serving connections.
    #[error("could not serve")]
    Serve(#[from] tonic::transport::Error),
}
