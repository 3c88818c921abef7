//! The one line that a host reads from stdout, and stdout kept clean for it.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use rustix::io::fcntl_dupfd_cloexec;
use rustix::stdio::dup2_stdout;
use rustls::pki_types::CertificateDer;

use super::host::PROTOCOL;

/// The version of the handshake itself.
const HANDSHAKE: u32 = 1;

/// Where the host listens for the line. Kept open until the end, as a host takes its end for ours.
#[derive(Debug)]
pub(super) struct Handshake(File);

impl Handshake {
    /// Takes stdout for the line alone; what anybody prints from now on goes to stderr.
    ///
    /// The host reads stdout with a limit on a line's length, and one line over that would stop its
    /// reading, fill the pipe, and hang both sides. Children do not inherit what is taken.
    pub(super) fn taking_stdout() -> io::Result<Self> {
        let taken = fcntl_dupfd_cloexec(io::stdout(), 3)?;
        dup2_stdout(io::stderr())?;
        Ok(Self(File::from(taken)))
    }

    /// Tells the host where we listen and, unless TLS is off, by which certificate it knows us.
    pub(super) fn announce(
        &mut self,
        socket: &Path,
        certificate: Option<&CertificateDer<'_>>,
    ) -> io::Result<()> {
        self.0.write_all(line(socket, certificate).as_bytes())?;
        self.0.flush()
    }

    #[cfg(test)]
    pub(super) fn to(file: File) -> Self {
        Self(file)
    }
}

/// Exactly six fields: old hosts split no further.
fn line(socket: &Path, certificate: Option<&CertificateDer<'_>>) -> String {
    let certificate = certificate.map(|der| BASE64_STANDARD_NO_PAD.encode(der));
    format!(
        "{HANDSHAKE}|{PROTOCOL}|unix|{}|grpc|{}\n",
        socket.display(),
        certificate.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_has_six_fields_and_no_padding() {
        let socket = Path::new("/tmp/x/socket");
        assert_eq!(line(socket, None), "1|6|unix|/tmp/x/socket|grpc|\n");
        let certificate = CertificateDer::from(vec![0xfb, 0xff]);
        assert_eq!(
            line(socket, Some(&certificate)),
            "1|6|unix|/tmp/x/socket|grpc|+/8\n"
        );
    }
}
