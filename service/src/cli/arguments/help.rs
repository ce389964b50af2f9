//! What stands below the options of each command: examples, and exit codes.

macro_rules! with_exit_codes {
    ($examples:literal $(, $more:literal)?) => {
        concat!(
            "Examples:\n",
            $examples,
            "\n\nExit codes:\n",
            "  0  done; also when the reader of the output has had enough\n",
            "  1  done, but some lines were bad (not with --lenient)\n",
            "  2  wrong usage, hooks or configuration; something cannot be read or written",
            $($more)?
        )
    };
}

macro_rules! with_two_exit_codes {
    ($examples:literal) => {
        concat!(
            "Examples:\n",
            $examples,
            "\n\nExit codes:\n",
            "  0  done; also when the reader of the output has had enough\n",
            "  2  wrong usage or configuration; something cannot be read or written"
        )
    };
}

pub(super) const RUN: &str = with_exit_codes!(
    "  knhk-poold run --compare                      pools beside the heap, on generated triples
  knhk-poold run data.nt more.nt.gz --out receipts.jsonl
  zcat dump.nt.gz | knhk-poold run - --hooks hooks.toml --json
  knhk-poold run --for 10m --metrics-addr 9464  something to watch",
    "\n  130, 143  ended by SIGINT or SIGTERM; what was measured until then is exported"
);

pub(super) const CONFIG: &str = with_two_exit_codes!(
    "  knhk-poold config                             what holds, and where it comes from
  knhk-poold config --config pools.toml --json
  KNHK_POOL_SIZE=48 knhk-poold config"
);

pub(super) const TUNE: &str = with_exit_codes!(
    "  knhk-poold tune data.nt                       hit rate and memory of each pool size
  knhk-poold tune data.nt --target 99.9 --write pools.toml --plot sizes.svg
  knhk-poold config --config pools.toml         what was written is what is loaded
  knhk-poold tune --from http://127.0.0.1:8470/v1/pools",
    "; nothing was recorded; with\n     --write, no size reaches the target"
);

pub(super) const BENCH: &str = with_two_exit_codes!(
    "  knhk-poold bench                              ten seconds
  knhk-poold bench --for 1m --json"
);

pub(super) const COMPLETIONS: &str = with_two_exit_codes!(
    "  knhk-poold completions bash > ~/.local/share/bash-completion/completions/knhk-poold
  knhk-poold completions zsh > ~/.zfunc/_knhk-poold
  knhk-poold completions fish > ~/.config/fish/completions/knhk-poold.fish"
);

pub(super) const MAN: &str = with_two_exit_codes!(
    "  knhk-poold man tune | man -l -
  knhk-poold man --dir ~/.local/share/man/man1"
);
