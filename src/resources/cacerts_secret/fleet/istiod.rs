//! istiod: what it loads, when it loads anew, and what it signs.

use std::fmt;
use std::rc::Rc;

use super::authority::{HOUR, OWN, ROOTS, Root};
use super::workload::{LIFE, Leaf, bit};

/// What istiod has in memory, and the Secret in its files.
#[derive(PartialEq)]
pub(super) struct Bundle {
    /// Which certificate it is; no two are the same.
    pub(super) certificate: String,
    /// The root that it leads to.
    pub(super) root: Root,
    /// When it was issued.
    pub(super) issued: i64,
    /// The certificate's own end.
    pub(super) end: i64,
    /// The earliest end on the path.
    pub(super) path_end: i64,
    /// Whether its CA issues for seven days at most.
    pub(super) is_short_lived: bool,
    /// The roots of root-cert.pem in their order.
    pub(super) roots: Vec<Root>,
}

/// On one line, in hours.
impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |root: &Root| ROOTS[usize::from(*root)];
        let roots: Vec<&str> = self.roots.iter().map(name).collect();
        let (root, end) = (name(&self.root), self.path_end / HOUR);
        write!(
            f,
            "a CA under {root} until hour {end}, roots {}",
            roots.join("+")
        )
    }
}

impl Bundle {
    /// That of an istiod that signs by itself.
    pub(super) fn own(root: Root) -> Self {
        Self {
            certificate: format!("own {root}"),
            root,
            issued: 0,
            end: i64::MAX,
            path_end: i64::MAX,
            is_short_lived: false,
            roots: vec![root],
        }
    }

    /// Whether istiod takes it.
    pub(super) fn loads(&self, now: i64) -> bool {
        now <= self.path_end && self.roots.contains(&self.root)
    }
}

/// What differs between versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// Lets certificates outlive their CA.
    V1_27,
    /// Cuts certificates short at the end of their CA, and refuses to sign after it.
    V1_29,
    /// Compares roots as sets, and not as text.
    V1_30,
}

impl Version {
    fn clamps(self) -> bool {
        self != Self::V1_27
    }

    /// Whether a running istiod with `ISTIO_MULTIROOT_MESH` goes from these roots to those.
    fn follows(self, from: &[Root], to: &[Root]) -> bool {
        match self {
            Self::V1_30 => within(from, to) || within(to, from),
            Self::V1_27 | Self::V1_29 => stretch(from, to) || stretch(to, from),
        }
    }
}

fn within(part: &[Root], whole: &[Root]) -> bool {
    part.iter().all(|root| whole.contains(root))
}

fn stretch(part: &[Root], whole: &[Root]) -> bool {
    whole.windows(part.len()).any(|window| window == part)
}

/// A control plane of one cluster.
#[derive(Debug)]
pub(super) struct Istiod {
    version: Version,
    multi_root: bool,
    /// What it signs with; nothing while it does not come up.
    pub(super) memory: Option<Rc<Bundle>>,
    /// Whether it was started with the Secret's files, and so looks at them.
    pub(super) plugged: bool,
}

impl Istiod {
    /// Starts with these files; without any it signs by itself, under a root of its own.
    pub(super) fn start(
        version: Version,
        multi_root: bool,
        files: Option<&Rc<Bundle>>,
        cluster: u8,
        now: i64,
    ) -> Self {
        let own = || Rc::new(Bundle::own(OWN + cluster));
        let memory = match files {
            Some(files) => files.loads(now).then(|| Rc::clone(files)),
            None => Some(own()),
        };
        Self {
            version,
            multi_root,
            memory,
            plugged: files.is_some(),
        }
    }

    /// Looks at files that have changed. A change of roots that it does not follow makes it drop
    /// all of it; where the files are gone it keeps what it has.
    pub(super) fn reload(&mut self, files: Option<&Rc<Bundle>>, now: i64) {
        let Some(files) = files.filter(|files| self.plugged && files.loads(now)) else {
            return;
        };
        let follows = self.memory.as_ref().is_none_or(|memory| {
            let (from, to) = (&memory.roots, &files.roots);
            from == to || (self.multi_root && self.version.follows(from, to))
        });
        if follows {
            self.memory = Some(Rc::clone(files));
        }
    }

    /// A workload's certificate, and the roots that go with it.
    pub(super) fn sign(&self, now: i64) -> Option<Leaf> {
        let under = self.memory.as_ref()?;
        let end = if self.version.clamps() {
            (now + LIFE).min(under.end)
        } else {
            now + LIFE
        };
        let roots = under.roots.iter().map(|root| bit(*root));
        (end > now).then(|| Leaf {
            under: Rc::clone(under),
            end,
            trusts: roots.fold(0, |all, root| all | root),
        })
    }
}
