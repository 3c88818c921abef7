//! AWS Private CA and its CAs: real certificates, made once for all histories.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use jiff::Timestamp;

use crate::pca::{Arn, CertificateArn, UsageMode};
use crate::pki::testing::{Ca, DAY, START, Spec};
use crate::pki::{Certificate, Chain, Horizon};
use crate::resources::custody::{Kept, Ready};
use crate::resources::issue::testing::authority;
use crate::resources::issue::{Authority, Obtained, Terms};

pub(super) const HOUR: i64 = 3600;

/// A moment by the model's clock, which counts seconds.
pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(START + second).expect("histories are short")
}

/// The model's clock at a moment.
pub(super) fn second(moment: Timestamp) -> i64 {
    moment.as_second() - START
}

/// A root, by its number.
pub(super) type Root = u8;

/// The first three are AWS's, the others are made by istiods that sign by themselves.
pub(super) const ROOTS: [&str; 7] = ["A", "B", "C", "own 0", "own 1", "own 2", "own 3"];

/// The first root that an istiod made.
pub(super) const OWN: Root = 3;

/// A CA that a configuration can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum CaName {
    /// The root A itself, and so on.
    A,
    B,
    C,
    /// Below A, and ends on the twelfth day unless it is renewed.
    Ending,
    /// Below A, far from its end, but the CA above it is not, unless that is renewed.
    BelowEnding,
    /// Below A, and issues for seven days at most.
    ShortLived,
}

impl CaName {
    /// The root that it leads to.
    pub(super) fn root(self) -> Root {
        match self {
            Self::B => 1,
            Self::C => 2,
            Self::A | Self::Ending | Self::BelowEnding | Self::ShortLived => 0,
        }
    }

    pub(super) fn arn(self) -> Arn {
        ARNS[self as usize].clone()
    }
}

/// When the CAs end that end.
const ENDING: i64 = 12 * DAY;

/// A CA with what AWS says of it, and what it signs with.
pub(super) struct Signer {
    pub(super) authority: Authority,
    ca: Arc<Ca>,
}

type Key = (CaName, bool, Timestamp, Timestamp);

static ROOT_CAS: LazyLock<Vec<Arc<Ca>>> =
    LazyLock::new(|| ROOTS.map(|name| Arc::new(Ca::root(Spec::ca(name)))).into());

static PEMS: LazyLock<Vec<String>> =
    LazyLock::new(|| ROOT_CAS.iter().map(|ca| ca.certificate.to_pem()).collect());

static ARNS: LazyLock<Vec<Arn>> = LazyLock::new(|| {
    let arn = |number: usize| {
        format!(
            "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/\
             {number:08}-2222-3333-4444-555555555555"
        )
    };
    let arns = (0..6).map(|number| arn(number).parse());
    arns.collect::<Result<_, _>>().expect("ARNs")
});

static SIGNERS: LazyLock<HashMap<(CaName, bool), Signer>> = LazyLock::new(signers);

static ISSUED: LazyLock<Mutex<HashMap<Key, Arc<Obtained>>>> = LazyLock::new(Mutex::default);

/// A root's certificate.
pub(super) fn root(root: Root) -> &'static Certificate {
    &ROOT_CAS[usize::from(root)].certificate
}

/// The same as text.
pub(super) fn root_pem(root: Root) -> String {
    PEMS[usize::from(root)].clone()
}

/// Which root it is.
pub(super) fn number_of(certificate: &Certificate) -> Root {
    let found = ROOT_CAS
        .iter()
        .position(|root| root.certificate == *certificate);
    u8::try_from(found.expect("there are no other roots")).expect("there are seven")
}

/// A CA as it stands; some have been renewed at some time.
pub(super) fn signer(name: CaName, renewed: bool) -> &'static Signer {
    &SIGNERS[&(name, renewed)]
}

/// What AWS delivers. Asked for the same in the same second it delivers the same.
pub(super) fn issue(name: CaName, renewed: bool, terms: &Terms, now: Timestamp) -> Arc<Obtained> {
    let mut issued = ISSUED.lock().expect("nobody panics while holding it");
    let number = issued.len();
    let made = issued.entry((name, renewed, now, terms.not_after));
    let made = made.or_insert_with(|| {
        let Signer { authority, ca } = signer(name, renewed);
        let spec = Spec::ca("mesh").path_length(0);
        let mesh = ca.sign(spec.seconds(terms.not_after.as_second() - START));
        let chain = Chain::among(mesh.certificate, authority.chain.path().to_vec());
        Arc::new(Obtained {
            certificate_arn: CertificateArn::new(format!("{}/certificate/{number}", name.arn())),
            chain: chain.expect("the CA's own chain"),
            key: Ready::at_hand(mesh.key, Kept::default()),
            signing_algorithm: terms.signing_algorithm,
            ordered_at: now,
            short_lived: authority.is_short_lived(),
            orphan: None,
            horizon: Horizon::of(&authority.chain),
        })
    });
    Arc::clone(made)
}

fn signers() -> HashMap<(CaName, bool), Signer> {
    let mut found = HashMap::new();
    let mut add = |name, renewed, ca: &Arc<Ca>, path: &[&Certificate]| {
        let mode = match name {
            CaName::ShortLived => UsageMode::ShortLived,
            _ => UsageMode::GeneralPurpose,
        };
        let authority = authority(mode, path);
        let ca = Arc::clone(ca);
        found.insert((name, renewed), Signer { authority, ca });
    };
    let a = &ROOT_CAS[0];
    let under = |ca: &Ca, name: &str| Arc::new(ca.sign(Spec::ca(name)));
    let (ending, short) = (under(a, "ending"), under(a, "short-lived"));
    let upper = under(a, "upper");
    let below = under(&upper, "below");
    for renewed in [false, true] {
        for (name, ca) in [CaName::A, CaName::B, CaName::C]
            .into_iter()
            .zip(&*ROOT_CAS)
        {
            add(name, renewed, ca, &[&ca.certificate]);
        }
        let root = &a.certificate;
        let end = if renewed { 3650 * DAY } else { ENDING };
        let certified = |ca: &Ca, name: &str| a.certify(&Spec::ca(name).seconds(end), &ca.key);
        let (own, above) = (certified(&ending, "ending"), certified(&upper, "upper"));
        add(CaName::Ending, renewed, &ending, &[&own, root]);
        let path = [&below.certificate, &above, root];
        add(CaName::BelowEnding, renewed, &below, &path);
        add(
            CaName::ShortLived,
            renewed,
            &short,
            &[&short.certificate, root],
        );
    }
    found
}
