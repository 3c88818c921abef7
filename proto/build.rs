//! Compiles the two contracts with protox, so that no `protoc` has to be installed.

use std::error::Error;

const CONTRACTS: [&str; 2] = ["tfplugin6.proto", "plugin.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    for contract in CONTRACTS {
        println!("cargo::rerun-if-changed={contract}");
    }
    let descriptors = protox::compile(CONTRACTS, ["."])?;
    // No default stubs: a server that forgets an RPC must not compile.
    tonic_prost_build::configure()
        .build_transport(false)
        .btree_map(".")
        .skip_debug([".tfplugin6.DynamicValue", ".tfplugin6.RawState"])
        .compile_fds(descriptors)?;
    Ok(())
}
