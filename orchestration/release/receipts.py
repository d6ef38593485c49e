"""The pulls behind a release: for every source, those whose rows its lake is made of.

In: the home and the sources' modes. Out: `candidate.RECEIPTS`, one row per receipt. No original is opened.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingestion.landing import SERVED, read_receipts
from orchestration.release.candidate import RECEIPTS


def receipts_behind(home: Path, sources: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Each source's last good pull, and, where it pulls what is new, those since its last whole one.

    Args:
        home: SITEWISE_HOME.
        sources: Rows with `source` and `mode`, as `registry.sources` has them.
    """
    rows = []
    for source in sources:
        for receipt in read_receipts(home, source["source"]):
            if receipt.state not in SERVED:
                continue
            rows.append(
                {
                    "source": receipt.source,
                    "receipt_id": receipt.receipt_id,
                    "pulled_at": receipt.pulled_at.astimezone(UTC).replace(tzinfo=None),
                    "mode": receipt.mode,
                    "input_hash": receipt.input_hash,
                    "original_count": len(receipt.originals),
                }
            )
            if "snapshot" in (receipt.mode, source["mode"]):
                break
    return pa.Table.from_pylist(rows, schema=RECEIPTS)
