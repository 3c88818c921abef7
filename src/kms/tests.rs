//! The adapter over a scripted wire.
