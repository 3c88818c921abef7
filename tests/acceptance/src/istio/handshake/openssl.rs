//! The same by OpenSSL's own client and server, which trust as Envoy does: any certificate among
//! the roots is an end of the path.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::istio::judge::Workload;
use crate::istio::keys::scratch;
use crate::istio::witness::Judgement;
use crate::process::{Daemon, Outcome, clean, guarded, run};

const DEADLINE: Duration = Duration::from_secs(30);

/// What the server prints when it listens, before the address.
const LISTENS: &str = "ACCEPT ";

/// A whole handshake in which both sides present a certificate.
///
/// # Errors
///
/// When one of the two refuses the other: what both say then.
///
/// # Panics
///
/// When openssl cannot be run.
pub async fn shake_hands_by_openssl(client: &Workload, server: &Workload) -> Judgement {
    let place = scratch();
    let dir = place.path();
    lay_out(dir, "client", client)
        .and_then(|()| lay_out(dir, "server", server))
        .expect("there is room for two workloads");
    let mut serving = openssl(dir, "server", "s_server");
    // It would hang up at the end of its standard input, but for this.
    serving.args(["-accept", "127.0.0.1:0", "-www", "-Verify", "9"]);
    let log = dir.join("server.log");
    let mut server = Daemon::start(&mut serving, &log).expect("openssl is installed");
    let address = until_it_listens(&mut server).await;

    let mut calling = openssl(dir, "client", "s_client");
    // With TLS 1.3 a client is done before the server has looked at its certificate.
    calling.args(["-connect", &address, "-tls1_2", "-verify", "9"]);
    let run = run(calling, "openssl s_client", DEADLINE).await;
    match run.outcome() {
        Outcome::Exited(0) => Ok(()),
        Outcome::Exited(_) => Err(format!("{run}\n--- server\n{}", server.words())),
        _ => panic!("openssl cannot say whether two workloads understand each other\n{run}"),
    }
}

/// What both sides have in common.
fn openssl(dir: &Path, side: &str, mode: &str) -> Command {
    let mut command = guarded(Path::new("openssl"), None);
    clean(&mut command, dir);
    let file = |what| format!("{side}.{what}");
    command
        .current_dir(dir)
        .args([mode, "-verify_return_error", "-partial_chain"])
        .args(["-cert", &file("cert"), "-key", &file("key")])
        .args(["-CAfile", &file("roots"), "-no-CApath", "-no-CAstore"]);
    // An istiod that signs by itself signs with its root, and openssl refuses an empty file.
    if dir.join(file("chain")).exists() {
        command.args(["-cert_chain", &file("chain")]);
    }
    command
}

/// Writes what a workload has; its own certificate apart from those above it.
fn lay_out(dir: &Path, side: &str, workload: &Workload) -> io::Result<()> {
    const END: &str = "-----END CERTIFICATE-----\n";
    let (own, above) = match workload.chain.split_once(END) {
        Some((own, above)) => (format!("{own}{END}"), above),
        None => (workload.chain.clone(), ""),
    };
    let write = |what: &str, content: &str| fs::write(dir.join(format!("{side}.{what}")), content);
    write("cert", &own)?;
    if !above.is_empty() {
        write("chain", above)?;
    }
    write("key", &workload.key)?;
    write("roots", &workload.roots)
}

/// The address, once it listens.
async fn until_it_listens(server: &mut Daemon) -> String {
    let end = Instant::now() + DEADLINE;
    loop {
        let words = server.words();
        let listening = words
            .split_once(LISTENS)
            .and_then(|(_, after)| after.split_once('\n'));
        if let Some((address, _)) = listening {
            return address.to_owned();
        }
        let waits = server.ended().is_none() && Instant::now() < end;
        assert!(waits, "openssl s_server does not listen:\n{words}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
