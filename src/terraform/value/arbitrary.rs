//! Random values for property tests.

use proptest::prelude::*;

use super::{Dynamic, Number, Unknown};

/// Any value that the host could send.
pub(in crate::terraform) fn dynamic() -> impl Strategy<Value = Dynamic> {
    let leaf = prop_oneof![
        Just(Dynamic::Null),
        Just(Dynamic::UNKNOWN),
        Just(Dynamic::Unknown(Unknown {
            refinement: Some(vec![0x81, 0x01, 0xc2]),
            not_null: true
        })),
        any::<bool>().prop_map(Dynamic::Bool),
        number().prop_map(Dynamic::Number),
        ".{0,12}".prop_map(Dynamic::String),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Dynamic::List),
            prop::collection::btree_map("[a-z_]{1,6}", inner, 0..5).prop_map(Dynamic::Map),
        ]
    })
}

/// Whole numbers, floats, and decimals that no machine type can hold.
pub(in crate::terraform) fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(|value| i128::from(value).into()),
        "-?[0-9]{1,40}\\.[0-9]{1,40}".prop_map(|text| Number::parse(&text).expect("a decimal")),
        "-?[1-9][0-9]{20,40}".prop_map(|text| Number::parse(&text).expect("a decimal")),
        any::<f64>().prop_filter_map("a number", Number::from_f64),
    ]
}
