//! Log returns and rolling volatility of prices in a CSV file: one column of prices an instrument.
//!
//! `cargo run --release -p knhk-kernels --example returns [-- PRICES.csv]`; without a file, of the bundled
//! sample. Columns that hold anything but numbers (dates, names) are handed through. An empty field, and
//! `NA`, is a null. Writes CSV to standard output; to standard error which columns were taken for prices, and
//! time and allocations.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::error::Error;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::time::Instant;
use std::{env, fs};

use knhk_kernels::{Column, Missing, Pipeline, Scratch, rolling_var_into};

/// Counts what this thread asks of the system's allocator.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call goes to `System` as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(start, layout) }
    }
}

const SAMPLE: &str = include_str!("../data/prices.csv");
const WINDOW_MAX: usize = 20;
/// Trading days of a year: what a daily volatility is scaled by the root of.
const DAYS: f64 = 252.0;

/// A column of the file.
enum Field {
    Prices(Column),
    Text {
        texts: Vec<String>,
        /// The first row that is no number; `None` if there is nothing but nulls.
        row: Option<usize>,
    },
}

struct Table {
    names: Vec<String>,
    fields: Vec<Field>,
    rows: usize,
}

fn read(text: impl Read) -> Result<Table, Box<dyn Error>> {
    let mut reader = csv::Reader::from_reader(text);
    let names: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
    let mut texts: Vec<Vec<String>> = vec![Vec::new(); names.len()];
    for record in reader.records() {
        for (column, field) in texts.iter_mut().zip(record?.iter()) {
            column.push(field.trim().to_owned());
        }
    }
    let rows = texts.first().map_or(0, Vec::len);
    let fields = texts.into_iter().map(field).collect();
    Ok(Table {
        names,
        fields,
        rows,
    })
}

/// Prices, if every field that is not null is a number and one is.
fn field(texts: Vec<String>) -> Field {
    let is_null = |text: &str| text.is_empty() || text == "NA";
    let is_number = |text: &str| text.parse::<f64>().is_ok();
    let row = texts
        .iter()
        .position(|text| !is_null(text) && !is_number(text));
    if row.is_some() || texts.iter().all(|text| is_null(text)) {
        return Field::Text { texts, row };
    }
    Field::Prices(texts.iter().map(|text| text.parse().ok()).collect())
}

impl Table {
    fn prices(&self) -> usize {
        let is_prices = |field: &&Field| matches!(field, Field::Prices(_));
        self.fields.iter().filter(is_prices).count()
    }

    /// What became of each column: text that was meant for a price should be seen.
    fn report(&self) {
        for (name, field) in self.names.iter().zip(&self.fields) {
            match field {
                Field::Prices(prices) => {
                    eprintln!("{name}: prices, {} missing", prices.null_count())
                }
                Field::Text {
                    texts,
                    row: Some(row),
                } => {
                    let text = &texts[*row];
                    eprintln!("{name}: handed through, row {} is {text:?}", row + 1);
                }
                Field::Text { row: None, .. } => eprintln!("{name}: handed through, it is empty"),
            }
        }
    }
}

/// Results of one instrument, which the next run writes again.
#[derive(Default)]
struct Results {
    returns: Column,
    volatility: Column,
}

/// Rows that a volatility is of: all, if there are fewer than it is meant to have.
fn window(rows: usize) -> usize {
    WINDOW_MAX.min(rows.max(1))
}

/// Returns, and the rolling deviation of a year's returns.
struct Analysis {
    log_return: Pipeline,
    scratch: Scratch,
}

impl Analysis {
    fn run(&self, prices: &Column, results: &mut Results) -> Result<(), Box<dyn Error>> {
        let Results {
            returns,
            volatility,
        } = results;
        self.log_return.run_into(returns, prices, &self.scratch);
        let window = window(prices.len());
        rolling_var_into(volatility, returns, window, Missing::Skip, &self.scratch)?;
        Ok(())
    }
}

fn write(table: &Table, results: &[Option<Results>], to: impl Write) -> Result<(), Box<dyn Error>> {
    let mut writer = csv::Writer::from_writer(to);
    for (name, results) in table.names.iter().zip(results) {
        if results.is_some() {
            writer.write_field(format!("{name} return"))?;
            writer.write_field(format!("{name} volatility"))?;
        } else {
            writer.write_field(name)?;
        }
    }
    writer.write_record(None::<&[u8]>)?;
    let number = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.6}"));
    for row in 0..table.rows {
        for (field, results) in table.fields.iter().zip(results) {
            match (field, results) {
                (_, Some(results)) => {
                    writer.write_field(number(results.returns.get(row)))?;
                    let variance = results.volatility.get(row);
                    writer
                        .write_field(number(variance.map(|variance| (variance * DAYS).sqrt())))?;
                }
                (Field::Text { texts, .. }, None) => writer.write_field(&texts[row])?,
                (Field::Prices(_), None) => writer.write_field("")?,
            }
        }
        writer.write_record(None::<&[u8]>)?;
    }
    writer.flush()?;
    Ok(())
}

/// Time and allocations of one run over all columns.
fn timed(
    analysis: &Analysis,
    table: &Table,
    results: &mut [Option<Results>],
) -> Result<(f64, u64), Box<dyn Error>> {
    let before = ALLOCATIONS.with(Cell::get);
    let start = Instant::now();
    for (field, results) in table.fields.iter().zip(results) {
        if let (Field::Prices(prices), Some(results)) = (field, results) {
            analysis.run(prices, results)?;
        }
    }
    let micros = start.elapsed().as_secs_f64() * 1e6;
    Ok((micros, ALLOCATIONS.with(Cell::get) - before))
}

fn load(path: Option<&str>) -> Result<Table, Box<dyn Error>> {
    let Some(path) = path else {
        return read(SAMPLE.as_bytes());
    };
    let named = |error: Box<dyn Error>| format!("{path}: {error}");
    let file = fs::File::open(path).map_err(|error| named(error.into()))?;
    let table = read(file).map_err(named)?;
    table.report();
    if table.prices() == 0 {
        return Err(format!("{path}: no column of numbers below a line of names").into());
    }
    Ok(table)
}

fn run(path: Option<&str>) -> Result<(), Box<dyn Error>> {
    let table = load(path)?;
    let mut results: Vec<Option<Results>> = table
        .fields
        .iter()
        .map(|field| matches!(field, Field::Prices(_)).then(Results::default))
        .collect();
    let analysis = Analysis {
        log_return: Pipeline::new().dlog(1),
        scratch: Scratch::new(),
    };
    let (first, first_allocations) = timed(&analysis, &table, &mut results)?;
    let (second, second_allocations) = timed(&analysis, &table, &mut results)?;
    let (columns, rows) = (table.prices(), table.rows);
    let window = window(rows);
    eprintln!("{columns} columns of {rows} prices, volatility over {window} rows");
    eprintln!("first run  {first:9.1} µs, {first_allocations} allocations");
    eprintln!("second run {second:9.1} µs, {second_allocations} allocations");
    write(&table, &results, io::stdout().lock())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let path = match &arguments[..] {
        [] => None,
        [path] if !path.starts_with('-') => Some(path.as_str()),
        _ => {
            eprintln!("usage: returns [PRICES.csv]");
            return ExitCode::from(2);
        }
    };
    match run(path) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads has read enough.
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    let kind = match error.downcast_ref::<csv::Error>().map(csv::Error::kind) {
        Some(csv::ErrorKind::Io(error)) => error.kind(),
        _ => match error.downcast_ref::<io::Error>() {
            Some(error) => error.kind(),
            None => return false,
        },
    };
    kind == io::ErrorKind::BrokenPipe
}
