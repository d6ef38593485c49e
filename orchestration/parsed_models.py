"""The models as dbt has parsed them, kept between processes: parsing takes longer than most nights' models.

In: a fingerprint of the models' code, and how to parse them. Out: dbt's own manifest, from the user's cache
folder (XDG_CACHE_HOME, else ~/.cache) or parsed anew. It says nothing of any home or programme, so all share
it. A file that is cut off or of another make is not used.
"""

import hashlib
import os
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

_DIGEST_BYTES = 32


def parsed_models(fingerprint: str, parse: Callable[[], Any]) -> Any:
    """The manifest for this code: the kept one, else what `parse` gives, which is then kept."""
    made_by = "-".join(version(name) for name in ("dbt-core", "dbt-duckdb"))
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sitewise"
    kept = folder / f"models-{made_by}-{fingerprint[:16]}.msgpack"
    content = _whole(kept)
    if content is not None:
        from argparse import Namespace

        from dbt.contracts.graph.manifest import Manifest
        from dbt.flags import set_from_args

        # dbt reads its flags where it writes a manifest, and only a command of its own sets them.
        set_from_args(Namespace(SEND_ANONYMOUS_USAGE_STATS=False), {})
        return Manifest.from_msgpack(content)
    manifest = parse()
    _keep(kept, manifest.to_msgpack())
    return manifest


def _whole(path: Path) -> bytes | None:
    """What was kept, if it is there and is what was written."""
    if not path.exists():
        return None
    written = path.read_bytes()
    digest, content = written[:_DIGEST_BYTES], written[_DIGEST_BYTES:]
    return content if hashlib.sha256(content).digest() == digest else None


def _keep(path: Path, content: bytes) -> None:
    """Writes beside and renames, removes what older code left; a folder nobody may write keeps nothing."""
    parent = next(folder for folder in path.parents if folder.exists())
    if not os.access(parent, os.W_OK):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    stage = path.with_suffix(f".{os.getpid()}")
    stage.write_bytes(hashlib.sha256(content).digest() + content)
    stage.replace(path)
    for outdated in path.parent.glob("models-*.msgpack"):
        if outdated != path:
            outdated.unlink(missing_ok=True)
