"""The releases that exist: list them, verify one, point `current` at another.

In: the releases folder. Out: facts about it, and (only in a roll-back) a moved symlink with a line in its
log. Nothing here makes a release; see publish.py.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from ingestion.consent.redaction_log import held_between
from orchestration.release.content_hash import content_hash
from orchestration.release.signing import CHECKSUMS, SIGNATURE, signature_faults


class NoSuchRelease(LookupError):
    """A release that was named does not exist; the message lists those that do."""


class HoldsWithdrawn(RuntimeError):
    """A release was made of people who have withdrawn since; it is not served again."""


@dataclass(frozen=True)
class Release:
    """One release as its manifest states it.

    `holds_withdrawn`: people who have withdrawn their consent since are counted in it. `sequence`: its place
    among the releases made, whatever the clock said; 0 for those made before releases were numbered.
    """

    release_id: str
    folder: Path
    content_hash: str
    as_of_date: str
    published_at: str
    is_current: bool
    holds_withdrawn: bool = False
    sequence: int = 0

    @property
    def place(self) -> tuple[int, str, str]:
        """Sorts releases as they were made."""
        return self.sequence, self.published_at, self.release_id


def list_releases(releases: Path) -> list[Release]:
    """Every finished release, oldest first."""
    current = _current_id(releases)
    held = [tuple(map(datetime.fromisoformat, span)) for span in held_between(releases.parent)]
    found = []
    for path in releases.glob("*/manifest.json"):
        if path.parent.is_symlink() or path.parent.name.startswith("."):
            continue
        manifest = json.loads(path.read_text())
        made = datetime.fromisoformat(manifest["published_at"])
        found.append(
            Release(
                manifest["release_id"],
                path.parent,
                manifest["content_hash"],
                manifest["as_of_date"],
                manifest["published_at"],
                path.parent.name == current,
                any(since <= made <= until for since, until in held),
                manifest.get("sequence", 0),
            )
        )
    return sorted(found, key=lambda release: release.place)


def releases_before(releases: Path, release: Release) -> list[Release]:
    """The releases that were made before one, oldest first."""
    return [other for other in list_releases(releases) if other.place < release.place]


def current_release(releases: Path) -> Release | None:
    """The release that is being served, if any."""
    return next((release for release in list_releases(releases) if release.is_current), None)


def find_release(releases: Path, release_id: str | None) -> Release:
    """A release by its id, or the one being served.

    Raises:
        NoSuchRelease: there is none of that name.
    """
    known = list_releases(releases)
    for release in known:
        if release.release_id == release_id or (release_id is None and release.is_current):
            return release
    wanted = f"no release '{release_id}'" if release_id else "no current release"
    listed = ", ".join(release.release_id for release in known) or "none yet; run `sitewise nightly`"
    raise NoSuchRelease(f"There is {wanted} in {releases}. Remedy: choose one of: {listed}.")


def verify_release(release: Release, public_key: str | None = None) -> list[str]:
    """Recomputes every checksum and the content hash, and checks the signature if there is to be one.

    Args:
        release: The release.
        public_key: The key that it must be signed with, as Base64, if the asker knows one.

    Returns:
        What does not hold, in words; empty where all is well.
    """
    stated = dict(_checksums(release.folder))
    present = {
        str(path.relative_to(release.folder)): path for path in release.folder.rglob("*") if path.is_file()
    }
    for about in (CHECKSUMS, SIGNATURE):
        present.pop(about, None)
    faults = [f"{name}: missing" for name in sorted(stated.keys() - present.keys())]
    faults += [f"{name}: not part of the release" for name in sorted(present.keys() - stated.keys())]
    for name in sorted(stated.keys() & present.keys()):
        if hashlib.sha256(present[name].read_bytes()).hexdigest() != stated[name]:
            faults.append(f"{name}: differs from its checksum")
    if faults:
        return faults
    manifest = json.loads((release.folder / "manifest.json").read_text())
    if faults := signature_faults(release.folder, manifest.get("signed_by"), public_key):
        return faults
    keys = manifest["keys"]
    try:
        found = content_hash(release.folder / "sitewise.duckdb", "main", keys).total
    except duckdb.Error as error:
        return [f"sitewise.duckdb: cannot be read ({error})"]
    return [] if found == release.content_hash else ["sitewise.duckdb: differs from its content hash"]


def _checksums(folder: Path) -> Iterator[tuple[str, str]]:
    path = folder / CHECKSUMS
    for line in path.read_text().splitlines() if path.exists() else ():
        digest, name = line.split("  ", 1)
        yield name, digest


def rollback_target(releases: Path, release_id: str | None = None) -> Release:
    """The release a roll-back would serve: the named one, or the one published before the current.

    Raises:
        NoSuchRelease: there is none.
        HoldsWithdrawn: it may not be served again.
    """
    if release_id is not None:
        return _servable(find_release(releases, release_id))
    served = find_release(releases, None)
    earlier = releases_before(releases, served)
    if not earlier:
        raise NoSuchRelease(
            f"{served.release_id} is the first release. Remedy: there is nothing to go back to."
        )
    return _servable(earlier[-1])


def _servable(release: Release) -> Release:
    if release.holds_withdrawn:
        raise HoldsWithdrawn(
            f"{release.release_id} counts people who have withdrawn their consent since it was made. Remedy: "
            "choose a release that `sitewise release list` does not mark so, or run a night."
        )
    return release


def changed_tables(served: Release, target: Release) -> list[str]:
    """The tables whose content differs between two releases, by their manifests."""
    before, after = (json.loads((r.folder / "manifest.json").read_text())["tables"] for r in (served, target))
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def serve(releases: Path, target: Release, action: str) -> None:
    """Points at an existing release (`rolled back`, `approved`); call it under the home's lock.

    Raises:
        HoldsWithdrawn: it may not be served again.
    """
    _servable(find_release(releases, target.release_id))
    before = _current_id(releases)
    point_current(releases, target.release_id)
    append_log(releases, action, before=before, after=target.release_id)


def point_current(releases: Path, release_id: str) -> None:
    """Swaps `current` in one step: a reader sees the old release or the new one, never neither."""
    link = releases / f".current-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(release_id)
    link.replace(releases / "current")
    sync(releases)


def append_log(releases: Path, action: str, *, before: str | None, after: str) -> None:
    """One line for each change of what is served."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    with (releases / "log.jsonl").open("a") as log:
        log.write(json.dumps({"at": at, "action": action, "before": before, "after": after}) + "\n")
        log.flush()
        os.fsync(log.fileno())


def was_logged(releases: Path, release_id: str) -> bool:
    """Whether the log knows the release: served once, or waiting for approval."""
    path = releases / "log.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return any(json.loads(line)["after"] == release_id for line in lines)


def sync_tree(folder: Path) -> None:
    """Puts everything in a folder, and the folder itself, on the disk."""
    for path in [*folder.rglob("*"), folder]:
        sync(path)


def sync(path: Path) -> None:
    """Puts one file, or one folder's list of names, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _current_id(releases: Path) -> str | None:
    link = releases / "current"
    return link.readlink().name if link.is_symlink() else None
