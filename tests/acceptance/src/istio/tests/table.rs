//! The truth table of what istiod accepts and what its workloads can do with it.

use super::*;
use crate::istio::bundles::{Change, Crl, Edit, Fault, File, Item, Layout, Noise, Stranger};
use crate::istio::hierarchy::{Names, Purpose, Subtree, Usage};
use crate::istio::keys::Kind;
use crate::istio::witness::{self, Role};

const ROOT: Item = Item::Of(0);
const UNKNOWN: &str = "certificate signed by unknown authority";
const ROLES: [Role; 2] = [Role::Server, Role::Client];

fn judge() -> Judge {
    Judge::start().unwrap()
}

fn two() -> Recipe {
    Recipe::plain()
}

fn three() -> Recipe {
    Recipe::plain().tiers(3)
}

fn list(file: File, edits: &[Edit]) -> Vec<Change> {
    edits.iter().map(|edit| Change::List(file, *edit)).collect()
}

/// The recipe with the file's list replaced.
fn holding(recipe: Recipe, file: File, items: &[Item]) -> Recipe {
    let appended: Vec<Edit> = items.iter().map(|item| Edit::Append(*item)).collect();
    let changes = list(file, &[&[Edit::Clear], &appended[..]].concat());
    changes.into_iter().fold(recipe, Recipe::but)
}

fn authority(recipe: Recipe, tier: usize, fault: Fault) -> Recipe {
    recipe.but(Change::Authority(tier, fault))
}

/// What webpki and OpenSSL as Envoy uses it say about the same certificate.
#[track_caller]
fn others_say(opinion: &Opinion, webpki: bool, openssl: bool) {
    let workload = opinion.workload.as_ref().unwrap();
    for role in ROLES {
        let judged = witness::webpki(workload, &workload.roots, role);
        assert_eq!(judged.is_ok(), webpki, "webpki, {role:?}: {judged:?}");
        let judged = witness::openssl(workload, &workload.roots, role, true);
        assert_eq!(judged.is_ok(), openssl, "openssl, {role:?}: {judged:?}");
    }
}

#[test]
fn a_chain_with_or_without_the_root_is_right() {
    let judge = &mut judge();
    for recipe in [two(), three(), three().tiers(4)] {
        others_say(&right(judge, recipe.clone()), true, true);
        let mut without_root = recipe;
        without_root.shape.root_in_chain = false;
        others_say(&right(judge, without_root), true, true);
    }
}

#[test]
fn an_empty_chain_loads_and_nobody_accepts_its_workloads() {
    let judge = &mut judge();
    let empty = loads_in_vain(judge, holding(two(), File::Chain, &[]), UNKNOWN);
    others_say(&empty, false, false);
    let only_root = holding(two(), File::Chain, &[ROOT]);
    others_say(&loads_in_vain(judge, only_root, UNKNOWN), false, false);
}

#[test]
fn a_chain_without_istios_ca_loads_and_nobody_accepts_its_workloads() {
    let recipe = holding(three(), File::Chain, &[Item::Of(1), ROOT]);
    let opinion = loads_in_vain(&mut judge(), recipe, UNKNOWN);
    others_say(&opinion, false, false);
}

#[test]
fn a_chain_without_the_sub_ca_does_not_load() {
    let judge = &mut judge();
    for chain in [&[Item::Of(2)][..], &[Item::Of(2), ROOT]] {
        does_not_load(judge, holding(three(), File::Chain, chain), UNKNOWN);
    }
}

#[test]
fn a_path_length_of_zero_above_istios_ca_loads_and_nobody_accepts_its_workloads() {
    let recipe = authority(three(), 1, Fault::PathLength(Some(0)));
    let why = "too many intermediates for path length constraint";
    others_say(&loads_in_vain(&mut judge(), recipe, why), false, false);
}

#[test]
fn a_ca_that_may_not_sign_certificates_loads_and_only_webpki_accepts_its_workloads() {
    let recipe = authority(two(), 1, Fault::Usage(Usage::NoCertificates));
    let opinion = loads_in_vain(&mut judge(), recipe, UNKNOWN);
    others_say(&opinion, true, false);
}

#[test]
fn a_ca_whose_purposes_lack_the_server_does_not_load() {
    let judge = &mut judge();
    for purposes in [vec![Purpose::Client], vec![Purpose::Code]] {
        let recipe = authority(two(), 1, Fault::Purposes(purposes));
        does_not_load(judge, recipe, "incompatible key usage");
    }
    right(
        judge,
        authority(two(), 1, Fault::Purposes(vec![Purpose::Any])),
    );
}

#[test]
fn a_ca_for_servers_only_loads_and_its_workloads_cannot_be_clients() {
    let recipe = authority(two(), 1, Fault::Purposes(vec![Purpose::Server]));
    let opinion = opinion(&mut judge(), recipe);
    let peers = opinion.peers.as_ref().unwrap();
    assert!(opinion.load.passed() && peers.server.passed());
    refused(&peers.client, "incompatible key usage", "client");
    assert!(opinion.istio.as_ref().unwrap().passed(), "{opinion:?}");
    let workload = opinion.workload.unwrap();
    for (role, accepted) in [(Role::Server, true), (Role::Client, false)] {
        let openssl = witness::openssl(&workload, &workload.roots, role, true);
        assert_eq!(openssl.is_ok(), accepted, "{role:?}: {openssl:?}");
        let webpki = witness::webpki(&workload, &workload.roots, role);
        assert_eq!(webpki.is_ok(), accepted, "{role:?}: {webpki:?}");
    }
}

#[test]
fn a_ca_for_names_that_istiod_has_not_loads_and_only_istiod_itself_is_rejected() {
    let judge = &mut judge();
    let only = |name: &str| {
        let names = Names::only(&[Subtree::Dns(name.to_owned())]);
        authority(two(), 1, Fault::Names(names))
    };
    let opinion = opinion(judge, only("example.com"));
    refused(
        opinion.serving.as_ref().unwrap(),
        "is not permitted",
        "serving",
    );
    let mut rest = opinion.refusals();
    rest.retain(|refusal| !refusal.starts_with("serving"));
    assert_eq!(rest, [""; 0]);
    others_say(&opinion, true, true);
    right(judge, only("svc"));
}

#[test]
fn a_ca_for_uris_of_another_trust_domain_loads_and_nobody_accepts_its_workloads() {
    let names = Names::only(&[Subtree::Uri("example.com".to_owned())]);
    let recipe = authority(two(), 1, Fault::Names(names));
    let opinion = loads_in_vain(&mut judge(), recipe, "is not permitted");
    others_say(&opinion, false, false);
}

#[test]
fn a_ca_for_uris_of_the_trust_domain_is_right_but_for_webpki() {
    let names = Names::only(&[Subtree::Uri("cluster.local".to_owned())]);
    let opinion = right(&mut judge(), authority(two(), 1, Fault::Names(names)));
    others_say(&opinion, false, true);
}

#[test]
fn a_sub_ca_as_the_only_root_is_right_where_partial_chains_are() {
    let recipe = holding(three(), File::Roots, &[Item::Of(1)]);
    let opinion = right(&mut judge(), recipe);
    others_say(&opinion, true, true);
    let workload = opinion.workload.unwrap();
    let whole = witness::openssl(&workload, &workload.roots, Role::Server, false);
    assert!(whole.is_err(), "{whole:?}");
}

#[test]
fn more_roots_than_the_one_that_is_needed_are_right() {
    let judge = &mut judge();
    let stranger = Item::Stranger;
    let roots = [
        [Item::Of(1), ROOT],
        [stranger(Stranger::EndedRoot), ROOT],
        [stranger(Stranger::Root), ROOT],
        [ROOT, stranger(Stranger::Namesake)],
        [ROOT, ROOT],
    ];
    for roots in roots {
        let opinion = right(judge, holding(three(), File::Roots, &roots));
        others_say(&opinion, true, true);
    }
}

#[test]
fn the_root_in_the_chain_alone_does_not_load() {
    let recipe = holding(two(), File::Roots, &[Item::Stranger(Stranger::Root)]);
    does_not_load(&mut judge(), recipe, UNKNOWN);
}

#[test]
fn the_order_of_the_chain_does_not_matter_to_peers() {
    let recipe = two().but(Change::List(File::Chain, Edit::Reverse));
    others_say(&right(&mut judge(), recipe), true, true);
}

#[test]
fn only_the_first_certificate_of_ca_cert_counts() {
    let judge = &mut judge();
    right(
        judge,
        holding(three(), File::Cert, &[Item::Of(2), Item::Of(1), ROOT]),
    );
    let recipe = holding(two(), File::Cert, &[ROOT, Item::Of(1)]);
    does_not_load(judge, recipe, "private key does not match public key");
}

#[test]
fn glued_blocks_do_not_load() {
    let judge = &mut judge();
    let glued = |recipe: Recipe, file| recipe.but(Change::Text(file, Noise::Glued));
    does_not_load(judge, glued(three(), File::Chain), UNKNOWN);
    let roots = holding(two(), File::Roots, &[ROOT, Item::Stranger(Stranger::Root)]);
    does_not_load(judge, glued(roots, File::Roots), UNKNOWN);
}

#[test]
fn ends_of_lines_and_words_between_blocks_do_not_matter() {
    let judge = &mut judge();
    for noise in [Noise::CrLf, Noise::TextBetween] {
        for file in [File::Cert, File::Chain, File::Roots] {
            right(judge, three().but(Change::Text(file, noise)));
        }
    }
}

#[test]
fn indented_blocks_do_not_load() {
    let recipe = two().but(Change::Text(File::Cert, Noise::Indented));
    does_not_load(&mut judge(), recipe, "invalid PEM encoded certificate");
}

#[test]
fn an_intermediate_at_another_time_does_not_load() {
    let judge = &mut judge();
    for tier in [1, 2] {
        for fault in [Fault::Expired, Fault::NotYet] {
            let recipe = authority(three(), tier, fault);
            does_not_load(judge, recipe, "certificate has expired or is not yet valid");
        }
    }
}

#[test]
fn a_key_of_1024_bits_is_right_but_for_webpki() {
    let mut recipe = two();
    recipe.shape.kinds[1] = Kind::Rsa1024;
    let opinion = right(&mut judge(), recipe);
    let workload = opinion.workload.as_ref().unwrap();
    for role in ROLES {
        let webpki = witness::webpki(workload, &workload.roots, role).unwrap_err();
        assert!(webpki.contains("BadSignature"), "{webpki}");
    }
}

#[test]
fn a_chain_that_begins_with_what_has_ended_does_not_load() {
    let recipe = two().but(Change::List(File::Chain, Edit::Prepend(Item::Ended(1))));
    does_not_load(&mut judge(), recipe, "cert chain has expired");
}

#[test]
fn what_is_no_ca_does_not_load() {
    let judge = &mut judge();
    for fault in [Fault::NotCa, Fault::NoBasic] {
        let recipe = authority(two(), 1, fault);
        does_not_load(judge, recipe, "not authorized to sign other certificates");
    }
}

#[test]
fn sha_1_does_not_load() {
    let judge = &mut judge();
    for tier in [1, 2] {
        does_not_load(judge, authority(three(), tier, Fault::Sha1), "SHA1");
    }
    right(judge, authority(three(), 0, Fault::Sha1));
}

#[test]
fn a_missing_file_does_not_load_and_no_file_at_all_is_a_ca_of_istiods_own() {
    let judge = &mut judge();
    let files = [File::Cert, File::Key, File::Chain, File::Roots];
    let without = |recipe: Recipe, file| recipe.but(Change::Text(file, Noise::Removed));
    for file in files {
        does_not_load(judge, without(two(), file), "incomplete signing CA bundle");
    }
    let nothing = files.into_iter().fold(two(), without);
    does_not_load(judge, nothing, "a CA of its own");
}

#[test]
fn the_other_layout_wins_and_takes_its_chain_from_both_its_files() {
    let judge = &mut judge();
    let of = |recipe: Recipe, layout| {
        let mut recipe = recipe;
        recipe.shape.layout = layout;
        recipe
    };
    right(judge, of(three(), Layout::Tls));
    let other = right(judge, of(three(), Layout::BothButOther));
    let ours = right(judge, three());
    assert_ne!(
        other.workload.unwrap().roots,
        ours.workload.unwrap().roots,
        "the roots of tls.crt's hierarchy are the ones that count"
    );
    let cut = of(three(), Layout::Tls).but(Change::List(File::Cert, Edit::Drop(1)));
    does_not_load(judge, cut, UNKNOWN);
    // The two files are put together as they are.
    let glued = |recipe| {
        let tls = of(recipe, Layout::Tls);
        tls.but(Change::Text(File::Cert, Noise::NoFinalNewline))
    };
    does_not_load(judge, glued(two()), "failed to parse the cert");
    does_not_load(judge, glued(three()), UNKNOWN);
}

#[test]
fn a_list_of_revoked_certificates_is_needed_of_every_ca_in_the_chain_or_of_none() {
    let judge = &mut judge();
    let with = |crl| two().but(Change::Crl(crl));
    right(judge, with(Crl::Complete));
    right(judge, with(Crl::Empty));
    let missing = "missing CRL signed by certificates";
    for crl in [Crl::WithoutIntermediate, Crl::WithoutRoot, Crl::Foreign] {
        does_not_load(judge, with(crl), missing);
    }
    does_not_load(judge, with(Crl::Junk), "failed to parse CRL");
    let mut without_root = with(Crl::WithoutRoot);
    without_root.shape.root_in_chain = false;
    right(judge, without_root);
    let mut tls = with(Crl::Junk);
    tls.shape.layout = Layout::Tls;
    right(judge, tls);
}
