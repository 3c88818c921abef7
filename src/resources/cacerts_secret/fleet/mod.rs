//! A model of meshes, in which our own code decides.
//!
//! What is due, what may be issued, which roots are written and whether a step may be taken is
//! asked of the functions that the provider asks. Only the world around them is made up: clocks, an
//! AWS Private CA that always delivers, kubelets, istiods with their rules by version, workloads
//! that renew at half the life of their certificate, and operators, who apply when they like. A
//! [`History`](history::History) is what happens to a mesh; after every event of it all live
//! workloads must verify each other.
//!
//! Each [rule](rules::Rule) can be switched off, and then a history must be found that breaks:
//! what cannot fail proves nothing.

mod authority;
mod cluster;
mod history;
mod istiod;
mod mesh;
mod operator;
mod provider;
mod rules;
mod tests;
mod workload;
mod write;
