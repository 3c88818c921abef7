//! A Terraform and OpenTofu provider that gives an Istio mesh its intermediate CA from AWS Private
//! CA and keeps it alive.
//!
//! # The rooms
//!
//! | room | what it does | whom it speaks to |
//! |---|---|---|
//! | [`provider`] | the provider's settings, its table of resources | |
//! | [`resources`] | where host, domain and world meet; words for every failure | everyone below |
//! | [`clients`] | an authority per CA, a cluster per target; made on first use, shared | |
//! | [`pki`] | keys, requests, chains, validity, the bundle that istiod loads, its judge | nobody: pure |
//! | [`pca`] | issues certificates | AWS Private CA |
//! | [`eks`] | finds clusters by name, mints tokens for them | Amazon EKS |
//! | [`kms`] | has a data key made, and opened again | AWS KMS |
//! | [`aws`] | signs in | AWS STS |
//! | [`cluster`] | reads and writes one Secret | a Kubernetes API server |
//! | [`terraform`] | values, schemas, planning, serving | the host: Terraform or OpenTofu |
//!
//! # What is absent
//!
//! 1. `terraform` names nothing of ours: it could leave with `git mv`.
//! 2. `pki` has no async and no clock; chance has one door, `PrivateKey::generate`.
//! 3. Only `aws`, `eks`, `kms` and `pca` name the AWS SDK, only `cluster` names kube, only
//!    `terraform::{wire, service, plugin}` name gRPC.
//! 4. Only `resources` and `provider` put an error into words for the user.
//! 5. The wall clock is read in one function, `terraform::wall_clock`.
//!
//! The tests in `tidy` hold them.

pub mod aws;
pub mod clients;
pub mod cluster;
pub mod eks;
pub mod kms;
pub mod pca;
pub mod pki;
pub mod provider;
pub mod resources;
pub mod terraform;

#[cfg(test)]
mod tidy;
