//! How a core reaches the provider.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The provider's source address; its host is written out, since the two cores have different
/// default hosts.
pub const PROVIDER_SOURCE: &str = "registry.terraform.io/istiopca/istiopca";

/// The version under which a mirror offers the provider.
pub const PROVIDER_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The block of a configuration that names the provider.
pub const REQUIRED_PROVIDERS: &str = r#"terraform {
  required_providers {
    istiopca = { source = "registry.terraform.io/istiopca/istiopca" }
  }
}
"#;

/// The binary's name, and Cargo's for it.
pub(super) const BINARY: &str = "terraform-provider-istiopca";

/// Where a core finds the provider.
#[derive(Clone, Debug)]
pub enum Provider {
    /// Nowhere: the configuration uses what is built into the core.
    None,
    /// In a filesystem mirror that holds this binary; `init` installs it and locks it, as with a
    /// released one.
    Mirror(PathBuf),
    /// By `dev_overrides` to this binary: no `init` is needed, every command warns.
    DevOverride(PathBuf),
    /// In a process that runs already: the value of `TF_REATTACH_PROVIDERS`. No `init` is needed.
    Reattach(String),
}

impl Provider {
    /// Lays out what the core is to find under `dir` and returns the CLI configuration that says
    /// so. A core with it never asks the network for a provider.
    pub(super) fn install(&self, dir: &Path) -> io::Result<String> {
        let mirror = dir.join("mirror");
        fs::create_dir_all(&mirror)?;
        let mut overrides = String::new();
        match self {
            Self::None | Self::Reattach(_) => {}
            Self::Mirror(binary) => {
                let place = mirror
                    .join(PROVIDER_SOURCE)
                    .join(PROVIDER_VERSION)
                    .join(platform());
                link(binary, &place, &format!("{BINARY}_v{PROVIDER_VERSION}"))?;
            }
            Self::DevOverride(binary) => {
                // Cargo's own directory will not do: cores take anything there whose name begins
                // like the binary's.
                let place = dir.join("override");
                link(binary, &place, BINARY)?;
                overrides = format!(
                    "  dev_overrides {{ \"{PROVIDER_SOURCE}\" = \"{}\" }}\n",
                    place.display()
                );
            }
        }
        let mirror = format!(
            "  filesystem_mirror {{ path = \"{}\" }}\n",
            mirror.display()
        );
        Ok(format!(
            "disable_checkpoint = true\nprovider_installation {{\n{overrides}{mirror}}}\n"
        ))
    }
}

/// A hard link outlives a rebuild under the same name, and a core sees an ordinary file.
fn link(binary: &Path, place: &Path, name: &str) -> io::Result<()> {
    fs::create_dir_all(place)?;
    let installed = place.join(name);
    match fs::remove_file(&installed) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::hard_link(binary, &installed).or_else(|_| fs::copy(binary, &installed).map(drop))
}

/// This machine as Go names it: `linux_amd64`.
fn platform() -> String {
    let os = match env::consts::OS {
        "macos" => "darwin",
        os => os,
    };
    let arch = match env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        arch => arch,
    };
    format!("{os}_{arch}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_has_the_layout_that_cores_look_for() {
        let dir = tempfile::tempdir().unwrap();
        let binary = dir.path().join("built");
        fs::write(&binary, "program").unwrap();
        Provider::Mirror(binary).install(dir.path()).unwrap();
        let place = format!(
            "mirror/registry.terraform.io/istiopca/istiopca/{PROVIDER_VERSION}/{}",
            platform()
        );
        let installed = dir
            .path()
            .join(place)
            .join(format!("terraform-provider-istiopca_v{PROVIDER_VERSION}"));
        assert_eq!(fs::read_to_string(installed).unwrap(), "program");
    }

    #[test]
    fn a_binary_can_be_installed_again() {
        let dir = tempfile::tempdir().unwrap();
        let binary = dir.path().join("built");
        for program in ["old", "new"] {
            // As Cargo does: a new file under the old name.
            _ = fs::remove_file(&binary);
            fs::write(&binary, program).unwrap();
            let configuration = Provider::DevOverride(binary.clone())
                .install(dir.path())
                .unwrap();
            let place = dir.path().join("override");
            assert!(
                configuration.contains(&format!("\"{PROVIDER_SOURCE}\" = \"{}\"", place.display()))
            );
            assert_eq!(fs::read_to_string(place.join(BINARY)).unwrap(), program);
        }
    }

    #[test]
    fn the_required_provider_is_the_one_that_is_installed() {
        assert!(REQUIRED_PROVIDERS.contains(&format!("\"{PROVIDER_SOURCE}\"")));
    }
}
