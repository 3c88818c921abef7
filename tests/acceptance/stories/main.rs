//! The provider as its users meet it: the built binary or the library under a clock, real CLIs, a
//! real API server, and an AWS that enforces its rules.
#![allow(
    clippy::unwrap_used,
    reason = "a story ends where what it needs is missing"
)]

mod accounts;
mod canary;
mod chance;
mod changes;
mod clusters;
mod commands;
mod cores;
mod counts;
mod custody;
mod cycle;
mod data_keys;
mod drift;
mod eks;
mod ephemeral;
mod examples;
mod first_apply;
mod fleet;
mod gamedays;
mod hands;
mod interruption;
mod istiod;
mod keys;
mod limits;
mod logins;
mod looks;
mod members;
mod mesh;
mod mistakes;
mod ownership;
mod pages;
mod peers;
mod pipeline;
mod places;
mod planned;
mod plugin;
mod quickstart;
mod renewals;
mod revocation;
mod rivals;
mod roots;
mod rotation;
mod scripts;
mod signing_in;
mod signing_in_to_clusters;
mod tse_handover;
mod usurpers;
mod world;
