"""Files that lie in a folder `media` beside a dropped export, as platforms write it.

In: what a drop offers. Out: those files; and their hashes and sizes, landed as `media.json`, each under a
hash of the name, so that the lake can be made again from the landing alone. The files stay where they are.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ingestion.door.attachments import beside_name
from ingestion.encryption import LandingKey
from ingestion.landing import file_hash, land
from ingestion.opening import opened
from ingestion.platforms.protocol import Offered
from ingestion.programme.model import Source
from ingestion.receipt import LandedOriginal
from ingestion.unchanged import Seen

MANIFEST = "media.json"
# Platforms whose exports people drop with the folder of media that the platform wrote beside them.
_WITH_FOLDER = ("surveycto", "odk_central", "kobotoolbox")
_FOLDER = "media"


def land_manifest(
    home: Path, source: Source, offers: Iterable[Offered], key: LandingKey | None
) -> LandedOriginal | None:
    """Lands what lies in the folders of media beside a drop, by hash; None where there is nothing.

    A file that did not change since it was last looked at is not read again.
    """
    files = beside(offers) if source.platform in _WITH_FOLDER else {}
    if not files:
        return None
    seen = Seen(home, source.source, "media")
    told: dict[str, Any] = {}
    for name, path in files.items():
        known = seen.told(path)
        if known is None:
            marks = seen.marks(path)
            known = {"sha256": file_hash(path), "bytes": path.stat().st_size}
            seen.note(path, marks, known)
        told[beside_name(name)] = known
    seen.save()
    content = json.dumps(told, indent=1, sort_keys=True)

    def write(path: Path) -> None:
        path.write_text(content)

    return land(home, source.source, MANIFEST, write, "attachment", key=key)


def read_manifest(
    home: Path, source: str, landed: Sequence[LandedOriginal], key: LandingKey | None
) -> dict[str, dict[str, Any]]:
    """What landed manifests tell: name by `beside_name` -> `sha256` and `bytes`; later ones win."""
    manifests = [each for each in landed if each.kind == "attachment" and each.name == MANIFEST]
    with opened(home, source, manifests, key) as paths:
        found: dict[str, dict[str, Any]] = {}
        for path in paths:
            found |= json.loads(path.read_bytes())
    return found


def beside(offers: Iterable[Offered]) -> dict[str, Path]:
    """The files of the folders of media beside dropped files of this machine, by name."""
    origins = [Path(offered.origin) for offered in offers]
    folders = dict.fromkeys(origin.parent / _FOLDER for origin in origins if origin.is_absolute())
    paths = [path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir())]
    found: dict[str, Path] = {}
    for path in paths:
        if path.is_file() and not path.name.startswith("."):
            found.setdefault(path.name, path)
    return found
