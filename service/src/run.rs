//! `knhk-poold run`: everything from the inputs to the summary.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use knhk_pool::telemetry::semconv::{KnhkPipelineMemory, KnhkPipelineStage};
use knhk_pool::{BufferPool, ConfigError};

use crate::claims::{Claims, Overwrite};
use crate::clock::core_ghz;
use crate::hooks::{self, HookSet, HooksError};
use crate::ingest::{IngestError, Ingested};
use crate::input::{Input, ReadError};
use crate::instruments;
use crate::output::{Output, WriteError, files};
use crate::pass::{Pass, PassError, Source, pass};
use crate::passes::Passes;
use crate::pools::{EMIT, PoolChoice, pool_lines};
use crate::progress::Progress;
use crate::summary::{Comparison, Speed, Summary};
use crate::terms::{Dictionary, IdSet};
use crate::transform::group_deltas;
use crate::worker::Plan;

/// Where memory comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The pools.
    #[default]
    Pooled,
    /// The heap, at each use.
    Heap,
    /// Both, in turn.
    Compare,
}

impl Mode {
    /// Where the first pass takes its memory from.
    fn first_memory(self) -> KnhkPipelineMemory {
        match self {
            Self::Pooled | Self::Compare => KnhkPipelineMemory::Pool,
            Self::Heap => KnhkPipelineMemory::Heap,
        }
    }
}

/// What is to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Read in this order.
    pub inputs: Vec<Input>,
    /// The hooks' TOML file.
    pub hooks: Option<PathBuf>,
    /// Where results go: see [`crate::output`].
    pub out: Option<PathBuf>,
    /// Triples a delta, at least 1.
    pub delta_len: usize,
    /// Threads, at least 1.
    pub workers: usize,
    /// Passes over the deltas, or rounds of a comparison; at least 1.
    pub repeat: Option<u32>,
    /// Passes go on until so much time has gone by, in place of a number of them.
    pub at_least: Option<Duration>,
    /// Where memory comes from.
    pub mode: Mode,
    /// Settings of the pools.
    pub pools: PoolChoice,
    /// Files that the caller writes, each with what it is: `out` must name none of them.
    pub spared: Vec<(PathBuf, &'static str)>,
}

/// Why a run ended without a summary.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A pool's configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The hooks are wrong.
    #[error(transparent)]
    Hooks(#[from] HooksError),
    /// Two terms have one id, or an input failed while it was read.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// An input is not there.
    #[error(transparent)]
    Input(#[from] ReadError),
    /// `--out` would overwrite an input, or another file of the command's.
    #[error("output {0}")]
    Overwrite(#[from] Overwrite),
    /// A result cannot be written.
    #[error(transparent)]
    Output(#[from] WriteError),
    /// A pass broke off.
    #[error(transparent)]
    Pass(#[from] PassError),
}

/// Runs the pipeline. Configuration, hooks, inputs and output are checked before anything is read.
///
/// # Errors
///
/// [`RunError`]. Bad lines are not an error: [`Summary::bad_lines`] counts them.
pub fn run(options: &Options, progress: &Progress) -> Result<Summary, RunError> {
    let Checked {
        buffers,
        hooks,
        terms,
        output,
    } = Checked::of(options)?;
    let of_hooks: IdSet = terms.ids().collect();
    let _run = instruments::run_span(options.workers).entered();
    let start = Instant::now();
    let mut ingested = ingest(&options.inputs, terms, progress)?;
    let ingest = start.elapsed();
    instruments::transform_span(ingested.triples.len())
        .in_scope(|| group_deltas(&mut ingested.triples, options.delta_len));
    let transform = start.elapsed() - ingest;
    let memory = options.mode.first_memory();
    instruments::record(memory, KnhkPipelineStage::Ingest, ingest);
    instruments::record(memory, KnhkPipelineStage::Transform, transform);

    let terms = ingested.terms.len() - count_absent(of_hooks, &ingested.triples);

    let plan = Plan {
        triples: &ingested.triples,
        delta_len: options.delta_len,
        hooks: &hooks,
        terms: &ingested.terms,
    };
    let stage = Stage {
        plan,
        workers: options.workers,
        buffers: &buffers,
        progress,
    };
    let (passes, comparison) = stage.run(options, output)?;
    progress.clear();
    Ok(Summary::new(options, &plan, &passes)
        .with_ingest(&ingested, ingest, transform)
        .with_terms(terms)
        .with_pools(if options.mode == Mode::Heap {
            Vec::new()
        } else {
            pool_lines()
        })
        .with_comparison(comparison)
        .with_ticks(core_ghz()))
}

/// What can be wrong before anything is read, and was not.
struct Checked {
    buffers: BufferPool,
    hooks: HookSet,
    terms: Dictionary,
    output: Option<Output>,
}

impl Checked {
    fn of(options: &Options) -> Result<Self, RunError> {
        let buffers = options.pools.build(EMIT)?;
        let mut terms = Dictionary::default();
        let hooks = match &options.hooks {
            Some(path) => hooks::load(path, &mut terms)?,
            None => HookSet::ask_first(),
        };
        options.inputs.iter().try_for_each(Input::check)?;
        let output = open_output(options, hooks.constructs())?;
        Ok(Self {
            buffers,
            hooks,
            terms,
            output,
        })
    }
}

fn ingest(
    inputs: &[Input],
    terms: Dictionary,
    progress: &Progress,
) -> Result<Ingested, IngestError> {
    progress.count("ingest", "triples");
    let span = instruments::ingest_span().entered();
    let mut ingested = Ingested::new(terms);
    for (file, input) in inputs.iter().enumerate() {
        ingested.read(input, file, |triples| progress.set(triples))?;
    }
    instruments::set_triples(&span, ingested.triples.len());
    instruments::count_bad_lines(ingested.bad_lines);
    Ok(ingested)
}

/// How many of `terms` no triple has.
fn count_absent(mut terms: IdSet, triples: &[[u64; 3]]) -> usize {
    for id in triples.as_flattened() {
        if terms.is_empty() {
            break;
        }
        terms.remove(id);
    }
    terms.len()
}

fn open_output(options: &Options, constructs: bool) -> Result<Option<Output>, RunError> {
    let Some(out) = &options.out else {
        return Ok(None);
    };
    if out.as_os_str() != "-" {
        check_output(options, out, constructs)?;
    }
    Ok(Some(Output::open(out, constructs)?))
}

/// Whether the files that `out` stands for are nothing else. The one that it names is asked for even
/// if nothing is constructed, and it would not be made.
fn check_output(options: &Options, out: &Path, constructs: bool) -> Result<(), Overwrite> {
    let mut claims = Claims::of_reading(&options.inputs, options.hooks.as_deref(), &options.pools);
    claims.stdout();
    for (path, role) in &options.spared {
        claims.write(path, role)?;
    }
    let [receipts, triples] = files(out);
    let triples = triples.filter(|file| constructs || file == out);
    for (file, role) in [
        (receipts, "the file of receipts"),
        (triples, "the file of triples"),
    ] {
        if let Some(file) = file {
            claims.write(&file, role)?;
        }
    }
    Ok(())
}

/// Everything that a pass needs but its mode and output.
struct Stage<'r> {
    plan: Plan<'r>,
    workers: usize,
    buffers: &'r BufferPool,
    progress: &'r Progress,
}

impl Stage<'_> {
    fn run(
        &self,
        options: &Options,
        output: Option<Output>,
    ) -> Result<(Passes, Option<Comparison>), RunError> {
        match options.mode {
            Mode::Compare => self.compare(Rounds::of_comparison(options), output),
            mode => Ok((self.repeat(mode, Rounds::of_passes(options), output)?, None)),
        }
    }

    /// The same pass so many times; the first one writes.
    fn repeat(
        &self,
        mode: Mode,
        rounds: Rounds,
        output: Option<Output>,
    ) -> Result<Passes, RunError> {
        let start = Instant::now();
        let mut passes = Passes::of(self.pass(mode, output.as_ref())?);
        finish(output)?;
        while rounds.go_on(passes.len(), start.elapsed()) {
            passes.push(&self.pass(mode, None)?);
        }
        Ok(passes)
    }

    /// Both modes in turn, after a pass of each that does not count; the first of these writes.
    fn compare(
        &self,
        rounds: Rounds,
        output: Option<Output>,
    ) -> Result<(Passes, Option<Comparison>), RunError> {
        let wrote = self.pass(Mode::Pooled, output.as_ref())?;
        finish(output)?;
        self.pass(Mode::Heap, None)?;
        let start = Instant::now();
        let mut pooled = Passes::of(self.pass(Mode::Pooled, None)?);
        pooled.add_writing(wrote.writing);
        let mut heap = Passes::of(self.pass(Mode::Heap, None)?);
        while rounds.go_on(pooled.len(), start.elapsed()) {
            // Whoever comes second finds warmer caches: so each is second in every other round.
            if pooled.len().is_multiple_of(2) {
                pooled.push(&self.pass(Mode::Pooled, None)?);
                heap.push(&self.pass(Mode::Heap, None)?);
            } else {
                heap.push(&self.pass(Mode::Heap, None)?);
                pooled.push(&self.pass(Mode::Pooled, None)?);
            }
        }
        assert_eq!(
            pooled.totals(),
            heap.totals(),
            "pools and heap gave different results"
        );
        let triples = self.plan.triples.len();
        let comparison = Comparison::new(
            Speed::of(&pooled, triples),
            Speed::of(&heap, triples),
            pooled.len(),
        );
        Ok((pooled, Some(comparison)))
    }

    fn pass(&self, mode: Mode, output: Option<&Output>) -> Result<Pass, PassError> {
        let source = match mode {
            Mode::Heap => Source::Heap {
                buffer_size: self.buffers.config().buffer_size(),
            },
            Mode::Pooled | Mode::Compare => Source::Pools(self.buffers),
        };
        pass(self.plan, self.workers, source, output, self.progress)
    }
}

/// How many passes, or rounds of a comparison, there are.
struct Rounds {
    min: usize,
    max: usize,
    time_min: Duration,
}

impl Rounds {
    fn of_passes(options: &Options) -> Self {
        Self::chosen(options).unwrap_or(Self::exactly(1))
    }

    /// As many as were asked for; else at least 7, and as many as fill a second: a pass over little
    /// data is short, and its time more noise than time.
    fn of_comparison(options: &Options) -> Self {
        Self::chosen(options).unwrap_or(Self {
            min: 7,
            max: 999,
            time_min: Duration::from_secs(1),
        })
    }

    fn chosen(options: &Options) -> Option<Self> {
        let timed = options.at_least.map(|time_min| Self {
            min: 1,
            max: usize::MAX,
            time_min,
        });
        timed.or_else(|| options.repeat.map(|rounds| Self::exactly(rounds as usize)))
    }

    fn exactly(rounds: usize) -> Self {
        Self {
            min: rounds,
            max: rounds,
            time_min: Duration::ZERO,
        }
    }

    fn go_on(&self, done: usize, elapsed: Duration) -> bool {
        done < self.min || (done < self.max && elapsed < self.time_min)
    }
}

fn finish(output: Option<Output>) -> Result<(), WriteError> {
    output.map_or(Ok(()), Output::finish)
}
