//! Builds or finds every real program that the stories need, up front and with progress on standard
//! error.

use std::io::{self, Write};
use std::process::ExitCode;

use istiopca_acceptance::parts;

fn main() -> ExitCode {
    let built = parts::ALL.into_iter().map(|part| (part.name, part.path()));
    let mut missing = false;
    for (name, path) in built.chain([("terraform", parts::terraform())]) {
        // Without a terminal to write to, the exit code still tells.
        let _ = match path {
            Ok(path) => writeln!(io::stdout(), "{name} {}", path.display()),
            Err(error) => {
                missing = true;
                writeln!(io::stderr(), "parts: {error}")
            }
        };
    }
    if missing {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
