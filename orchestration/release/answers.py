"""What the release being served has answered, so that tonight's answers can be told from it.

In: the releases folder and tonight's fingerprint. Out: registry tables of earlier answers, of the inputs they
were made from, and of what is new tonight. Only what was published is read: earlier numbers are as protected
as they were then. No answer is compared here.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.programme.registry_schemas import SCHEMAS, registry_table
from orchestration.release.listing import current_release

_NUMBERS = [field.name for field in SCHEMAS["earlier_answers"] if field.type == pa.float64()]


def earlier_tables(releases: Path, fingerprint: Mapping[str, str]) -> dict[str, pa.Table]:
    """The tables `earlier_answers`, `earlier_inputs` and `news`; empty where nothing was published yet.

    Numbers of a release that counts people who have withdrawn since are not repeated, only its verdicts.
    """
    served = current_release(releases)
    if served is None:
        return {name: registry_table(name, []) for name in ("earlier_answers", "earlier_inputs", "news")}
    answers = _rows(served.folder, "amendments")
    if served.holds_withdrawn:
        blank = dict.fromkeys(_NUMBERS)
        answers = [{**row, **blank, "numbers_state": "withdrawn"} for row in answers]
    known = {name for name in SCHEMAS["earlier_answers"].names}
    then = json.loads((served.folder / "manifest.json").read_text())["fingerprints"]
    return {
        "earlier_answers": registry_table(
            "earlier_answers", ({name: row[name] for name in known if name in row} for row in answers)
        ),
        "earlier_inputs": registry_table(
            "earlier_inputs",
            (
                {"source": row["source"], "input_hash": row["input_hash"]}
                for row in _rows(served.folder, "provenance")
            ),
        ),
        "news": registry_table(
            "news", ({"kind": kind} for kind, digest in fingerprint.items() if then.get(kind) != digest)
        ),
    }


def _rows(folder: Path, table: str) -> list[dict[str, Any]]:
    path = folder / "parquet" / f"{table}.parquet"
    return pq.read_table(path).to_pylist() if path.exists() else []
