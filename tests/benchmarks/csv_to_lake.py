"""Times the way of one large CSV into the lake beside a bare Polars scan and sink of the same file.

Run: `python tests/benchmarks/csv_to_lake.py [--rows N] [--runs N]`. The pull copies the file into the landing
with its hash, proves every row whole, text and as wide as the header, settles what becomes of each, and
writes the lake; the bare script does none of this. Both run in fresh processes, in turn, and the medians are
compared: seconds from the call to its return, of the whole process with its imports, and of all cores, which
alone mean something where others use the machine. Peak memory is the resident size of the process tree, with
mapped files, sampled every 20 ms. The data are made up and removed again.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import polars as pl
import psutil
from rich.console import Console
from rich.table import Table

BARE = """
import sys, time
import polars as pl
start = time.perf_counter()
pl.scan_csv(sys.argv[1], infer_schema=False).sink_parquet(sys.argv[2] + "/bare.parquet", compression="zstd")
print(time.perf_counter() - start)
"""
PULL = """
import sys, time
from pathlib import Path
from ingestion.programme.load import load_programme
from ingestion.pull import pull_source
programme = load_programme(Path(sys.argv[1]))
start = time.perf_counter()
receipt = pull_source(programme, "answers", Path(sys.argv[2]))
seconds = time.perf_counter() - start
assert receipt.state == sys.argv[3] and receipt.rows_kept == int(sys.argv[4]), receipt.message
print(seconds)
"""
SHAPE = (
    "the plan: the file is copied and hashed; its blocks are counted on all cores (quotes, delimiters, line "
    "ends, UTF-8); record id, time and filters alone are read, from which every row's fate follows, and "
    "beside that a stream already runs from the scan to Parquet, which stands if every row is kept"
)
FILES = {
    "programme.yml": """
programme: bench
title: One large file
waves: [{wave: endline, from: 2015-01-01, closes: 2026-12-31}]
""",
    "sites.yml": "- {site: here, design: post_only, stages: [{stage: pilot, from: 2015-01-01}]}\n",
    "sources.yml": """
- source: answers
  role: survey
  platform: csv
  instrument: form
  wave: endline
  pull: {drop: exports/*.csv}
  keys: {unit: child_id, site: site_code, record: KEY, submitted_at: SubmissionDate}
- source: frame
  role: listing
  platform: csv
  pull: {drop: frame/*.csv}
  keys: {unit: child, site: site, cluster: village, arm: arm}
""",
    "instruments/form.yml": """
items: {q0: {question: [q0], type: number}}
privacy: {keep: ["*"]}
""",
    "indicators/seen.yml": """
{title: Seen, unit: points, statistic: mean, of: form.q0, direction: higher_is_better}
""",
    "analyses.yml": """
- {analysis: all, title: All, waves: [endline], registered_on: 2015-01-01}
""",
}
NOTE = "the child read a paragraph without help and asked for one more story about goats and markets"


def write_answers(path: Path, row_count: int) -> None:
    """Thirty columns as surveys have them: ids, times, codes, amounts, blanks, notes with quoted commas."""
    random = np.random.default_rng(1)
    words = NOTE.split()
    notes = [" ".join(random.choice(words, random.integers(3, 14))) for _ in range(5000)]
    notes = [note.replace(" and ", ", and ") for note in notes]
    with path.open("wb") as file:
        for first in range(0, row_count, 100_000):
            count = min(100_000, row_count - first)
            rows = range(first, first + count)
            columns = {
                "KEY": [f"uuid:{random.integers(1 << 60):015x}-{row:08x}" for row in rows],
                "child_id": [f"C{row:07d}" for row in rows],
                "site_code": random.choice(["KE01", "KE02", "TZ01", "ug09"], count),
                "village": [f"V{code:04d}" for code in random.integers(0, 4000, count)],
                "SubmissionDate": [
                    f"2024-{1 + row % 12:02d}-{1 + row % 28:02d}T{row % 24:02d}:{row % 60:02d}:00.000Z"
                    for row in rows
                ],
                "receipt": [f"R{digits:08d}" for digits in random.integers(0, 10**8, count)],
                "blank": [None] * count,
            }
            columns |= {f"q{place}": random.integers(0, 6, count).astype(str) for place in range(15)}
            columns |= {f"sum{place}": random.gamma(2, 300, count).round(2).astype(str) for place in range(5)}
            columns |= {f"note{place}": random.choice(notes, count) for place in range(3)}
            pl.DataFrame(columns, schema_overrides={"blank": pl.String}).write_csv(
                file, include_header=first == 0
            )


def measured(script: str, *arguments: str) -> tuple[float, float, float, float]:
    """Seconds of the call, of the process, and of all cores; and peak MB of its tree."""
    before = os.times()
    start, peak = time.perf_counter(), 0
    process = subprocess.Popen([sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE)
    root = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            family = [root, *root.children(recursive=True)]
            peak = max(peak, sum(member.memory_info().rss for member in family))
        except psutil.NoSuchProcess:
            # A child ended between being listed and being asked.
            continue
        time.sleep(0.02)
    said = process.communicate()[0].decode()
    if process.returncode:
        raise SystemExit(f"a process ended with {process.returncode}")
    after = os.times()
    cores = after.children_user + after.children_system - before.children_user - before.children_system
    return float(said), time.perf_counter() - start, cores, peak / 1e6


def main() -> None:
    """Bare and pull in turn, each pull into a home of its own; then a pull of what has not changed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        programme = Path(folder, "programme")
        for name, text in FILES.items():
            (programme / name).parent.mkdir(parents=True, exist_ok=True)
            (programme / name).write_text(text)
        answers = programme / "exports" / "answers.csv"
        answers.parent.mkdir()
        write_answers(answers, options.rows)
        bare, pulls, unchanged = [], [], []
        rows = str(options.rows)
        for run in range(options.runs):
            bare.append(measured(BARE, str(answers), folder))
            home = f"{folder}/home_{run}"
            pulls.append(measured(PULL, str(programme), home, "landed", rows))
            time.sleep(2.5)
            measured(PULL, str(programme), home, "unchanged", rows)
            unchanged.append(measured(PULL, str(programme), home, "unchanged", rows))
            subprocess.run(["rm", "-r", home], check=True)
        table = Table(
            f"median of {options.runs}", "seconds of the call", "of the process", "of all cores", "peak MB"
        )
        for name, runs in {
            "bare scan and sink": bare,
            "pull": pulls,
            "pull of nothing new": unchanged,
        }.items():
            seconds, whole, cores, peak = (median(column) for column in zip(*runs, strict=True))
            table.add_row(name, f"{seconds:.3f}", f"{whole:.2f}", f"{cores:.2f}", f"{peak:.0f}")
        ratios = [median(run[at] for run in pulls) / median(run[at] for run in bare) for at in range(3)]
        size = answers.stat().st_size / 1e6
        console = Console(width=110)
        load = os.getloadavg()[0]
        console.print(f"{options.rows:,} rows x 30 columns, {size:.0f} MB; load of the machine {load:.1f}")
        console.print(table)
        call, process, cores = (f"{ratio:.2f}" for ratio in ratios)
        console.print(f"pull / bare: {call} of the call, {process} of the process, {cores} of all cores")
        console.print(f"unchanged: {median(run[0] for run in unchanged) * 1000:.0f} ms")
        console.print(SHAPE)


if __name__ == "__main__":
    main()
