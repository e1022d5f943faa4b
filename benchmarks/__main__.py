"""Time a training step of eicon next to PyTorch loops, NeuralRNN, BrainPy's notebook and the limit of its products."""

import argparse
import signal
import sys
from pathlib import Path

from benchmarks import problem, report, runner
from benchmarks.variants import VARIANTS
from studies.common import machine


def positive(text: str) -> int:
    """Parse an integer that is at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be >= 1; got {value}.")
    return value


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line; `--quick` only replaces defaults."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--sizes", type=positive, nargs="+", help="recurrent units (default: 50 200 1000)")
    parser.add_argument("--repeats", type=positive, help="rounds over the variants (default: 5)")
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--quick", action="store_true", help="one size, one round, short blocks")
    parser.add_argument("--timeout", type=float, default=600.0, help="seconds for one subprocess")
    parser.add_argument("--out", type=Path, default=Path("results/bench/bench.json"))
    parser.add_argument("--page", type=Path, help="also write the tables to this Markdown file")
    args = parser.parse_args(argv)
    args.sizes = sorted(set(args.sizes or ([50] if args.quick else [50, 200, 1000])))
    args.repeats = args.repeats or (1 if args.quick else 5)
    args.variants = list(dict.fromkeys(args.variants))
    args.block_s = 0.1 if args.quick else 0.5
    return args


def main(argv: list[str] | None = None) -> int:
    """Run, print, write; return 1 if a variant failed."""
    args = parse(argv)
    facts = machine()
    absent = runner.missing(args.variants)
    wanted = [name for name in args.variants if name not in absent]
    records, failures = runner.run_all(wanted, args.sizes, args.repeats, args.block_s, args.timeout)

    summary, ratios = report.summarise(records), report.ratios(records)
    text = report.render(facts, summary, ratios)
    print(text)
    if args.page is not None:
        words = sys.argv[1:] if argv is None else argv
        report.write_page(args.page, text, " ".join(["python -m benchmarks", *words]))
    for name in absent:
        print(f"{name}: not installed ({VARIANTS[name].install})")
    for failure in failures:
        print(f"{failure.variant}, N={failure.n_rec}: failed: {failure.message}")
    content = {
        "machine": facts,
        "problem": {k: v for k, v in vars(problem).items() if k.isupper()},
        "summary": summary,
        "ratios": ratios,
        "records": records,
        "not_installed": absent,
        "failures": [failure._asdict() for failure in failures],
    }
    report.write_json(args.out, content)
    print(f"\nwritten to {args.out}")
    return 1 if failures else 0


if __name__ == "__main__":
    # A plain `kill` stops the run as Ctrl-C does, so no child is left running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("interrupted; nothing written", file=sys.stderr)
        sys.exit(130)
