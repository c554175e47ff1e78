//! The command as users and scripts see it.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod augment;
mod commands;
mod compare;
mod docs;
mod fetch;
mod files;
mod models;
mod on_disk;
mod predict;
mod presets;
mod report;
mod serve;
mod server;
mod subset;
