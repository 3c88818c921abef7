//! What a bundle is made of, in words.

use super::Noise;
use crate::istio::hierarchy::{Identifiers, Names, Purpose, Usage};
use crate::istio::keys::Kind;

/// A bundle in words: a shape in which nothing is wrong, the changes to it in order, and how it
/// follows on another one.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// What it would be without the changes.
    pub shape: Shape,
    /// What is odd about it.
    pub changes: Vec<Change>,
    /// What was there before, if anything.
    pub step: Option<Step>,
}

/// A bundle in which nothing is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The kinds of the keys, from the root to Istio's CA; at least two.
    pub kinds: Vec<Kind>,
    /// How many CAs Istio's may have below it.
    pub path_length: Option<u8>,
    /// Whether cert-chain.pem ends with the root.
    pub root_in_chain: bool,
    /// Under which names the files are there.
    pub layout: Layout,
}

/// The names of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `ca-cert.pem` and so on.
    Istio,
    /// `tls.crt` and so on.
    Tls,
    /// Both, of the same certificates.
    Both,
    /// Istio's, and beside it the other one with another hierarchy, in which nothing is wrong.
    BothButOther,
}

/// Something odd.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// About a certificate, counted from the root.
    Authority(usize, Fault),
    /// About which certificates are in a file.
    List(File, Edit),
    /// About the letters of a file.
    Text(File, Noise),
    /// About the key.
    Key(KeyForm),
    /// About `ca-crl.pem`.
    Crl(Crl),
    /// Istio's marker of a CA that is its own, `istio-generated`.
    IstioGenerated,
    /// A file that nobody looks at.
    UnknownFile,
}

/// A file by its role; each layout has its own name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names say all
pub enum File {
    Cert,
    Key,
    Chain,
    Roots,
}

/// What is odd about a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `pathLenConstraint`.
    PathLength(Option<u8>),
    /// `CA:FALSE`.
    NotCa,
    /// No basic constraints.
    NoBasic,
    /// Key usage.
    Usage(Usage),
    /// Extended key usages.
    Purposes(Vec<Purpose>),
    /// Name constraints.
    Names(Names),
    /// It ended yesterday.
    Expired,
    /// It begins tomorrow.
    NotYet,
    /// It ends in so many hours.
    EndsIn(i64),
    /// Signed with SHA-1.
    Sha1,
    /// Key identifiers.
    Identifiers(Identifiers),
    /// It calls its issuer by another name.
    OtherIssuerName,
    /// Somebody else has signed it in its issuer's name.
    OtherSigner,
    /// It is called as its issuer is.
    NamedLikeIssuer,
    /// It has a critical extension that nobody knows.
    UnknownCritical,
}

/// What is odd about the list of certificates in a file. What it has not got stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// One is missing.
    Drop(usize),
    /// One is there twice, the second time at the end.
    Repeat(usize),
    /// Two have changed places.
    Swap(usize, usize),
    /// Back to front.
    Reverse,
    /// One more at the end.
    Append(Item),
    /// One more at the beginning.
    Prepend(Item),
    /// Another one in this place.
    Replace(usize, Item),
    /// None at all.
    Clear,
}

/// A block in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// The certificate of the hierarchy's CA, counted from the root.
    Of(usize),
    /// An earlier certificate of that CA, still valid.
    Earlier(usize),
    /// An earlier certificate of that CA, which has ended.
    Ended(usize),
    /// Somebody else's.
    Stranger(Stranger),
    /// No certificate.
    Junk(Junk),
}

/// A certificate of another hierarchy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stranger {
    /// A root.
    Root,
    /// A root that ended yesterday.
    EndedRoot,
    /// A root that begins tomorrow.
    FutureRoot,
    /// A root with a signature with SHA-1.
    Sha1Root,
    /// A root with a key of 1024 bits.
    WeakRoot,
    /// A root with our root's name and a key of its own.
    Namesake,
    /// Our root's name and key, signed by another root.
    CrossSigned,
    /// A self-signed certificate that is no CA.
    NoCa,
    /// An intermediate of another root.
    Intermediate,
}

/// A block that is no certificate of a CA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Junk {
    /// It says that it is a certificate.
    NoCertificate,
    /// A certificate block without anything in it.
    Nothing,
    /// A list of revoked certificates.
    Crl,
    /// The private key.
    Key,
}

/// How the key is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyForm {
    /// PKCS#8.
    Pkcs8,
    /// PKCS#1 or SEC1.
    Traditional,
    /// PKCS#8 that says it is PKCS#1 or SEC1.
    Mislabelled,
    /// PKCS#1 or SEC1 that says it is PKCS#8.
    MislabelledBack,
    /// Under a password.
    Encrypted,
    /// After a block `EC PARAMETERS`.
    AfterParameters,
    /// After the certificate.
    AfterCertificate,
    /// Before the certificate.
    BeforeCertificate,
    /// Somebody else's.
    Another,
    /// The earlier intermediate's.
    Earlier,
    /// The public half.
    Public,
}

/// What is in `ca-crl.pem`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crl {
    /// A list of every CA of the hierarchy.
    Complete,
    /// All but Istio's CA.
    WithoutIntermediate,
    /// All but the root.
    WithoutRoot,
    /// One of somebody else.
    Foreign,
    /// What is no list.
    Junk,
    /// Nothing.
    Empty,
}

/// How the bundle follows on the one before it, in which nothing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The same again.
    Same,
    /// Istio's CA has a new key.
    Renewed,
    /// Istio's CA has a new certificate for the same key.
    Reissued,
    /// The CA above Istio's has a new key, or without one as `Renewed`.
    SubRenewed,
    /// A second root comes after the first.
    RootAppended,
    /// A second root comes before the first.
    RootPrepended,
    /// The roots change places.
    RootsReordered,
    /// The second root is there twice.
    RootRepeated,
    /// The second root goes.
    RootRemoved,
    /// Both roots are there; before, the second one's hierarchy issued.
    IssuerSwitched,
    /// Another root, and none in common.
    RootReplaced,
    /// The root has a new certificate for the same key.
    RootReissued,
    /// The same root in other letters.
    RootRewritten,
}

impl Recipe {
    /// Nothing odd, and nothing before it: a root, Istio's CA below it and Istio's names.
    pub fn plain() -> Self {
        Self {
            shape: Shape {
                kinds: vec![Kind::P256; 2],
                path_length: Some(0),
                root_in_chain: true,
                layout: Layout::Istio,
            },
            changes: Vec::new(),
            step: None,
        }
    }

    /// The same with so many CAs, the root and Istio's included.
    #[must_use]
    pub fn tiers(mut self, tiers: usize) -> Self {
        self.shape.kinds.resize(tiers, Kind::P256);
        self
    }

    /// The same with one more change.
    #[must_use]
    pub fn but(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    /// The same after such a step.
    #[must_use]
    pub fn after(mut self, step: Step) -> Self {
        self.step = Some(step);
        self
    }

    /// Every recipe with one thing less.
    pub(super) fn smaller(&self) -> Vec<Self> {
        let with = |change: &dyn Fn(&mut Self)| {
            let mut smaller = self.clone();
            change(&mut smaller);
            smaller
        };
        let fewer = (0..self.changes.len()).map(|at| {
            with(&|recipe| {
                recipe.changes.remove(at);
            })
        });
        let simpler = [
            with(&|recipe| recipe.step = None),
            with(&|recipe| recipe.shape.layout = Layout::Istio),
            with(&|recipe| recipe.shape.root_in_chain = true),
            with(&|recipe| recipe.shape.path_length = Some(0)),
            with(&|recipe| recipe.shape.kinds.fill(Kind::P256)),
            with(&|recipe| recipe.shape.kinds.truncate(2)),
        ];
        fewer
            .chain(simpler)
            .filter(|smaller| smaller != self)
            .collect()
    }
}
