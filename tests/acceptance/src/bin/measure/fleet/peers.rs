//! What users run today, for comparison: hashicorp/tls, time, kubernetes and aws, built from the Go module
//! registry when they are asked for.
//!
//! Without aws, which takes half an hour to build and is close to a gigabyte, the certificates are signed
//! by a root in the state (`tls_locally_signed_cert`): nobody is asked for them, so that the peers have
//! less to do than we.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use istiopca_acceptance::parts::target_dir;
use serde_json::{Value, json};

use super::super::Failure;
use super::tell;

/// Another provider.
struct Peer {
    name: &'static str,
    /// Of `github.com/hashicorp/terraform-provider-<name>`.
    version: &'static str,
    minutes: &'static str,
}

const KNOWN: [Peer; 4] = [
    Peer {
        name: "tls",
        version: "v1.2.1-0.20260819085117-d044ca7c6f52",
        minutes: "a quarter of a minute",
    },
    Peer {
        name: "time",
        version: "v0.14.2",
        minutes: "a minute",
    },
    Peer {
        name: "kubernetes",
        version: "v1.13.4-0.20260821094251-3a33fb6cc605",
        minutes: "5 minutes",
    },
    Peer {
        name: "aws",
        version: "v1.60.1-0.20260602190131-5f2286d6d836",
        minutes: "37 minutes and a gigabyte",
    },
];

/// Those that were asked for, built.
pub(super) struct Peers {
    built: Vec<(&'static str, PathBuf)>,
}

impl Peers {
    /// Builds what is not there yet.
    pub(super) fn built(names: &[String]) -> Result<Self, Failure> {
        let mut built = Vec::new();
        for name in names {
            let peer = KNOWN.iter().find(|peer| peer.name == name);
            let peer =
                peer.ok_or_else(|| format!("{name} is no peer: tls, time, kubernetes, aws"))?;
            built.push((peer.name, peer.path()?));
        }
        let peers = Self { built };
        match ["tls", "time", "kubernetes"]
            .iter()
            .all(|name| peers.has(name))
        {
            true => Ok(peers),
            false => Err("the peers need tls, time and kubernetes at least".into()),
        }
    }

    /// What hashicorp/kubernetes needs beside our own rights: it creates by POST, which no rule can
    /// limit to a name.
    pub(super) fn right() -> Value {
        json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]})
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.built.iter().any(|(built, _)| *built == name)
    }

    pub(super) fn programs(&self) -> Vec<PathBuf> {
        self.built.iter().map(|(_, path)| path.clone()).collect()
    }

    /// How tables call them.
    pub(super) fn title(&self) -> String {
        let names: Vec<String> = self
            .built
            .iter()
            .map(|(name, _)| format!("hashicorp/{name}"))
            .collect();
        let signed = if self.has("aws") {
            ""
        } else {
            "; signed by a root in the state"
        };
        format!("{}{signed}", names.join(", "))
    }

    /// Lays out a mirror with them in `dir`, and gives core's configuration for it.
    pub(super) fn installed(&self, dir: &Path) -> io::Result<PathBuf> {
        let mirror = dir.join("peers");
        for (name, path) in &self.built {
            let platform = format!(
                "{}_{}",
                "linux",
                if cfg!(target_arch = "x86_64") {
                    "amd64"
                } else {
                    "arm64"
                }
            );
            let place = mirror.join("registry.terraform.io/hashicorp").join(name);
            let place = place.join("9.9.9").join(platform);
            fs::create_dir_all(&place)?;
            let installed = place.join(format!("terraform-provider-{name}_v9.9.9"));
            fs::hard_link(path, &installed).or_else(|_| fs::copy(path, &installed).map(drop))?;
        }
        let configuration = dir.join("peers.tfrc");
        let text = format!(
            "disable_checkpoint = true\nprovider_installation {{\n  filesystem_mirror {{ path = {:?} }}\n}}\n",
            mirror
        );
        fs::write(&configuration, text)?;
        Ok(configuration)
    }

    /// The stack's files by name. `files` is where the AWS profile is.
    pub(super) fn stack(
        &self,
        kubernetes: &str,
        endpoint: &str,
        ca: &str,
        keys: &[String],
        files: &str,
    ) -> Vec<(&'static str, String)> {
        let keys: Vec<String> = keys.iter().map(|key| format!("    {key:?}")).collect();
        let keys = keys.join(",\n");
        let required = self.required();
        let (root, signer) = match self.has("aws") {
            true => (aws(endpoint, files), format!("ca = {ca:?}")),
            false => (ROOT.to_owned(), SIGNER.to_owned()),
        };
        let signed = if self.has("aws") { BY_AWS } else { LOCALLY };
        let main = format!(
            "{required}\nprovider \"kubernetes\" {{\n    {kubernetes}\n}}\n{root}\nmodule \"mesh\" {{\n  source   = \"./mesh\"\n  \
             for_each = toset([\n{keys}\n  ])\n  key = each.key\n  {signer}\n}}\n"
        );
        vec![
            ("main.tf", main),
            ("mesh/main.tf", format!("{required}\n{MESH}\n{signed}")),
        ]
    }

    fn required(&self) -> String {
        let all: Vec<String> = self
            .built
            .iter()
            .map(|(name, _)| {
                format!("    {name} = {{ source = \"registry.terraform.io/hashicorp/{name}\" }}\n")
            })
            .collect();
        format!(
            "terraform {{\n  required_providers {{\n{}  }}\n}}\n",
            all.concat()
        )
    }
}

impl Peer {
    fn path(&self) -> Result<PathBuf, Failure> {
        let (name, version) = (self.name, self.version);
        let dir = target_dir().join("peers").join(format!("{name}-{version}"));
        let program = dir.join(format!("terraform-provider-{name}"));
        if program.is_file() {
            return Ok(program);
        }
        tell(&format!(
            "building hashicorp/{name}, about {} on two cores",
            self.minutes
        ));
        fs::create_dir_all(&dir)?;
        fs::write(dir.join("go.mod"), "module peer\n\ngo 1.26\n")?;
        let module = format!("github.com/hashicorp/terraform-provider-{name}");
        go(&dir, &["get", &format!("{module}@{version}")])?;
        let unfinished = dir.join("unfinished");
        let output = unfinished.to_string_lossy();
        go(
            &dir,
            &[
                "build",
                "-trimpath",
                "-ldflags=-s -w",
                "-o",
                &output,
                &module,
            ],
        )?;
        fs::rename(unfinished, &program)?;
        Ok(program)
    }
}

fn go(dir: &Path, arguments: &[&str]) -> Result<(), Failure> {
    let mut go = Command::new("go");
    go.args(arguments).current_dir(dir);
    go.env("CGO_ENABLED", "0")
        .env("GOWORK", "off")
        .env("GOFLAGS", "-mod=mod");
    match go.output()? {
        done if done.status.success() => Ok(()),
        failed => Err(format!(
            "go {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&failed.stderr)
        )
        .into()),
    }
}

fn aws(endpoint: &str, files: &str) -> String {
    format!(
        r#"
provider "aws" {{
  region                      = "eu-west-1"
  profile                     = "fleet"
  shared_config_files         = ["{files}/aws-config"]
  shared_credentials_files    = ["{files}/aws-credentials"]
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
  endpoints {{
    acmpca = "{endpoint}"
    sts    = "{endpoint}"
  }}
}}
"#
    )
}

const ROOT: &str = r#"
resource "tls_private_key" "root" {
  algorithm   = "ECDSA"
  ecdsa_curve = "P256"
}
resource "tls_self_signed_cert" "root" {
  private_key_pem       = tls_private_key.root.private_key_pem
  is_ca_certificate     = true
  validity_period_hours = 87600
  allowed_uses          = ["cert_signing", "crl_signing"]
  subject {
    common_name = "root"
  }
}
"#;

const SIGNER: &str =
    "ca     = tls_self_signed_cert.root.cert_pem\n  ca_key = tls_private_key.root.private_key_pem";

const MESH: &str = r#"
variable "key" {
  type = string
}
variable "ca" {
  type = string
}
variable "ca_key" {
  type    = string
  default = null
}
resource "time_rotating" "ca" {
  rotation_days = 60
}
resource "time_static" "ca_epoch" {
  rfc3339 = time_rotating.ca.rfc3339
}
resource "tls_private_key" "ca" {
  algorithm   = "ECDSA"
  ecdsa_curve = "P256"
  lifecycle {
    create_before_destroy = true
    replace_triggered_by  = [time_static.ca_epoch]
  }
}
resource "tls_cert_request" "ca" {
  private_key_pem = tls_private_key.ca.private_key_pem
  subject {
    common_name = "istio-ca.${var.key}"
  }
  lifecycle {
    create_before_destroy = true
  }
}
resource "kubernetes_secret_v1" "cacerts" {
  metadata {
    name      = "cacerts"
    namespace = var.key
  }
  type = "Opaque"
  data = {
    "ca-cert.pem"    = local.leaf_pem
    "ca-key.pem"     = tls_private_key.ca.private_key_pem
    "root-cert.pem"  = local.root_pem
    "cert-chain.pem" = local.cert_chain
  }
}
"#;

const LOCALLY: &str = r#"
resource "tls_locally_signed_cert" "ca" {
  cert_request_pem      = tls_cert_request.ca.cert_request_pem
  ca_private_key_pem    = var.ca_key
  ca_cert_pem           = var.ca
  is_ca_certificate     = true
  validity_period_hours = 2160
  allowed_uses          = ["cert_signing", "crl_signing"]
  lifecycle {
    create_before_destroy = true
  }
}
locals {
  leaf_pem   = tls_locally_signed_cert.ca.cert_pem
  root_pem   = var.ca
  cert_chain = "${local.leaf_pem}${local.root_pem}"
}
"#;

const BY_AWS: &str = r#"
resource "aws_acmpca_certificate" "ca" {
  certificate_authority_arn   = var.ca
  certificate_signing_request = tls_cert_request.ca.cert_request_pem
  signing_algorithm           = "SHA256WITHECDSA"
  template_arn                = "arn:aws:acm-pca:::template/SubordinateCACertificate_PathLen0/V1"
  validity {
    type  = "DAYS"
    value = 90
  }
  lifecycle {
    create_before_destroy = true
  }
}
locals {
  pem_re     = "-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----"
  leaf_pem   = "${trimspace(aws_acmpca_certificate.ca.certificate)}\n"
  chain_pems = regexall(local.pem_re, aws_acmpca_certificate.ca.certificate_chain)
  root_pem   = "${local.chain_pems[length(local.chain_pems) - 1]}\n"
  cert_chain = join("", concat([local.leaf_pem], [for p in local.chain_pems : "${p}\n"]))
}
"#;
