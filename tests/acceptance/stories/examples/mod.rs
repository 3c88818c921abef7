//! The examples of `examples/terraform`, as their users run them.

mod blueprints;
mod ci;
mod for_each;
mod terragrunt;
mod valid;
