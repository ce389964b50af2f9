//! Log returns and rolling volatility of prices in a CSV file: one column of prices an instrument.
//!
//! `cargo run --release -p knhk-kernels --example returns [-- PRICES.csv]`; without a file, of the bundled
//! sample. Columns that hold anything but numbers (dates, names) are handed through. An empty field, and
//! `NA`, is a null. Writes CSV to standard output, and time and allocations to standard error.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::error::Error;
use std::io::{self, Read, Write};
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
const WINDOW: usize = 20;
/// Trading days of a year: what a daily volatility is scaled by the root of.
const DAYS: f64 = 252.0;

/// A column of the file.
enum Field {
    Prices(Column),
    Text(Vec<String>),
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
    let mut numbers = texts.iter().filter(|text| !is_null(text)).peekable();
    if numbers.peek().is_none() || !numbers.all(|text| text.parse::<f64>().is_ok()) {
        return Field::Text(texts);
    }
    Field::Prices(texts.iter().map(|text| text.parse().ok()).collect())
}

/// Results of one instrument, which the next run writes again.
#[derive(Default)]
struct Results {
    returns: Column,
    volatility: Column,
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
        let window = WINDOW.min(prices.len().max(1));
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
                (Field::Text(texts), None) => writer.write_field(&texts[row])?,
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

fn main() -> Result<(), Box<dyn Error>> {
    let table = match env::args().nth(1) {
        Some(path) => read(fs::File::open(&path).map_err(|error| format!("{path}: {error}"))?)?,
        None => read(SAMPLE.as_bytes())?,
    };
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
    write(&table, &results, io::stdout().lock())?;

    let columns = results.iter().flatten().count();
    eprintln!(
        "{columns} columns of {} prices, volatility over {WINDOW} rows",
        table.rows
    );
    eprintln!("first run  {first:9.1} µs, {first_allocations} allocations");
    eprintln!("second run {second:9.1} µs, {second_allocations} allocations");
    Ok(())
}
