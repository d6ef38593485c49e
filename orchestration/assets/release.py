"""The release as an asset: the last step of a night that had news.

In: the warehouse's candidate and its verdict. Out: a release, or a refusal. The step reads the verdict back
and demands it for the very content it publishes, since a blocking check protects only its own run.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from orchestration.assets import OWNERS
from orchestration.assets.gates import CANDIDATE
from orchestration.assets.registry import NIGHT, fingerprint_of
from orchestration.change import remember_night
from orchestration.dbt_run import table_keys
from orchestration.home import Home
from orchestration.release.candidate import Candidate, Verdict
from orchestration.release.listing import current_release
from orchestration.release.publish import Published, publish
from orchestration.release.receipts import receipts_behind
from orchestration.release.report import write_report
from orchestration.release.signing import signing_key
from orchestration.settings import Settings
from orchestration.warehouse import WRITER_POOL, read_table, table_names

RELEASE = dg.AssetKey(["release", "current"])


def release_asset(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """The asset that publishes."""
    keys = table_keys(manifest)

    @dg.asset(
        key=RELEASE,
        deps=[CANDIDATE],
        group_name="release",
        owners=OWNERS,
        kinds={"python", "duckdb", "parquet"},
        pool=WRITER_POOL,
        description="releases/current: the published tables as a DuckDB file and as Parquet, with"
        " report, manifest and checksums. It is made only with a passing verdict for exactly this content.",
    )
    def release(context: dg.AssetExecutionContext, home: Home) -> dg.MaterializeResult:
        """Publishes tonight's candidate, or finds that its content is out already."""
        published = publish_candidate(home.settings, keys)
        if not published.is_new:
            context.log.info("unchanged content: no new release")
        return dg.MaterializeResult(
            metadata={
                "release_id": published.release_id,
                "content_hash": published.content_hash,
                "state": _state(published, home.settings),
                "folder": dg.MetadataValue.path(str(published.folder)),
            }
        )

    return release


def _state(published: Published, settings: Settings) -> str:
    if not published.is_new:
        return "unchanged_content"
    served = current_release(settings.releases)
    is_served = served is not None and served.release_id == published.release_id
    return "published" if is_served else "awaits_approval"


def publish_candidate(settings: Settings, keys: Mapping[str, list[str]]) -> Published:
    """Publishes what the warehouse holds, under the verdict that the warehouse holds.

    Raises:
        ReleaseRefused: the verdict is absent, failing, or for other content.
        SigningFault: the release is to be signed, and the key cannot be used.
    """
    warehouse = settings.warehouse
    night = read_table(warehouse, f"{NIGHT}.night").to_pylist()[0]
    candidate = Candidate(
        warehouse,
        night["programme"],
        night["as_of_date"],
        keys,
        fingerprint_of(night),
        night["title"],
        night["approval"],
        receipts_behind(settings.home, read_table(warehouse, "registry.sources").to_pylist()),
        signing_key(night["signing_key"]) if night["signing_key"] else None,
    )
    published = publish(settings.releases, candidate, _verdict(settings), write_report)
    remember_night(settings, fingerprint_of(night), published.release_id)
    return published


def _verdict(settings: Settings) -> Verdict | None:
    if "candidate" not in table_names(settings.warehouse, "quality"):
        return None
    row = read_table(settings.warehouse, "quality.candidate").to_pylist()[0]
    checks = read_table(settings.warehouse, "quality.candidate_checks")
    return Verdict(row["content_hash"], row["is_passing"], checks, fingerprint_of(row))
