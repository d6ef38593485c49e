"""Adjusted effects with CR2 standard errors, from the Gram matrices of clusters alone.

In: for every comparison ("fit") its cells - the units of one block, cluster, arm and wave - as sums of
weighted products. Out: treatment minus control given blocks and covariates, its CR2 standard error and
Satterthwaite degrees of freedom. No row of people is needed, since for a cluster with design X, residuals e,
leverage block B = I - X M X' and M = (sum X'X)^-1 (rows whitened by the square root of their weight), every
term of Bell and McCaffrey (2002) and of Pustejovsky and Tipton (2018) is a function of X'X and X'e:

    L any root of M, L L' = M;  K = L' X'X L, its eigenvalues in [0, 1]
    s = L' X'e;  a = L' c, c the contrast
    z = a' (I - K)^(-1/2) s             the cluster's share of the effect's error: variance = sum z^2
    r = (I - K)^(-1/2) K a,  d = a' (I - K)^-1 K a
    df = (sum (d - r'r))^2 / (sum (d^2 - 2 d r'r) + |sum r r'|^2)

Inverses are pseudo-inverses: a direction that one cluster alone determines is left out, as R's clubSandwich
does. Blocks are fixed effects, equal to one dummy each: columns are centred within blocks, which makes M
block-diagonal, and clusters lie within blocks. Every operation is done matrix by matrix or element by
element, so that a result does not depend on which fits share a batch.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
# A column is left out whose variation, given blocks and the columns before it, is below this share.
COLLINEAR = 1e-9
CONSTANT = 1e-13
# Below this share an eigenvalue of I - K is rounding: the cluster alone determines that direction.
DETERMINED = 1e-10
# Residual sums below this share of the sums they are left over from are rounding: the fit is perfect.
PERFECT = 1e-12


@dataclass(frozen=True)
class _Cells:
    """The cells of several fits, sorted by fit, block and cluster; X'X is `design`, X'y `response`."""

    fit: np.ndarray
    block: np.ndarray
    cluster: np.ndarray
    treated: np.ndarray
    design: np.ndarray
    response: np.ndarray


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
            cells = _Cells(fit, block, cluster, arm, design, response)
            found = _effects(cells, len(dummies), [names[index] for index in batch])
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


def _starts(*keys: np.ndarray) -> np.ndarray:
    """Where a run of equal keys starts."""
    changes = np.zeros(len(keys[0]) - 1, dtype=bool)
    for key in keys:
        changes |= key[1:] != key[:-1]
    return np.flatnonzero(np.concatenate([[True], changes]))


def _effects(cells: _Cells, dummies: int, names: list[list[str | None]]) -> list[dict[str, object]]:
    """Effects of fits numbered from zero; the contrast is the last of the dummies."""
    at = _starts(cells.fit, cells.block, cells.cluster)
    fit, block = cells.fit[at], cells.block[at]
    design, response = np.add.reduceat(cells.design, at), np.add.reduceat(cells.response, at)
    at_block = _starts(fit, block)
    of_block = np.repeat(np.arange(len(at_block)), np.diff(np.append(at_block, len(fit))))
    block_design = np.add.reduceat(design, at_block)
    mass = block_design[:, 0, 0]
    mean = block_design[:, 0, 1:] / mass[:, None]
    mean_outcome = np.add.reduceat(response, at_block)[:, 0] / mass
    raw = np.add.reduceat(design, _starts(fit))
    design, response = _centred(design, response, mean[of_block], mean_outcome[of_block])
    within = np.add.reduceat(design, _starts(fit))[:, 1:, 1:]
    rhs = np.add.reduceat(response, _starts(fit))[:, 1:]
    kept, why = _kept(within, np.diagonal(raw, axis1=1, axis2=2)[:, 1:])
    share = mean[:, 0][of_block]
    is_compared = (share > 0) & (share < 1)
    cluster_share = np.add.reduceat(cells.design[:, 0, 1], at)
    has_control = np.add.reduceat(cells.design[:, 0, 0], at) - cluster_share > 0
    clusters_1 = np.bincount(fit[is_compared & (cluster_share > 0)], minlength=len(names))
    clusters_0 = np.bincount(fit[is_compared & has_control], minlength=len(names))
    distinct = np.unique(np.stack([fit, cells.cluster[at]]), axis=1)[0].astype(int)
    is_nested = np.bincount(distinct, minlength=len(names)) == np.bincount(fit, minlength=len(names))
    solved = np.full((len(names), 3), np.nan)
    target = dummies - 1
    for pattern in np.unique(kept[kept[:, target]], axis=0):
        fits = np.flatnonzero((kept == pattern).all(axis=1))
        order = np.full(len(names), -1)
        order[fits] = np.arange(len(fits))
        chosen = order[fit] >= 0
        columns = np.flatnonzero(pattern)
        with_one = np.concatenate([[0], columns + 1])
        solved[fits] = _solved(
            within[np.ix_(fits, columns, columns)],
            rhs[np.ix_(fits, columns)],
            design[chosen][:, with_one[:, None], with_one],
            response[chosen][:, with_one],
            order[fit[chosen]],
            of_block[chosen],
            mass[of_block[chosen]],
            int(np.flatnonzero(columns == target)[0]),
        )
    return [
        {
            "estimate": _number(estimate),
            "estimate_se": _number(error) if nested else None,
            "df": _number(df) if nested else None,
            "clusters_1": int(treated),
            "clusters_0": int(control),
            "is_nested": bool(nested),
            "dropped": _dropped(listed, reasons[dummies:]),
        }
        for (estimate, error, df), treated, control, nested, listed, reasons in zip(
            solved, clusters_1, clusters_0, is_nested, names, why, strict=True
        )
    ]


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _dropped(names: list[str | None], reasons: np.ndarray) -> str | None:
    words = {1: "does not vary", 2: "told by the others"}
    said = [f"{name} ({words[why]})" for name, why in zip(names, reasons, strict=True) if name and why]
    return ", ".join(said) or None


def _centred(
    design: np.ndarray, response: np.ndarray, mean: np.ndarray, mean_outcome: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """X'X and X'y with every column but the first, and the outcome, counted from the block's mean."""
    one = design[:, 0, 0]
    sums = design[:, 0, 1:]
    centred = design.copy()
    centred[:, 0, 1:] = centred[:, 1:, 0] = sums - one[:, None] * mean
    centred[:, 1:, 1:] -= mean[:, :, None] * sums[:, None, :] + centred[:, 0, 1:, None] * mean[:, None, :]
    outcome = response.copy()
    outcome[:, 0] -= one * mean_outcome
    outcome[:, 1:] -= mean * response[:, :1] + centred[:, 0, 1:] * mean_outcome[:, None]
    return centred, outcome


def _kept(within: np.ndarray, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which columns are kept, in their order, and why another is not: 1 constant, 2 collinear."""
    own = np.diagonal(within, axis1=1, axis2=2)
    why = np.where(own <= CONSTANT * raw, 1, 0)
    scale = np.sqrt(np.where(why > 0, 1.0, own))
    left = np.where((why > 0)[:, :, None] | (why > 0)[:, None, :], 0.0, within)
    left = left / scale[:, :, None] / scale[:, None, :]
    for column in range(left.shape[1]):
        pivot = left[:, column, column]
        is_told = (why[:, column] == 0) & (pivot <= COLLINEAR)
        why[is_told, column] = 2
        step = np.where(why[:, column] == 0, 1 / np.where(pivot > COLLINEAR, pivot, 1.0), 0.0)
        row = left[:, column, :].copy()
        left = left - row[:, :, None] * row[:, None, :] * step[:, None, None]
    return why == 0, why


def _solved(
    within: np.ndarray,
    rhs: np.ndarray,
    design: np.ndarray,
    response: np.ndarray,
    fit: np.ndarray,
    block: np.ndarray,
    mass: np.ndarray,
    target: int,
) -> np.ndarray:
    """Estimate, standard error and degrees of freedom of fits that keep the same columns."""
    scale = 1 / np.sqrt(np.diagonal(within, axis1=1, axis2=2))
    normal = within * scale[:, :, None] * scale[:, None, :]
    inverse = np.linalg.inv(np.linalg.cholesky(normal))
    root = scale[:, :, None] * np.swapaxes(inverse, 1, 2)
    contrast = root[:, target, :]
    slopes = root @ (np.swapaxes(root, 1, 2) @ rhs[:, :, None])
    whitened = np.zeros_like(design)
    whitened[:, 0, 0] = 1 / np.sqrt(mass)
    whitened[:, 1:, 1:] = root[fit]
    across = np.swapaxes(whitened, 1, 2)
    hat = across @ design @ whitened
    residual = response - (design[:, :, 1:] @ slopes[fit])[:, :, 0]
    score = (across @ residual[:, :, None])[:, :, 0]
    before = (across @ response[:, :, None])[:, :, 0]
    share, basis = np.linalg.eigh((hat + np.swapaxes(hat, 1, 2)) / 2)
    turned = np.swapaxes(basis, 1, 2)
    a = (turned[:, :, 1:] @ contrast[fit][:, :, None])[:, :, 0]
    left = 1 - share
    is_free = left > DETERMINED
    weight = np.where(is_free, 1 / np.sqrt(np.where(is_free, left, 1.0)), 0.0)
    z = (a * weight * (turned @ score[:, :, None])[:, :, 0]).sum(axis=1)
    z_before = np.abs(a * weight * (turned @ before[:, :, None])[:, :, 0]).sum(axis=1)
    d = (a * a * weight * weight * share).sum(axis=1)
    r = (basis @ (weight * share * a)[:, :, None])[:, :, 0]
    own = (r * r).sum(axis=1)
    starts = _starts(fit)
    variance = np.add.reduceat(z * z, starts)
    variance[variance <= PERFECT**2 * np.add.reduceat(z_before**2, starts)] = np.nan
    trace = np.add.reduceat(d - own, starts)
    squares = np.add.reduceat(d * d - 2 * d * own, starts) + _crossed(r, fit, block, starts)
    with np.errstate(divide="ignore", invalid="ignore"):
        df = trace**2 / squares
    return np.stack([slopes[:, target, 0], np.sqrt(variance), df], axis=1)


def _crossed(r: np.ndarray, fit: np.ndarray, block: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """|sum r r'|^2 by fit, where the first element of r belongs to its block's own dummy."""
    at_block = _starts(fit, block)
    fits = _starts(fit[at_block])
    one, rest = r[:, 0], r[:, 1:]
    ones = np.add.reduceat(one * one, at_block)
    mixed = np.add.reduceat(one[:, None] * rest, at_block)
    inner = np.add.reduceat(rest[:, :, None] * rest[:, None, :], starts)
    by_block = ones * ones + 2 * (mixed * mixed).sum(axis=1)
    return np.add.reduceat(by_block, fits) + (inner * inner).sum(axis=(1, 2))
