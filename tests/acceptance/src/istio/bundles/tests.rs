use super::*;
use std::collections::BTreeSet;

fn words(case: &Case) -> String {
    format!("{case:?}")
}

#[test]
fn the_same_seed_gives_the_same_cases_and_another_one_others() {
    let now = Timestamp::now();
    let told = |seed| -> Vec<String> { generate(seed, 50, now).map(|case| words(&case)).collect() };
    assert_eq!(told(7), told(7));
    assert_ne!(told(7), told(8));
}

#[test]
fn every_kind_of_change_and_every_step_is_drawn() {
    let mut drawn = BTreeSet::new();
    for number in 0..20_000 {
        let recipe = draw::recipe(1, number);
        for change in &recipe.changes {
            let words = match change {
                // By what it is about a certificate, not by which one.
                Change::Authority(_, fault) => format!("{fault:?}"),
                Change::List(file, edit) => format!("{file:?} {edit:?}"),
                other => format!("{other:?}"),
            };
            let parts: Vec<&str> = words.split(['(', ')', ' ', ',']).take(2).collect();
            drawn.insert(parts.join(" ").trim().to_owned());
        }
        drawn.extend(recipe.step.map(|step| format!("{step:?}")));
    }
    for expected in [
        "NotCa",
        "NoBasic",
        "Expired",
        "NotYet",
        "Sha1",
        "OtherSigner",
        "NamedLikeIssuer",
        "Chain Reverse",
        "Roots Append",
        "Cert Prepend",
        "Chain Clear",
        "Key Encrypted",
        "Crl Complete",
        "IstioGenerated",
        "Renewed",
        "RootReplaced",
        "RootRewritten",
    ] {
        assert!(
            drawn.contains(expected),
            "{expected} is never drawn: {drawn:?}"
        );
    }
    let all: BTreeSet<_> = Noise::ALL
        .iter()
        .map(|noise| format!("{noise:?}"))
        .collect();
    assert_eq!(all.len(), 26);
}

#[test]
fn a_smaller_case_has_one_thing_less() {
    let now = Timestamp::now();
    let recipe = Recipe::plain()
        .but(Change::IstioGenerated)
        .after(Step::Same);
    let case = Case::new(0, recipe, now);
    let smaller: Vec<Recipe> = case.smaller(now).map(|case| case.recipe).collect();
    let plain = Recipe::plain();
    assert_eq!(
        smaller,
        [
            plain.clone().after(Step::Same),
            plain.clone().but(Change::IstioGenerated),
        ]
    );
    assert_eq!(Case::new(0, plain, now).smaller(now).count(), 0);
}

#[test]
fn noise_changes_what_it_says_and_nothing_else() {
    let pem = "-----BEGIN X-----\nTUlJ\nTUlJ\n-----END X-----\n-----BEGIN X-----\nTUlJ\n-----END X-----\n";
    let certificate = pem.replace('X', "CERTIFICATE");
    let told = |noise: Noise| noise.on(pem);
    assert_eq!(told(Noise::Removed), None);
    let expected = [
        (
            Noise::Glued,
            "-----BEGIN X-----\nTUlJ\nTUlJ\n-----END X----------BEGIN X-----\nTUlJ\n-----END X-----\n",
        ),
        (
            Noise::OneLine,
            "-----BEGIN X-----\nTUlJTUlJ\n-----END X-----\n-----BEGIN X-----\nTUlJ\n-----END X-----\n",
        ),
        (
            Noise::HalfIndented,
            "-----BEGIN X-----\n    TUlJ\n    TUlJ\n    -----END X-----\n-----BEGIN X-----\n    TUlJ\n    -----END X-----\n    ",
        ),
        (
            Noise::OtherEnd,
            "-----BEGIN X-----\nTUlJ\nTUlJ\n-----END OLD X-----\n-----BEGIN X-----\nTUlJ\n-----END X-----\n",
        ),
    ];
    for (noise, text) in expected {
        assert_eq!(told(noise).as_deref(), Some(text), "{noise:?}");
    }
    for noise in Noise::ALL {
        let noisy = noise.on(&certificate);
        assert_ne!(noisy.as_ref(), Some(&certificate), "{noise:?}");
    }
}
