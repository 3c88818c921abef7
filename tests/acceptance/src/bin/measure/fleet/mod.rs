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
mod place;
mod round;
mod table;
mod usage;

use std::io::{self, Write as _};
use std::path::Path;

use super::Failure;
use options::Options;
use round::Round;
use table::Stack;

/// Measures what the arguments say and prints it.
pub(super) async fn fleet(binary: &Path, arguments: &[String]) -> Result<(), Failure> {
    let options = Options::read(arguments)?;
    let mut stacks = Vec::new();
    for &place in &options.places {
        for &shape in &options.shapes {
            for &clusters in &options.clusters {
                tell(&format!("{}, {clusters} × {}", place.name(), shape.name()));
                let mut round = Round::prepared(binary, &options, place, clusters).await?;
                let steps = round.measured(&options, shape).await?;
                let stack = Stack {
                    place,
                    shape,
                    clusters,
                    steps,
                };
                stacks.push(stack);
            }
        }
    }
    let tables = table::tables(&options, &stacks);
    io::stdout().write_all(tables.as_bytes())?;
    Ok(())
}

/// Progress, for whoever waits.
fn tell(what: &str) {
    // Without a standard error nobody is there to be told.
    let _ = writeln!(io::stderr(), "measure: {what}");
}
