//! Writes what is generated from the registry, or checks it.

#![forbid(unsafe_code)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::{fs, io};

use knhk_semconv::render::render;
use knhk_semconv::{Registry, RegistryError, rules};

/// Template and what it is for, both from the workspace's root.
const GENERATED: [(&str, &str); 2] = [
    (
        "weaver/templates/rust/semconv.rs.j2",
        "src/telemetry/semconv.rs",
    ),
    (
        "weaver/templates/markdown/telemetry.md.j2",
        "docs/telemetry.md",
    ),
];

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error("{0}")]
    Faults(String),
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("{template}: {error:#}")]
    Template {
        template: &'static str,
        error: minijinja::Error,
    },
    #[error("rustfmt: {0}")]
    Format(io::Error),
    #[error("{0} is not what weaver/registry says; run `cargo run -p knhk-semconv`")]
    Stale(&'static str),
    #[error("usage: knhk-semconv [--check]")]
    Usage,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody is left to tell if this fails.
            let _ = writeln!(io::stderr(), "error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let only_check = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--check"] => true,
        _ => return Err(Failure::Usage),
    };
    let registry = Registry::of_this_project()?;
    let faults = rules::faults(&registry);
    if !faults.is_empty() {
        return Err(Failure::Faults(faults.join("\n")));
    }
    GENERATED
        .iter()
        .try_for_each(|(template, target)| generate(&registry, template, target, only_check))
}

fn generate(
    registry: &Registry,
    template: &'static str,
    target: &'static str,
    only_check: bool,
) -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = render(registry, &read(&root.join(template))?)
        .map_err(|error| Failure::Template { template, error })?;
    let text = if target.ends_with(".rs") {
        formatted(&text).map_err(Failure::Format)?
    } else {
        text
    };
    let path = root.join(target);
    if !only_check {
        // A build beside this one is not to begin anew.
        if fs::read_to_string(&path).is_ok_and(|now| now == text) {
            return Ok(());
        }
        return fs::write(&path, text).map_err(|error| Failure::File { path, error });
    }
    if read(&path)? == text {
        Ok(())
    } else {
        Err(Failure::Stale(target))
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| Failure::File {
        path: path.to_owned(),
        error,
    })
}

fn formatted(text: &str) -> io::Result<String> {
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024", "--emit", "stdout"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    // Taken, and so closed when it is written.
    let mut stdin = rustfmt.stdin.take().expect("it is piped");
    stdin.write_all(text.as_bytes())?;
    drop(stdin);
    let output = rustfmt.wait_with_output()?;
    if !output.status.success() {
        return Err(io::Error::other("the rendered code is not Rust"));
    }
    String::from_utf8(output.stdout).map_err(io::Error::other)
}
