//! `cargo measure fleet`: one stack for 1, 50 and 500 clusters, against AWS's quotas and latency.
//!
//! Private CA, STS and EKS are the emulator, with the quotas that AWS has and a latency on each call;
//! the Secrets go into namespaces of one real API server, or into as many clusters of EKS, which
//! are sandboxes. Core is real, and the provider is the release binary that core starts. All of them
//! share one machine, so that what the processor costs is counted too.

mod backend;
mod configuration;
mod ideal;
mod options;
mod peers;
mod place;
mod round;
mod table;
mod usage;

use std::io::{self, Write as _};
use std::path::Path;

use super::Failure;
use super::plugin::{Credentials, Plugin};
use options::Options;
use peers::Peers;
use round::Round;
use table::Stack;

/// Measures what the arguments say and prints it.
pub(super) async fn fleet(binary: &Path, arguments: &[String]) -> Result<(), Failure> {
    let options = Options::read(arguments)?;
    let mut stacks = Vec::new();
    for &place in &options.places {
        for &shape in &options.shapes {
            let title = format!("{}, {}", shape.name(), place.name());
            for &clusters in &options.clusters {
                tell(&format!("{clusters} × {title}"));
                let mut round = Round::ours(binary, &options, place, clusters).await?;
                stacks.push(Stack {
                    title: title.clone(),
                    place: Some(place),
                    clusters,
                    steps: round.measured(&options, shape).await?,
                });
            }
        }
    }
    print(&options, &stacks)?;
    if !options.peers.is_empty() {
        print(&options, &peers(&options).await?)?;
    }
    Ok(())
}

fn print(options: &Options, stacks: &[Stack]) -> io::Result<()> {
    io::stdout().write_all(table::tables(options, stacks).as_bytes())
}

/// The same work by others.
async fn peers(options: &Options) -> Result<Vec<Stack>, Failure> {
    let peers = Peers::built(&options.peers)?;
    let host = Credentials::new()?;
    for program in peers.programs() {
        let mut plugin = Plugin::start(&program, &host)?;
        let (age, name) = (plugin.age(), program.file_name().unwrap_or_default());
        tell(&format!(
            "{} shook hands after {} ms",
            name.display(),
            age.as_millis()
        ));
        plugin.end()?;
    }
    let mut stacks = Vec::new();
    for &clusters in &options.clusters {
        tell(&format!("{clusters} × {}", peers.title()));
        let mut round = Round::of_peers(&peers, options, clusters).await?;
        stacks.push(Stack {
            title: peers.title(),
            place: None,
            clusters,
            steps: round.of_others(options, &peers).await?,
        });
    }
    Ok(stacks)
}

/// Progress, for whoever waits.
fn tell(what: &str) {
    // Without a standard error nobody is there to be told.
    let _ = writeln!(io::stderr(), "measure: {what}");
}
