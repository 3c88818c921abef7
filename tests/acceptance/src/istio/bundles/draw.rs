//! Drawing recipes: which oddities there are, and how often.

use super::Noise;
use super::chance::Chance;
use super::recipe::{
    Change, Crl, Edit, Fault, File, Item, Junk, KeyForm, Layout, Recipe, Shape, Step, Stranger,
};
use crate::istio::hierarchy::{Identifiers, Names, Purpose, Subtree, Usage};
use crate::istio::keys::Kind;

/// The `number`-th recipe of a seed.
pub(super) fn recipe(seed: u64, number: u64) -> Recipe {
    let mut chance = Chance::new(seed, number);
    let shape = shape(&mut chance);
    let changes = chance.weighted(&[(5, 0), (37, 1), (34, 2), (16, 3), (8, 4)]);
    let changes = (0..changes).map(|_| change(&mut chance, &shape)).collect();
    let step = chance.percent(40).then(|| chance.one(&STEPS));
    Recipe {
        shape,
        changes,
        step,
    }
}

/// Mostly P-256: with other keys each bundle takes Istio many times as long.
fn shape(chance: &mut Chance) -> Shape {
    let tiers = chance.weighted(&[(45, 2), (45, 3), (10, 4)]);
    let mut kinds = vec![Kind::P256; tiers];
    if chance.percent(14) {
        for kind in &mut kinds {
            *kind = chance.weighted(&KINDS);
        }
    }
    Shape {
        kinds,
        path_length: chance.weighted(&[(8, Some(0)), (1, None), (1, Some(1))]),
        root_in_chain: chance.percent(60),
        layout: chance.weighted(&LAYOUTS),
    }
}

fn change(chance: &mut Chance, shape: &Shape) -> Change {
    let tiers = shape.kinds.len();
    match chance.weighted(&[
        (38, 'a'),
        (24, 'l'),
        (22, 't'),
        (7, 'k'),
        (6, 'c'),
        (1, 'i'),
        (2, 'u'),
    ]) {
        'a' => Change::Authority(chance.below(tiers), fault(chance)),
        'l' => {
            let file = chance.weighted(&[(2, File::Cert), (5, File::Chain), (5, File::Roots)]);
            Change::List(file, edit(chance, tiers))
        }
        't' => {
            let files = [File::Cert, File::Key, File::Chain, File::Roots];
            Change::Text(chance.one(&files), chance.one(&Noise::ALL))
        }
        'k' => Change::Key(chance.one(&KEY_FORMS)),
        'c' => Change::Crl(chance.weighted(&CRLS)),
        'i' => Change::IstioGenerated,
        _ => Change::UnknownFile,
    }
}

fn fault(chance: &mut Chance) -> Fault {
    match chance.below(15) {
        0 | 1 => Fault::PathLength(chance.one(&[None, Some(0), Some(1), Some(2)])),
        2 => chance.one(&[Fault::NotCa, Fault::NoBasic]),
        3 => Fault::Usage(chance.one(&USAGES)),
        4 | 5 => Fault::Purposes(chance.one(&PURPOSES).to_vec()),
        6 | 7 => Fault::Names(names(chance)),
        8 => Fault::Expired,
        9 => Fault::NotYet,
        10 => Fault::EndsIn(chance.one(&[1, 12, 30])),
        11 => Fault::Sha1,
        12 => Fault::Identifiers(chance.one(&[Identifiers::Neither, Identifiers::WrongIssuer])),
        13 => chance.one(&[Fault::OtherIssuerName, Fault::OtherSigner]),
        _ => chance.one(&[Fault::NamedLikeIssuer, Fault::UnknownCritical]),
    }
}

fn names(chance: &mut Chance) -> Names {
    let dns = |name: &str| Subtree::Dns(name.to_owned());
    let uri = |host: &str| Subtree::Uri(host.to_owned());
    let private = Subtree::Ip([10, 0, 0, 0, 255, 0, 0, 0]);
    let subtrees = [
        vec![dns("svc")],
        vec![dns("istio-system.svc")],
        vec![dns("istiod.istio-system.svc")],
        vec![dns("cluster.local")],
        vec![dns("example.com"), dns("svc")],
        vec![uri("cluster.local")],
        vec![uri(".cluster.local")],
        vec![uri("example.com")],
        vec![private.clone()],
        vec![private, dns("svc"), uri("cluster.local")],
    ];
    let subtrees = chance.one(&subtrees);
    if chance.percent(65) {
        Names::only(&subtrees)
    } else {
        Names::all_but(&subtrees)
    }
}

fn edit(chance: &mut Chance, tiers: usize) -> Edit {
    let places = tiers + 1;
    match chance.below(12) {
        0..=2 => Edit::Drop(chance.below(places)),
        3 => Edit::Repeat(chance.below(places)),
        4 => Edit::Swap(chance.below(places), chance.below(places)),
        5 => Edit::Reverse,
        6..=8 => Edit::Append(item(chance, tiers)),
        9 => Edit::Prepend(item(chance, tiers)),
        10 => Edit::Replace(chance.below(places), item(chance, tiers)),
        _ => Edit::Clear,
    }
}

fn item(chance: &mut Chance, tiers: usize) -> Item {
    let tier = chance.below(tiers);
    match chance.below(10) {
        0..=2 => Item::Of(tier),
        3 => Item::Earlier(tier),
        4 => Item::Ended(tier),
        5..=8 => Item::Stranger(chance.one(&STRANGERS)),
        _ => Item::Junk(chance.one(&JUNK)),
    }
}

const KINDS: [(usize, Kind); 7] = [
    (30, Kind::P256),
    (40, Kind::Rsa2048),
    (12, Kind::P384),
    (5, Kind::Rsa4096),
    (4, Kind::P521),
    (5, Kind::Ed25519),
    (4, Kind::Rsa1024),
];

const LAYOUTS: [(usize, Layout); 4] = [
    (76, Layout::Istio),
    (18, Layout::Tls),
    (3, Layout::Both),
    (3, Layout::BothButOther),
];

const STEPS: [Step; 13] = [
    Step::Same,
    Step::Renewed,
    Step::Reissued,
    Step::SubRenewed,
    Step::RootAppended,
    Step::RootPrepended,
    Step::RootsReordered,
    Step::RootRepeated,
    Step::RootRemoved,
    Step::IssuerSwitched,
    Step::RootReplaced,
    Step::RootReissued,
    Step::RootRewritten,
];

const KEY_FORMS: [KeyForm; 11] = [
    KeyForm::Pkcs8,
    KeyForm::Traditional,
    KeyForm::Mislabelled,
    KeyForm::MislabelledBack,
    KeyForm::Encrypted,
    KeyForm::AfterParameters,
    KeyForm::AfterCertificate,
    KeyForm::BeforeCertificate,
    KeyForm::Another,
    KeyForm::Earlier,
    KeyForm::Public,
];

const CRLS: [(usize, Crl); 6] = [
    (5, Crl::Complete),
    (2, Crl::WithoutIntermediate),
    (2, Crl::WithoutRoot),
    (1, Crl::Foreign),
    (1, Crl::Junk),
    (1, Crl::Empty),
];

const USAGES: [Usage; 3] = [
    Usage::Absent,
    Usage::CertificatesOnly,
    Usage::NoCertificates,
];

const PURPOSES: [&[Purpose]; 6] = [
    &[Purpose::Server, Purpose::Client],
    &[Purpose::Server],
    &[Purpose::Client],
    &[Purpose::Any],
    &[Purpose::Code],
    &[Purpose::Client, Purpose::Server, Purpose::Code],
];

const STRANGERS: [Stranger; 9] = [
    Stranger::Root,
    Stranger::EndedRoot,
    Stranger::FutureRoot,
    Stranger::Sha1Root,
    Stranger::WeakRoot,
    Stranger::Namesake,
    Stranger::CrossSigned,
    Stranger::NoCa,
    Stranger::Intermediate,
];

const JUNK: [Junk; 4] = [Junk::NoCertificate, Junk::Nothing, Junk::Crl, Junk::Key];
