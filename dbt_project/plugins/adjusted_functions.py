"""The SQL function behind adjusted effects: lists of exact sums in, effects and errors out.

In: nothing but numbers and the names of columns, one comparison a row. Out: `adjusted_effect` on every
connection that dbt opens. The algebra lives in cluster_robust_grams; which sums go in, the models decide.
"""

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cluster_robust_grams import Cells, adjusted_effects
from dbt.adapters.duckdb.plugins import BasePlugin

RESULT = pa.struct(
    [
        ("estimate", pa.float64()),
        ("estimate_se", pa.float64()),
        ("df", pa.float64()),
        ("clusters_1", pa.int64()),
        ("clusters_0", pa.int64()),
        ("is_nested", pa.bool_()),
        ("dropped", pa.string()),
    ]
)
PARAMETERS = ["VARCHAR[]", "BOOLEAN", "INTEGER[]", "INTEGER[]", "BOOLEAN[]", "BOOLEAN[]", "DOUBLE[]"]
RETURNS = (
    "STRUCT(estimate DOUBLE, estimate_se DOUBLE, df DOUBLE, clusters_1 BIGINT, clusters_0 BIGINT,"
    " is_nested BOOLEAN, dropped VARCHAR)"
)
CELLS_AT_ONCE = 100_000


def adjusted_effect(
    columns: pa.ChunkedArray,
    has_waves: pa.ChunkedArray,
    blocks: pa.ChunkedArray,
    clusters: pa.ChunkedArray,
    treated: pa.ChunkedArray,
    later: pa.ChunkedArray,
    products: pa.ChunkedArray,
) -> pa.Array:
    """The effect of every fit, one row each; lists run over a fit's cells, sorted by block and cluster.

    Args:
        columns: Names of the covariates; null for one that is not named when it is left out.
        has_waves: Whether cells are of two waves: the effect is then the difference in differences.
        blocks: Number of the block of each cell.
        clusters: Number of the cluster of each cell.
        treated: Whether a cell's units are treated.
        later: Whether a cell's units were measured in the later wave; not read without `has_waves`.
        products: For each cell, one after another, the upper triangle of the weighted products of one and the
            covariates, row by row, then those of one and the covariates with the outcome.

    Returns:
        Structs as `RESULT`: steps of the outcome, standard error and degrees of freedom null where there are
        none, estimate null where the arms are not told apart; `dropped` names covariates left out, and why.
    """
    names = columns.combine_chunks().to_pylist()
    is_did = has_waves.to_numpy()
    counts = pc.fill_null(pc.list_value_length(blocks), 0).to_numpy().astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(counts)])
    lists = [_flat(column) for column in (blocks, clusters, treated, later, products)]
    results: list[dict[str, object] | None] = [None] * len(names)
    kinds: dict[tuple[int, bool], list[int]] = {}
    for fit, (listed, has_two) in enumerate(zip(names, is_did, strict=True)):
        if counts[fit]:
            kinds.setdefault((len(listed), bool(has_two)), []).append(fit)
    size = {count: (count + 1) * (count + 4) // 2 for count, _ in kinds}
    widths = np.array([size[len(listed)] if n else 0 for listed, n in zip(names, counts, strict=True)])
    product_starts = np.concatenate([[0], np.cumsum(counts * widths)])
    for (count, has_two), fits in kinds.items():
        for batch in _batches(fits, counts):
            rows = np.concatenate([np.arange(starts[fit], starts[fit + 1]) for fit in batch])
            values = np.concatenate([lists[4][product_starts[f] : product_starts[f + 1]] for f in batch])
            fit = np.repeat(np.arange(len(batch)), counts[batch])
            block, cluster, arm, wave = (column[rows] for column in lists[:4])
            dummies = [arm] if not has_two else [arm, wave, arm * wave]
            design, response = _expanded(values.reshape(len(rows), size[count]), count, dummies)
            cells = Cells(fit, block, cluster, arm, design, response)
            found = adjusted_effects(cells, len(dummies), [names[index] for index in batch])
            for index, result in zip(batch, found, strict=True):
                results[index] = result
    return pa.array(results, type=RESULT)


def _flat(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.combine_chunks().flatten().to_numpy(zero_copy_only=False), dtype=float)


def _batches(fits: list[int], counts: np.ndarray) -> list[list[int]]:
    batches: list[list[int]] = [[]]
    held = 0
    for fit in fits:
        if held and held + counts[fit] > CELLS_AT_ONCE:
            batches.append([])
            held = 0
        batches[-1].append(fit)
        held += int(counts[fit])
    return batches


def _expanded(values: np.ndarray, count: int, dummies: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """X'X and X'y of one, the dummies (the same for all units of a cell) and the covariates."""
    triangle = count * (count + 3) // 2 + 1
    gram = np.empty((len(values), count + 1, count + 1))
    upper = np.triu_indices(count + 1)
    gram[:, upper[0], upper[1]] = gram[:, upper[1], upper[0]] = values[:, :triangle]
    outcome = values[:, triangle:]
    constant = np.stack([np.ones(len(values)), *dummies], axis=1)
    first = constant.shape[1]
    design = np.empty((len(values), first + count, first + count))
    design[:, :first, :first] = gram[:, :1, :1] * constant[:, :, None] * constant[:, None, :]
    design[:, :first, first:] = constant[:, :, None] * gram[:, :1, 1:]
    design[:, first:, :first] = np.swapaxes(design[:, :first, first:], 1, 2)
    design[:, first:, first:] = gram[:, 1:, 1:]
    response = np.concatenate([constant * outcome[:, :1], outcome[:, 1:]], axis=1)
    return design, response


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Registers the function on a connection."""
    connection.create_function(
        "adjusted_effect", adjusted_effect, PARAMETERS, RETURNS, type="arrow", null_handling="special"
    )


class Plugin(BasePlugin):
    """dbt-duckdb's door: called once for each database connection."""

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Registers the function on dbt's connection."""
        register(conn)
