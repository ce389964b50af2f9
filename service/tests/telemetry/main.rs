//! `knhk-poold` and the world that watches it: OTLP to a collector, Prometheus text to a scraper.

#![cfg(unix)]

mod collector;
mod delivery;
mod environment;
mod interrupt;
mod live_check;
mod outages;
#[path = "../program/mod.rs"]
mod program;
mod scrape;
mod service;
