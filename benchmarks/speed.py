"""Speed against hand-written NumPy, SciPy and other engines.

    python benchmarks/speed.py [--quick] [--only NAME] [--peers] [--csv PATH]

Prints tables, writes the CSV and beside it a plot of the ratios. Every answer is checked before it is timed.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import measure, peers  # noqa: E402
from benchmarks.timing import FULL, QUICK, machine  # noqa: E402
from benchmarks.workloads import WORKLOADS  # noqa: E402

RESULTS = Path(__file__).resolve().parent / "results" / "speed.csv"
GOAL = 1.1
GTOL = 1e-6  # below about 1e-7 SciPy's Newton-CG stops early and calls it success
BARRED = ("value+gradient", "HVP")


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    effort = QUICK if options.quick else FULL
    rows: list[measure.Row] = []
    known = machine()
    print(", ".join(f"{key} {value}" for key, value in known.items()), flush=True)
    wanted = [w for w in WORKLOADS if options.only.lower() in w.label.lower()]
    if wanted:
        print(_derivatives_head())
    failed = False
    for workload in wanted:
        try:
            rows += measure.derivatives(workload, effort, options.peers)
        except Exception as error:
            failed = True
            print(f"{workload.label:24} FAILED: {type(error).__name__}: {error}", flush=True)
            continue
        print(_derivatives_line(workload.label, rows), flush=True)
    if options.peers:
        _print_peers(rows)
    if options.only.lower() in "recording minimize logistic 569x30":
        rows += measure.recording(effort)
        rows += measure.minimisations(effort, gtol=GTOL)
    _print_rows(rows, ("recording", "minimize", "replay"))
    if not rows:
        labels = ", ".join([*(w.label for w in WORKLOADS), "recording", "minimize"])
        print(f"--only {options.only!r} matches nothing; there are: {labels}", file=sys.stderr)
        return 2
    write(rows, known, options.csv)
    plot(rows, options.csv.with_suffix(".png"))
    print(f"written: {options.csv} and {options.csv.with_suffix('.png').name}")
    return int(failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="speed", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few short rounds: a look, not a measurement")
    parser.add_argument("--only", default="", metavar="NAME", help="workloads whose label contains NAME")
    parser.add_argument("--peers", action="store_true", help=f"time {', '.join(peers.PEERS)} too, where installed")
    parser.add_argument(
        "--csv", type=Path, default=RESULTS, metavar="PATH", help="where figures go; the plot goes beside"
    )
    return parser


def find(rows: Iterable[measure.Row], workload: str, quantity: str, contender: str) -> measure.Row | None:
    """The row of one contender at one task."""
    wanted = (workload, quantity, contender)
    return next((row for row in rows if (row.workload, row.quantity, row.contender) == wanted), None)


def _derivatives_head() -> str:
    return (
        "\nmicroseconds, medians; ratio: median over rounds of ours/hand [quartiles]; * above "
        f"{GOAL}\n{'workload':24} {'f':>9} | {'v+g hand':>9} {'ours':>9} {'ratio':>22} {'/f':>5} |"
        f" {'HVP hand':>9} {'ours':>9} {'ratio':>22} | {'linearise':>9} | mode"
    )


def _derivatives_line(label: str, rows: list[measure.Row]) -> str:
    def us(quantity: str, contender: str) -> str:
        return f"{find(rows, label, quantity, contender).seconds * 1e6:9.1f}"

    def ratio(quantity: str) -> str:
        row = find(rows, label, quantity, "ours")
        return f"{row.ratio:5.2f}{'*' if row.ratio > GOAL else ' '} [{row.low:6.2f},{row.high:6.2f}]"

    cost = find(rows, label, "(value+gradient)/f", "ours").ratio
    linearise = find(rows, label, "linearise", "ours")
    return (
        f"{label:24} {us('f', 'plain')} | {us('value+gradient', 'hand')} {us('value+gradient', 'ours')} "
        f"{ratio('value+gradient'):>22} {cost:5.2f} | {us('HVP', 'hand')} {us('HVP', 'ours')} {ratio('HVP'):>22} | "
        f"{linearise.ratio:8.2f}x | {linearise.note}"
    )


def _print_peers(rows: list[measure.Row]) -> None:
    others = [row for row in rows if row.quantity in BARRED and row.contender in peers.PEERS]
    print(f"\npeers: {', '.join(peers.installed()) or 'none installed'}; microseconds, and how many times ours")
    for row in others:
        ours = find(rows, row.workload, row.quantity, "ours").seconds
        print(
            f"{row.workload:24} {row.quantity:16} {row.contender:9} {row.seconds * 1e6:10.1f}"
            f" {row.seconds / ours:7.2f}x"
        )


def _print_rows(rows: list[measure.Row], prefixes: tuple[str, ...]) -> None:
    chosen = [row for row in rows if row.quantity.startswith(prefixes)]
    if chosen:
        print(f"\n{'task':24} {'contender':38} {'ms':>9} {'ratio':>7}")
    for row in chosen:
        print(f"{row.quantity:24} {row.contender:38} {row.seconds * 1e3:9.3f} {row.ratio:7.2f}  {row.note}")


def write(rows: list[measure.Row], known: dict[str, str], path: Path) -> None:
    """One line per contender and task, with the machine's columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = ["workload", "quantity", "contender", "seconds", "ratio", "ratio_q1", "ratio_q3", "note", *known]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in rows:
            figures = [f"{figure:.4g}" for figure in (row.seconds, row.ratio, row.low, row.high)]
            writer.writerow([row.workload, row.quantity, row.contender, *figures, row.note, *known.values()])


def plot(rows: list[measure.Row], path: Path) -> None:
    """Bars of ours over hand-written, with the lines 1 and 1.1; no file when nothing was compared."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    compared = [row for row in rows if row.contender == "ours" and row.quantity in BARRED]
    labels = list(dict.fromkeys(row.workload for row in compared))
    if not labels:
        return
    figure, axes = pyplot.subplots(figsize=(8, 1.2 + 0.45 * len(labels)), layout="constrained")
    for offset, (quantity, colour) in zip((-0.19, 0.19), zip(BARRED, ("#3b6ea5", "#d08a2e"), strict=True), strict=True):
        bars = [find(rows, label, quantity, "ours") for label in labels]
        at = [index + offset for index in range(len(labels))]
        spread = [[bar.ratio - bar.low for bar in bars], [bar.high - bar.ratio for bar in bars]]
        axes.barh(at, [bar.ratio for bar in bars], 0.36, xerr=spread, color=colour, ecolor="0.35", label=quantity)
    axes.axvline(1.0, color="black", linewidth=1, label="hand-written NumPy")
    axes.axvline(GOAL, color="firebrick", linewidth=1, linestyle="--", label=f"{GOAL} ×")
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set_xlabel("time, as a multiple of hand-written NumPy (median; whiskers: quartiles)")
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.16), ncols=4, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
    pyplot.close(figure)


if __name__ == "__main__":
    raise SystemExit(main())
