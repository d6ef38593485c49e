"""Makes a release: a new folder beside the others, then one symlink swap.

In: the warehouse's `published` tables and a verdict. Out: releases/<id>/ with the database, Parquet copies,
manifest and checksums, and `current` pointing at it. It refuses to exist without a passing verdict for the
very content it would publish. Nothing here computes or judges a number.
"""

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from orchestration.release.candidate import Candidate, Verdict
from orchestration.release.content_hash import content_hash
from orchestration.release.listing import (
    append_log,
    current_release,
    list_releases,
    point_current,
    sync,
    sync_tree,
    was_logged,
)
from orchestration.release.stage import Report, write_stage


class ReleaseRefused(RuntimeError):
    """The release does not exist because the verdict does not allow it; the message says why."""


@dataclass(frozen=True)
class Published:
    """A finished release: its id and folder; `is_new` is false where the content was served already."""

    release_id: str
    folder: Path
    content_hash: str
    is_new: bool


def publish(
    releases: Path, candidate: Candidate, verdict: Verdict | None, report: Report | None = None
) -> Published:
    """Publishes a candidate, or recognises that its content is being served already.

    Args:
        releases: the folder of releases.
        candidate: what would be published.
        verdict: what the gate found about it, if it has judged.
        report: writes the page for readers from the published tables.

    Raises:
        ReleaseRefused: no verdict, a failing one, or one for other content or fingerprints than those in
            the warehouse.
    """
    if verdict is None:
        raise ReleaseRefused("This candidate has no verdict. Remedy: run the whole night.")
    if not verdict.is_passing:
        raise ReleaseRefused("The candidate's verdict is not a pass. Remedy: read the failed checks.")
    content = content_hash(candidate.warehouse, keys=candidate.keys)
    if content.total != verdict.content_hash:
        raise ReleaseRefused(
            f"The verdict is for content {verdict.content_hash[:12]},"
            f" but the warehouse holds {content.total[:12]}."
            " Remedy: run the whole night, so that what is published is what was judged."
        )
    if dict(verdict.fingerprints) != dict(candidate.fingerprints):
        kinds = verdict.fingerprints.keys() | candidate.fingerprints.keys()
        other = [
            kind
            for kind in sorted(kinds)
            if verdict.fingerprints.get(kind) != candidate.fingerprints.get(kind)
        ]
        raise ReleaseRefused(
            f"The verdict was given under other {', '.join(other)} than the candidate was made from."
            " Remedy: run the whole night."
        )
    if not content.tables:
        raise ReleaseRefused("There is nothing to publish: the warehouse has no published tables.")
    served = current_release(releases)
    before = served.release_id if served else None
    # One that counts people who withdrew is no twin, even if what is published shows no difference.
    made = list_releases(releases)
    known = [release for release in made if not release.holds_withdrawn]
    twin = next((r for r in reversed(known) if r.content_hash == content.total), None)
    if twin is not None and was_logged(releases, twin.release_id):
        return Published(twin.release_id, twin.folder, content.total, is_new=False)
    # A twin that the log does not know was finished by a night killed before the swap: it is served now.
    release_id = twin.release_id if twin else _new_id(releases, candidate.as_of, content.total)
    folder = releases / release_id
    if twin is None:
        stage = releases / f".stage-{release_id}-{os.getpid()}"
        stage.mkdir(parents=True)
        sequence = max((release.sequence for release in made), default=0) + 1
        write_stage(stage, candidate, verdict, content, release_id, sequence, report)
        sync_tree(stage)
        stage.rename(folder)
        sync(releases)
    if candidate.approval == "manual":
        append_log(releases, "awaits approval", before=before, after=release_id)
    else:
        point_current(releases, release_id)
        append_log(releases, "published", before=before, after=release_id)
    return Published(release_id, folder, content.total, is_new=True)


def _new_id(releases: Path, as_of: date, total: str) -> str:
    """<as_of>-<first 12 of the hash>, with a number where that content was released before."""
    plain = f"{as_of.isoformat()}-{total[:12]}"
    taken = {folder.name for folder in releases.glob(f"{plain}*")}
    candidates = (plain if n == 1 else f"{plain}-{n}" for n in range(1, len(taken) + 2))
    return next(name for name in candidates if name not in taken)
