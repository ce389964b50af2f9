//! A program that embeds the library: an arena that now and then has no room, and a section that now
//! and then allocates. `dashboards/check` scrapes it, for what the pipeline has not.
//!
//! ```sh
//! cargo run -p knhk-poold --example embedder -- 127.0.0.1:9465
//! ```

use std::error::Error;
use std::hint::black_box;
use std::time::Duration;
use std::{env, thread};

use knhk_pool::hot_path::{self, Mode};
use knhk_pool::{Arena, ArenaConfig, ArenaOverflow, HotPathGuard};
use knhk_poold::telemetry::{Telemetry, TelemetryChoice, address};

// With the feature the service's library installs it.
#[cfg(not(feature = "allocation-tracking"))]
#[global_allocator]
static ALLOCATOR: knhk_pool::HotPathAlloc = knhk_pool::HotPathAlloc::new(std::alloc::System);

/// Of these turns one wants more than the arena has, and one allocates where it must not.
const RARE: u64 = 20;

fn main() -> Result<(), Box<dyn Error>> {
    hot_path::set_mode(Mode::Warn);
    let to = env::args().nth(1).unwrap_or_else(|| "9465".to_owned());
    let choice = TelemetryChoice {
        metrics_addr: Some(address(&to)?),
        ..TelemetryChoice::default()
    };
    let _telemetry = Telemetry::start(&choice, Duration::from_secs(1), |line| eprintln!("{line}"))?;
    let config = ArenaConfig::default()
        .with_size(64 << 10)
        .with_overflow(ArenaOverflow::Heap);
    let mut arena = Arena::named("embedder", &config)?;
    for turn in 0_u64.. {
        let is_rare = turn % RARE == 0;
        black_box(arena.alloc_slice::<u64>(if is_rare { 16_384 } else { 4096 }));
        section(is_rare);
        thread::sleep(Duration::from_millis(5));
        arena.reset();
    }
    Ok(())
}

/// Allocates only where `is_rare`.
fn section(is_rare: bool) {
    let _section = HotPathGuard::enter("embedder.turn");
    if is_rare {
        black_box(Box::new(0_u64));
    }
}
