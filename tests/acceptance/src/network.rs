//! A network of a story's own: it runs in a process by itself, with addresses at which pods can be.
//!
//! An API server leads nobody to a pod on a loopback *address*, and a machine has no others that a
//! test may take. In a network namespace the loopback *device* can be given some; whoever makes a
//! user namespace along with it need not be root. A process must be alone to enter one, which the
//! threads of a test are not: so the test starts its own program once more, inside.

use std::env;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::runtime::Builder;

use crate::cli::{Cli, provider_binary};
use crate::parts::{
    ETCD, ISTIOD, KUBE_APISERVER, KUBE_CONTROLLER_MANAGER, KUBECTL, Part, PartError,
};
use crate::process::{Run, guarded, run};

/// Set for the program inside: the name of its story.
const INSIDE: &str = "ISTIOPCA_NETWORK_OF";

/// Longer than any story that is not stuck.
const DEADLINE: Duration = Duration::from_secs(900);

/// Every address that begins like this one is on the loopback device then.
const SET_UP: &str = "ip link set lo up && ip addr add 10.77.0.1/24 dev lo";

/// Runs a story in a network of its own, to which nothing outside is connected; what runs there
/// sees a clock, files and processes as always.
///
/// The story must be the only thing that its test function does: the function is found by the name
/// of this future's type.
///
/// # Panics
///
/// When the story does, with all that it said; when the machine allows no such network, with what to
/// do about that.
#[track_caller]
pub fn in_its_own<F: Future<Output = ()>>(story: F) {
    let name = test_of::<F>();
    if env::var(INSIDE).is_ok_and(|inside| inside == name) {
        return on_a_runtime(story);
    }
    drop(story);
    if let Err(why) = allowed() {
        panic!("{why}");
    }
    on_a_runtime(async {
        let ran = again_inside(&name).await;
        // An unknown name is a success, too, of no test.
        ran.succeeds().says("1 passed");
    });
}

/// An address of this network that nobody else was given.
///
/// # Panics
///
/// After some 250 of them, since a story needs no more.
pub fn address() -> Ipv4Addr {
    static LAST: AtomicU8 = AtomicU8::new(1);
    let last = LAST.fetch_add(1, Ordering::Relaxed);
    assert!(last < 254, "all addresses of the network are taken");
    Ipv4Addr::new(10, 77, 0, last + 1)
}

/// The test's name for libtest: `module::function`.
fn test_of<F>() -> String {
    let whole = std::any::type_name::<F>();
    let function = whole.split("::{{closure}}").next().unwrap_or(whole);
    let (_, name) = function.split_once("::").unwrap_or(("", function));
    name.to_owned()
}

fn on_a_runtime<F: Future<Output = ()>>(future: F) {
    match Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(future),
        Err(error) => panic!("there is no runtime for a story: {error}"),
    }
}

/// Whether the machine lets a process make such a network; asked once.
fn allowed() -> Result<(), &'static String> {
    static ALLOWED: OnceLock<Result<(), String>> = OnceLock::new();
    let asked = ALLOWED.get_or_init(|| {
        let tried = Command::new("unshare")
            .args(["-rn", "sh", "-c", SET_UP])
            .output();
        let said = match tried {
            Ok(tried) if tried.status.success() => return Ok(()),
            Ok(tried) => String::from_utf8_lossy(&tried.stderr).trim().to_owned(),
            Err(error) => format!("unshare: {error}"),
        };
        Err(format!(
            "this story needs a network namespace, and the machine allows none ({said}). It needs \
             `unshare` of util-linux and `ip` of iproute2, and user namespaces for users: \
             `sysctl -w user.max_user_namespaces=10000`, and where AppArmor restricts them (Ubuntu \
             24.04) `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`; in a container, \
             a seccomp profile that lets unshare(2) through"
        ))
    });
    asked.as_ref().map(drop)
}

/// This program once more, with this test alone. Whatever would have to be fetched is there before:
/// inside there is nowhere to fetch it from.
async fn again_inside(name: &str) -> Run {
    let prepared = tokio::task::spawn_blocking(prepare).await;
    let provider = match prepared {
        Ok(Ok(provider)) => provider,
        Ok(Err(error)) => panic!("{error}"),
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    };
    let program = env::current_exe().expect("a running test has a program");
    let mut command = guarded(Path::new("unshare"), None);
    command
        .args(["-rn", "sh", "-c", &format!("{SET_UP} && exec \"$@\""), "sh"])
        .arg(program)
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(INSIDE, name)
        .env("ISTIOPCA_PROVIDER", provider);
    run(
        command,
        &format!("{name} in a network of its own"),
        DEADLINE,
    )
    .await
}

/// The provider's binary, once it and every part that a story inside may need is there.
fn prepare() -> Result<&'static Path, PartError> {
    let parts: [&Part; 5] = [
        &ETCD,
        &KUBE_APISERVER,
        &KUBE_CONTROLLER_MANAGER,
        &KUBECTL,
        &ISTIOD,
    ];
    for part in parts {
        part.path()?;
    }
    for cli in Cli::both() {
        cli.program()?;
    }
    Ok(provider_binary())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_story_inside_can_listen_on_addresses_that_the_machine_does_not_have() {
        let (one, other) = ("10.77.0.1:0", "10.77.0.77:0");
        assert!(TcpListener::bind(one).is_err() || env::var(INSIDE).is_ok());
        in_its_own(async move {
            for address in [one, other, "127.0.0.1:0"] {
                TcpListener::bind(address).unwrap();
            }
            // Nothing is outside.
            assert!(std::net::TcpStream::connect("192.0.2.1:443").is_err());
        });
    }

    #[test]
    fn a_story_that_fails_inside_fails_outside_with_its_words() {
        let story = || in_its_own(async { panic!("what it says, {}", 6 * 7) });
        let panicked = std::panic::catch_unwind(story).unwrap_err();
        if env::var(INSIDE).is_ok() {
            std::panic::resume_unwind(panicked);
        }
        let said = panicked.downcast::<String>().unwrap();
        assert!(said.contains("what it says, 42"), "{said}");
    }

    #[test]
    fn addresses_differ() {
        assert_ne!(address(), address());
    }
}
