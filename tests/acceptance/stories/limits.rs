//! What the provider's process may do with the machine: no crash of it writes a key to disk, and a
//! fleet does not run out of open files.

/// Only Linux shows the limits of another process, in `/proc`; the test of the plugin's processes
/// in the provider itself asks the process, and so holds elsewhere as well.
#[cfg(target_os = "linux")]
#[test]
fn a_crash_leaves_no_core_and_a_fleet_may_open_its_connections() {
    use std::fs;
    use std::os::unix::process::ExitStatusExt as _;

    use rustix::process::{Resource, Signal, getrlimit};

    use crate::plugin::Plugin;

    // As macOS starts processes, with cores as large as we may allow them.
    let before = r#"ulimit -Sn 256; ulimit -Sc "$(ulimit -Hc)""#;
    let mut plugin = Plugin::start(before);
    let limits = fs::read_to_string(format!("/proc/{}/limits", plugin.pid())).unwrap();
    let limit = |name: &str| {
        let line = limits.lines().find_map(|line| line.strip_prefix(name));
        let line = line.unwrap_or_else(|| panic!("no {name} in {limits}"));
        let numbers: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        [numbers[0].clone(), numbers[1].clone()]
    };
    assert_eq!(limit("Max core file size"), ["0", "0"]);
    let [soft, hard] = limit("Max open files");
    let most = getrlimit(Resource::Nofile).maximum;
    let wanted = most.map_or(4096, |most| most.min(4096));
    assert_eq!(soft, wanted.to_string());
    let unchanged = most.map_or_else(|| "unlimited".to_owned(), |most| most.to_string());
    assert_eq!(hard, unchanged);

    let ended = plugin.crash();
    assert_eq!(ended.signal(), Some(Signal::ABORT.as_raw()));
    assert!(!ended.core_dumped(), "it left a core dump");
    let left = fs::read_dir(plugin.place.path()).unwrap();
    let left = left.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let cores: Vec<String> = left.filter(|name| name.starts_with("core")).collect();
    assert_eq!(cores, [""; 0]);
}
