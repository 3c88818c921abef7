//! The scripts of the examples, run as a pipeline runs them: with a shell and the core, and nothing
//! else on the path.

use std::fs;
use std::path::{Path, PathBuf};

use istiopca_acceptance::process::{Run, clean, guarded};
use istiopca_acceptance::sandbox::examples;

use crate::interruption::SOON;
use crate::world::World;

/// Runs `examples/terraform/<script>` in the world's directory, with more in its environment.
pub(crate) async fn script(
    world: &World,
    script: &str,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Run {
    let mut command = guarded(Path::new("env"), None);
    clean(&mut command, &world.dir.place().join("home"));
    command
        .args([&format!("PATH={}", bare(world).display()), "/bin/sh"])
        .arg(examples().join(script))
        .args(arguments)
        .current_dir(world.dir.path())
        .envs(world.dir.environment())
        .env("TF", world.dir.program())
        .env("TF_CLI_ARGS_plan", "-no-color")
        .envs(environment.iter().copied());
    world.dir.run_beside(command, script, SOON).await
}

/// A directory with what POSIX promises of what the scripts use.
fn bare(world: &World) -> PathBuf {
    let directory = world.dir.place().join("bare");
    fs::create_dir_all(&directory).unwrap();
    for tool in ["cp", "dirname", "mktemp", "rm"] {
        let found = ["/bin", "/usr/bin"].map(|place| Path::new(place).join(tool));
        let found = found.iter().find(|file| file.exists()).unwrap();
        let _ = std::os::unix::fs::symlink(found, directory.join(tool));
    }
    directory
}
