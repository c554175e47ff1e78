//! The command as users and scripts see it.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod audit;
mod augment;
mod cluster;
mod commands;
mod compare;
mod container;
mod docs;
mod fetch;
mod files;
mod framing;
// It sends signals and looks at pipes as Linux has them.
#[cfg(target_os = "linux")]
mod interrupts;
mod models;
mod neighbors;
mod on_disk;
mod patience;
mod predict;
mod presets;
mod report;
mod serve;
mod server;
mod streams;
mod subset;
