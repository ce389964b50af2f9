//! `knhk-poold serve`: what the command line may say about it, and what it does.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::arguments::{PoolArguments, TelemetryArguments, within};
use super::{DONE, Failure, complain, descriptors};
use crate::serve::{HookFile, JournalChoice, Prepared, ServeOptions, Sources, TlsChoice};
use crate::settings::{
    BODY_BYTES, BYTES, CONNECTIONS, DELTA, Flags, HEAD_BYTES, QUEUE_LEN, TIME_MS, WORKERS,
};
use crate::telemetry::{Telemetry, TelemetryChoice, address};

const AFTER_HELP: &str = "\
Signals:
  SIGTERM, SIGINT  stop accepting, finish what was accepted, export what is left; within 5 s
  SIGHUP           read configuration, hooks, token and certificate again; open the journal again

Exit codes:
  0  ended by a signal
  2  wrong usage, hooks or configuration; cannot listen, or open the journal

Examples:
  knhk-poold serve --hooks config/hooks.toml --journal receipts.jsonl
  curl --data-binary @triples.nt -H 'Content-Type: application/n-triples' http://127.0.0.1:8470/v1/triples";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct ServeArguments {
    /// Where to listen; PORT alone is 127.0.0.1:PORT, 0 any; beyond this machine only with a token
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8470", value_parser = address)]
    listen: SocketAddr,

    /// Hooks, in TOML; NAME=FILE for those that ?hooks=NAME asks; with none, ASK(s,p) for each run's first triple
    #[arg(long, value_name = "[NAME=]FILE", value_parser = HookFile::of)]
    hooks: Vec<HookFile>,

    /// Write receipts and constructed triples of each batch to FILE before it is answered
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,

    /// Answer only when the journal's data are on the disk
    #[arg(long, requires = "journal")]
    journal_sync: bool,

    /// Clients must know the token in FILE, as a bearer or as a password
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,

    /// Serve by TLS, with the certificate chain in this PEM file
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// The certificate's private key, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    #[command(flatten)]
    pools: PoolArguments,

    #[command(flatten)]
    limits: LimitArguments,

    #[command(flatten)]
    telemetry: TelemetryArguments,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Limits (each is also a key of [poold] in the configuration)")]
struct LimitArguments {
    /// Worker threads, 1 to 1024 [default: the cores]
    #[arg(long, value_name = "N", value_parser = within(WORKERS))]
    workers: Option<u32>,

    /// Triples a delta [default: 8]
    #[arg(long, value_name = "TRIPLES", value_parser = within(DELTA))]
    delta: Option<u32>,

    /// Requests that may wait for a worker; more are refused [default: 256]
    #[arg(long, value_name = "N", value_parser = within(QUEUE_LEN))]
    queue_len: Option<u32>,

    /// Connections at once; more wait [default: 1024]
    #[arg(long, value_name = "N", value_parser = within(CONNECTIONS))]
    connections_max: Option<u32>,

    /// A request's head [default: 16384]
    #[arg(long, value_name = "BYTES", value_parser = within(HEAD_BYTES))]
    head_bytes_max: Option<u32>,

    /// A request's body, as sent [default: 16777216]
    #[arg(long, value_name = "BYTES", value_parser = within(BODY_BYTES))]
    body_bytes_max: Option<u32>,

    /// A request's body, decompressed [default: 134217728]
    #[arg(long, value_name = "BYTES", value_parser = within(BYTES))]
    text_bytes_max: Option<u32>,

    /// All bodies in memory together; more are refused [default: 268435456]
    #[arg(long, value_name = "BYTES", value_parser = within(BYTES))]
    held_bytes_max: Option<u32>,

    /// For a request's head, for the next request and for a TLS handshake [default: 5000]
    #[arg(long, value_name = "MS", value_parser = within(TIME_MS))]
    head_time_ms: Option<u32>,

    /// For a request's body, and for the client to take what is written [default: 10000]
    #[arg(long, value_name = "MS", value_parser = within(TIME_MS))]
    body_time_ms: Option<u32>,

    /// That a request may wait for a worker before it is refused [default: 10000]
    #[arg(long, value_name = "MS", value_parser = within(TIME_MS))]
    queue_time_ms: Option<u32>,
}

impl LimitArguments {
    /// In the order of [`crate::settings::KEYS`]; the monitor's interval has no flag.
    fn flags(&self) -> Flags {
        Flags([
            self.workers,
            self.delta,
            None,
            self.queue_len,
            self.connections_max,
            self.head_bytes_max,
            self.body_bytes_max,
            self.text_bytes_max,
            self.held_bytes_max,
            self.head_time_ms,
            self.body_time_ms,
            self.queue_time_ms,
        ])
    }
}

impl ServeArguments {
    fn options(&self) -> ServeOptions {
        let journal = self.journal.clone();
        let tls = self.tls_cert.clone().zip(self.tls_key.clone());
        ServeOptions {
            listen: self.listen,
            journal: journal.map(|path| JournalChoice {
                path,
                sync: self.journal_sync,
            }),
            sources: Sources {
                pools: self.pools.choice(),
                flags: self.limits.flags(),
                hooks: self.hooks.clone(),
                token_file: self.token_file.clone(),
                tls: tls.map(|(cert, key)| TlsChoice { cert, key }),
            },
        }
    }
}

/// For the last export of a service that could not start.
const AFTER_A_FAILURE: Duration = Duration::from_secs(1);

/// Serves until a signal ends it.
pub(super) fn command(arguments: &ServeArguments) -> Result<u8, Failure> {
    let prepared = Prepared::of(arguments.options(), Arc::new(complain))?;
    descriptors::raise(prepared.settings().connections_max.value, complain);
    let interval = Duration::from_secs(prepared.settings().monitor_interval_s.value as u64);
    let choice = TelemetryChoice {
        gather: true,
        ..arguments.telemetry.choice()
    };
    let telemetry = Telemetry::start(&choice, interval, complain)?;
    let left = prepared.serve(telemetry.registry(), telemetry.notices());
    telemetry.finish_within(*left.as_ref().unwrap_or(&AFTER_A_FAILURE));
    left?;
    Ok(DONE)
}
