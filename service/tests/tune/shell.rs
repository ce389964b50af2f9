//! Completions, manual pages, help and colours.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::program::{Ended, ended, file, poold, text};

/// Every command of the program, from its own help.
fn commands() -> Vec<String> {
    let help = ended(&["--help"]).stdout;
    let list = help
        .split("Commands:\n")
        .nth(1)
        .expect("a list of commands");
    let list = list.split("\n\n").next().unwrap_or_default();
    let names = list
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let names: Vec<_> = names
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect();
    for name in ["run", "config", "tune", "bench", "completions", "man"] {
        assert!(
            names.iter().any(|known| known == name),
            "{name} is not in {names:?}"
        );
    }
    names
}

fn help_of(command: &str) -> String {
    let ended = ended(&[command, "--help"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.stdout
}

/// The long flags that stand at the beginning of a line of a help text.
fn flags(help: &str) -> BTreeSet<String> {
    let options = help.split("Examples:").next().unwrap_or_default();
    options
        .lines()
        .filter_map(|line| {
            let line = line.trim_start();
            let line = line
                .split_once(", ")
                .filter(|(short, _)| short.len() == 2)
                .map_or(line, |(_, long)| long);
            let flag = line.strip_prefix("--")?;
            let end = flag.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
            Some(format!("--{}", &flag[..end.unwrap_or(flag.len())]))
        })
        .collect()
}

/// `program` with `input`; `None`, loudly, where it is not installed.
fn checked(program: &str, arguments: &[&str], input: &str) -> Option<Output> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        eprintln!("skipped: {program} is not installed");
        return None;
    };
    let mut stdin = child.stdin.take().expect("it is piped");
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    writer
        .join()
        .expect("it does not panic")
        .expect("it reads everything");
    Some(output)
}

/// Bold and underlined letters are struck twice: once is enough to read.
fn unstruck(text: &str) -> String {
    let mut letters = String::new();
    for c in text.chars() {
        if c == '\x08' {
            letters.pop();
        } else {
            letters.push(c);
        }
    }
    letters
}

#[test]
fn completions_know_every_flag_of_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let script = ended(&["completions", shell]);
        assert_eq!((script.code, script.stderr.as_str()), (Some(0), ""));
        for command in commands() {
            assert!(script.stdout.contains(&command), "{shell}: {command}");
            let flags = flags(&help_of(&command));
            assert!(flags.contains("--help"), "{command}: {flags:?}");
            for flag in flags {
                let known = match shell {
                    "fish" => script.stdout.contains(&format!("-l {}", &flag[2..])),
                    _ => script.stdout.contains(&flag),
                };
                assert!(known, "{shell} does not know {command} {flag}");
            }
        }
        let Some(output) = checked(shell, &["-n", "/dev/stdin"], &script.stdout) else {
            continue;
        };
        assert!(output.status.success(), "{shell}: {output:?}");
    }
}

#[test]
fn a_shell_that_is_none_is_refused() {
    let refused = ended(&["completions", "dos"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("bash"), "{refused:?}");
}

#[test]
fn each_command_has_a_page_that_renders_without_a_warning() {
    let mut pages = vec![ended(&["man"])];
    pages.extend(commands().iter().map(|command| ended(&["man", command])));
    for page in pages {
        assert_eq!((page.code, page.stderr.as_str()), (Some(0), ""));
        assert!(page.stdout.contains(".TH knhk-poold"), "{page:?}");
        let groff = ["-man", "-Tutf8", "-ww", "-Kutf8"];
        let Some(rendered) = checked("groff", &groff, &page.stdout) else {
            continue;
        };
        let rendered = Ended::of(&rendered);
        assert_eq!((rendered.code, rendered.stderr.as_str()), (Some(0), ""));
        let letters = unstruck(&rendered.stdout);
        for part in ["SYNOPSIS", "OPTIONS", "Exit codes:", "Examples:"] {
            let is_whole = page.stdout.contains(".TH knhk-poold ") && part.ends_with(':');
            assert!(is_whole || letters.contains(part), "{part}: {letters}");
        }
    }
}

#[test]
fn all_pages_go_to_one_directory() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("man1");
    let _ = fs::remove_dir_all(&dir);
    let written = ended(&["man", "--dir", text(&dir)]);
    assert_eq!(written.code, Some(0), "{written:?}");
    for command in commands() {
        let page = fs::read_to_string(dir.join(format!("knhk-poold-{command}.1")));
        assert!(page.expect("it was written").contains(".SH"), "{command}");
    }
    let blocked = file("no-directory", b"");
    ended(&["man", "--dir", text(&blocked)]).assert_refused(2, "no-directory");
    ended(&["man", "nonsense"]).assert_refused(2, "no command is named \"nonsense\"");
}

#[test]
fn each_command_shows_examples_whose_flags_exist_and_its_exit_codes() {
    for command in commands() {
        let help = help_of(&command);
        let examples = help.split("Examples:").nth(1);
        let examples = examples.unwrap_or_else(|| panic!("{command} has no examples"));
        assert!(help.contains("Exit codes:"), "{command}");
        let examples = examples.split("Exit codes:").next().unwrap_or_default();
        assert!(
            examples.contains(&format!("knhk-poold {command}")),
            "{command}"
        );
        for line in examples.lines().filter(|line| line.contains("knhk-poold ")) {
            let call = line.split("knhk-poold ").nth(1).unwrap_or_default();
            let called = call.split_whitespace().next().unwrap_or_default();
            let known = flags(&help_of(called));
            for flag in call
                .split_whitespace()
                .filter(|word| word.starts_with("--"))
            {
                assert!(known.contains(flag), "{line}: {flag} is none of {known:?}");
            }
        }
    }
}

#[test]
fn colours_are_for_a_terminal_that_wants_them() {
    let coloured = |no_color: &str| {
        let program = env!("CARGO_BIN_EXE_knhk-poold");
        let call = format!("{program} tune --generate 4000");
        let mut script = Command::new("script");
        script
            .args(["-qec", &call, "/dev/null"])
            .env("NO_COLOR", no_color)
            .env("TERM", "xterm")
            .stdin(Stdio::null());
        script.output().ok().map(|output| Ended::of(&output))
    };
    let (Some(with), Some(without)) = (coloured(""), coloured("1")) else {
        eprintln!("skipped: script is not installed");
        return;
    };
    assert!(with.stdout.contains("\x1b[32m█"), "{with:?}");
    let table = without.stdout.split("knhk-poold tune").nth(1);
    let table = table.expect("the table");
    assert!(
        !table.contains("\x1b[32m") && table.contains("###"),
        "{without:?}"
    );
    let piped = poold(&["tune", "--generate", "4000"])
        .output()
        .expect("it starts");
    assert!(!Ended::of(&piped).stdout.contains('\x1b'));
}
