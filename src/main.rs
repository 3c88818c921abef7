//! The plugin's binary: the provider, served to the host that started it.

use std::process::ExitCode;
use std::sync::Arc;

use istiopca::provider::{ABOUT, provider};
use istiopca::terraform::{Service, log, plugin, wall_clock};

fn main() -> ExitCode {
    log::init(ABOUT.name(), wall_clock);
    log::tell_panics();
    let service = Service::new(provider(), Arc::new(wall_clock));
    let stop = service.stopper();
    plugin::serve(ABOUT, service, stop)
}
