//! The provider as its users meet it: the built binary or the library under a clock, real CLIs, a
//! real API server, and an AWS that enforces its rules.

mod first_apply;
mod world;
