//! A progress bar on the terminal, or nothing: not when standard error is no terminal.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

const TICK: Duration = Duration::from_millis(100);

/// What is shown while the program works.
#[derive(Debug)]
pub struct Progress(Option<ProgressBar>);

impl Progress {
    /// Shows nothing.
    pub const HIDDEN: Self = Self(None);

    /// A bar on standard error, if that is a terminal.
    pub fn on_terminal() -> Self {
        Self(std::io::stderr().is_terminal().then(ProgressBar::no_length))
    }

    /// Whether anything is seen.
    pub fn is_visible(&self) -> bool {
        self.0.is_some()
    }

    /// Begins a phase of unknown length, counted in `unit`.
    pub fn count(&self, phase: &str, unit: &str) {
        self.begin(&format!("{{spinner}} {phase} {{human_pos}} {unit}"));
    }

    /// Begins a phase of `len` steps.
    pub fn bar(&self, phase: &str, len: u64) {
        self.begin(&format!("{{spinner}} {phase} {{wide_bar}} {{percent}} %"));
        if let Some(bar) = &self.0 {
            bar.set_length(len);
        }
    }

    /// The phase has come to `position`.
    pub fn set(&self, position: u64) {
        if let Some(bar) = &self.0 {
            bar.set_position(position);
        }
    }

    /// Takes the bar off the screen.
    pub fn clear(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }

    fn begin(&self, template: &str) {
        if let Some(bar) = &self.0 {
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.reset();
            bar.enable_steady_tick(TICK);
        }
    }
}
