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

# A column is left out whose variation, given blocks and the columns before it, is below this share.
COLLINEAR = 1e-9
CONSTANT = 1e-13
# Below this share an eigenvalue of I - K is rounding: the cluster alone determines that direction.
DETERMINED = 1e-10
# Residual sums below this share of the sums they are left over from are rounding: the fit is perfect.
PERFECT = 1e-12


@dataclass(frozen=True)
class Cells:
    """The cells of several fits, sorted by fit, block and cluster; X'X is `design`, X'y `response`."""

    fit: np.ndarray
    block: np.ndarray
    cluster: np.ndarray
    treated: np.ndarray
    design: np.ndarray
    response: np.ndarray


def _starts(*keys: np.ndarray) -> np.ndarray:
    """Where a run of equal keys starts."""
    changes = np.zeros(len(keys[0]) - 1, dtype=bool)
    for key in keys:
        changes |= key[1:] != key[:-1]
    return np.flatnonzero(np.concatenate([[True], changes]))


def adjusted_effects(cells: Cells, dummies: int, names: list[list[str | None]]) -> list[dict[str, object]]:
    """The effects of fits numbered from zero, in their order.

    Args:
        cells: Their cells; columns of X are one, the dummies (first of them treatment) and covariates.
        dummies: How many dummies there are; the contrast is the last of them.
        names: For each fit the names of its covariates; null for one that is not named when it is left out.
    """
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
