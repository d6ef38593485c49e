"""What a release is made of: a candidate and the verdict on it.

In: nothing. Out: two values that the gate and the publisher share.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

RECEIPTS = pa.schema(
    [
        ("source", pa.string()),
        ("receipt_id", pa.string()),
        ("pulled_at", pa.timestamp("us")),
        ("mode", pa.string()),
        ("input_hash", pa.string()),
        ("original_count", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Verdict:
    """What the gate found about one candidate.

    Attributes:
        content_hash: the content that was judged.
        is_passing: whether it may be published.
        checks: one row per check.
        fingerprints: hashes of inputs, registry, rules, time and code as they were when it was judged.
    """

    content_hash: str
    is_passing: bool
    checks: pa.Table
    fingerprints: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Candidate:
    """What would be published, and where it came from.

    Attributes:
        warehouse: the file whose schema `published` holds the tables.
        programme: the programme's id.
        as_of: the night's date.
        keys: key columns by table.
        fingerprints: hashes of inputs, registry, rules, time and code.
        title: the programme's title.
        approval: `automatic`, or `manual`: then the release is made, and served once it is approved.
        receipts: the pulls whose rows are in it, see `RECEIPTS`.
        signer: signs the release, where the programme asks for it.
    """

    warehouse: Path
    programme: str
    as_of: date
    keys: Mapping[str, Sequence[str]] = field(default_factory=dict)
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    approval: str = "automatic"
    receipts: pa.Table = field(default_factory=RECEIPTS.empty_table)
    signer: "Ed25519PrivateKey | None" = None
