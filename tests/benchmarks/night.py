"""Times whole nights of the demo programme as processes, beside a plain script over the same files.

Run: `make bench`. Prints wall-clock seconds and peak memory of a first night, of a night without news, and
of one plain Polars script that reads the same listing and exports as text and counts their rows: the floor
below which no pipeline can be, so the ratio says what the checks, intervals and the release cost.
Peak memory is the resident size of the whole process tree, sampled every 50 ms.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

PLAIN = """
import io, pathlib, sys, zipfile
import polars as pl
rows = 0
for path in sorted(pathlib.Path(sys.argv[1], "exports").rglob("*")):
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            texts = [archive.read(name) for name in archive.namelist() if name.endswith(".csv")]
    elif path.suffix == ".csv":
        texts = [path.read_bytes()]
    else:
        continue
    for text in texts:
        separator = ";" if text.splitlines()[0].count(b";") else ","
        table = pl.read_csv(io.BytesIO(text), separator=separator, infer_schema=False)
        rows += table.height
print(rows)
"""


def measured(command: list[str], environment: dict[str, str]) -> tuple[float, float, str]:
    """Wall-clock seconds, peak MB of the process tree, and the last lines printed."""
    start, peak = time.perf_counter(), 0
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    root = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            family = [root, *root.children(recursive=True)]
            peak = max(peak, sum(member.memory_info().rss for member in family))
        except psutil.NoSuchProcess:
            break
        time.sleep(0.05)
    said = process.communicate()[0].decode()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{said}")
    return time.perf_counter() - start, peak / 1e6, said


def main() -> None:
    """Three processes on one fresh home; a table of what they took."""
    sitewise = str(Path(sys.executable).parent / "sitewise")
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"SITEWISE_HOME": folder, "NO_COLOR": "1"}
        simulated = measured([sitewise, "simulate", "--out", f"{folder}/programme"], environment)
        first = measured([sitewise, "nightly", "--programme", "demo"], environment)
        second = measured([sitewise, "nightly", "--programme", "demo"], environment)
        plain = measured([sys.executable, "-c", PLAIN, f"{folder}/programme"], environment)
    table = Table("what", "seconds", "peak MB", "times the plain script")
    rows = {
        "simulate the exports": simulated,
        "first night": first,
        "night without news": second,
        "plain script": plain,
    }
    for name, (seconds, peak, _) in rows.items():
        table.add_row(name, f"{seconds:.1f}", f"{peak:.0f}", f"{seconds / plain[0]:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
