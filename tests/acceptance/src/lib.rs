//! What the stories stand on: emulators with rules, real parts, and the means to drive a real CLI.

pub mod apiserver;
pub mod aws;
pub mod canary;
pub mod cli;
pub mod host;
pub mod istio;
mod loopback;
pub mod network;
pub mod parts;
pub mod process;
pub mod proxy;
pub mod sandbox;
pub mod sandbox_cluster;
