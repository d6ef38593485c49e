"""An attacker who solves for what is hidden, from everything that releases tell, does not come near.

He is given more than a reader has: every count that is shown he knows to the person, however it is rounded
(errors, degrees of freedom and shares tell it), and he knows which levels add up to what. For each hidden
number the least and the most it can be are found by linear programming: they must be `round_to` apart.
The programmes are random, one an indicator: six sites; sexes, regions and districts with many small groups.
"""

import itertools
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from math import ceil, floor, isclose
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

MIN_CELL, ROUND_TO = 7, 5
STAGES = {"p1": "pilot", "p2": "pilot", "s1": "scaled", "s2": "scaled", "s3": "scaled", "s4": "scaled"}
DISTRICTS = {"n1": "north", "n2": "north", "so1": "south", "so2": "south"}
ARMS = ("treatment", "control")
WORLDS = 24
PLENTY = 10**6

Cell = tuple[str, str, str, str]  # site, dimension, level, arm


@dataclass
class World:
    """What is true of one indicator: people and events of every cell."""

    name: str
    has_clusters: bool
    n: dict[Cell, int] = field(default_factory=lambda: defaultdict(int))
    events: dict[Cell, int] = field(default_factory=lambda: defaultdict(int))

    def groups(self) -> dict[tuple[str, str], set[str]]:
        """The sites where both arms of a level are met."""
        met: dict[tuple[str, str], set[str]] = defaultdict(set)
        for site, dimension, level, _ in self.n:
            if all(self.n.get((site, dimension, level, other)) for other in ARMS):
                met[dimension, level].add(site)
        return met


def _world(number: int, sites: dict[str, str]) -> World:
    world = World(f"w{number:02}", has_clusters=number % 2 == 0)
    for site in sites:
        luck = random.Random(f"{number} {site}")
        sizes = luck.choice([(0, 0, 1, 2), (1, 2, 6, 30), (0, 3, 9, 15), (8, 20, 30, 40), (20, 40), (2, 90)])
        chances = luck.choice([(0.02,), (0.3, 0.6), (0.97, 1.0), (0.0, 0.5)])
        for arm, sex, district in itertools.product(ARMS, "fmx", DISTRICTS):
            people = luck.choice(sizes) if sex != "x" else luck.choice((0, 0, 1, 2))
            events = sum(luck.random() < luck.choice(chances) for _ in range(people))
            levels = {"all": "all", "sex": sex, "district": district, "region": DISTRICTS[district]}
            for dimension, level in levels.items():
                if people:
                    world.n[site, dimension, level, arm] += people
                    world.events[site, dimension, level, arm] += events
    return world


def _moments(world: World, analysis: str) -> list[dict[str, Any]]:
    rows = []
    for cell, n in world.n.items():
        site, dimension, level, arm = cell
        place = {"analysis": analysis, "indicator": world.name, "wave": "endline", "site": site, "arm": arm}
        place |= {"dimension": dimension, "level": level}
        parts = [(n // 2, "a"), (n - n // 2, "b")] if world.has_clusters else [(n, None)]
        left = world.events[cell]
        for people, cluster in parts:
            events = min(left, people)
            left -= events
            sums = {"mass": people * 10**6, "total": events * 10**6, "total_squares": events * 10**6}
            rows.append(place | sums | {"n": people, "cluster_id": cluster})
    return rows


def _effect(world: World, sites: list[str], dimension: str, level: str) -> dict[str, Any]:
    """Both arms of some sites together, as numbers of a row."""
    row: dict[str, Any] = {
        "estimate_se": 3.0,
        "df": 9.0,
        "estimate_low": 0.0,
        "estimate_high": 1.0,
        "p_value": 0.5,
    }
    row |= {"measure": "risk_difference", "indicator": world.name, "wave": "endline", "basis": "rows"}
    row |= {"dimension": dimension, "level": level}
    for arm in ARMS:
        cells = [(site, dimension, level, arm) for site in sites]
        row[f"n_{arm}"] = sum(world.n[cell] for cell in cells)
        row[f"mean_{arm}"] = 100 * sum(world.events[cell] for cell in cells) / row[f"n_{arm}"]
    return row | {"estimate": row["mean_treatment"] - row["mean_control"]}


def _pools(world: World, sites: dict[str, str]) -> list[tuple[str, str, str, list[str]]]:
    found = []
    for (dimension, level), met in world.groups().items():
        for stage in ("pilot", "scaled", "all"):
            members = sorted(site for site in met & sites.keys() if stage in ("all", sites[site]))
            if members:
                found.append((stage, dimension, level, members))
    return found


def _rows(worlds: list[World], sites: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for world in worlds:
        for analysis in ("main", "whole"):
            rows["moments.int_cell_moments"] += _moments(world, analysis)
            rows["effects.int_analysis_sites"] += [
                {
                    "analysis": analysis,
                    "wave": "endline",
                    "indicator": world.name,
                    "site": site,
                    "stage": stage,
                }
                | {"state": "included", "is_admitted": True, "design_group": "randomised"}
                for site, stage in sites.items()
            ]
        common = {"is_own": True, "is_headline": True, "estimator": "cr2", "state": "estimated"}
        clusters = 2 if world.has_clusters else 0
        common |= {"clusters_treatment": clusters, "clusters_control": clusters}
        for (dimension, level), met in world.groups().items():
            rows["effects.int_site_effects"] += [
                common
                | _effect(world, [site], dimension, level)
                | {"analysis": "main", "site": site, "stage": sites[site]}
                for site in sorted(met)
            ]
            rows["effects.int_site_effects"].append(
                common
                | _effect(world, sorted(sites), dimension, level)
                | {"analysis": "whole", "site": "network", "stage": "all"}
            )
        # differences between levels stand among the effects, and are no groups of people
        rows["effects.int_site_effects"] += [
            row | {"measure": "interaction", "level": "m minus f"}
            for row in rows["effects.int_site_effects"]
            if (row["indicator"], row["dimension"], row["level"]) == (world.name, "sex", "m")
        ]
        for stage, dimension, level, members in _pools(world, sites):
            key = {"analysis": "main", "stage": stage, "design_group": "randomised"}
            effect = key | _effect(world, members, dimension, level)
            effect = {name: told for name, told in effect.items() if not name.startswith("mean_")}
            rows["effects.int_pooled_effects"] += [
                effect
                | {"estimator": name, "is_headline": name == "equal_mean", "site_count": len(members)}
                | {"unit": "site_mean", "inference": "these_sites", "tau2": 2.0, "q": 3.0}
                for name in ("equal_mean", "fixed_wald")
            ]
            kept = ("indicator", "wave", "dimension", "level", "measure")
            rows["effects.int_pools"].append(key | {name: effect[name] for name in kept} | {"sites": members})
    for number, pool in enumerate(rows["effects.int_pools"]):
        pool["pool_id"] = number
    rows["frame.int_nested_dimensions"] = [
        {"dimension": name, "family": "district"} for name in ("district", "region")
    ]
    return rows


def _registry(worlds: list[World], sites: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    shape = {"unit": "percent", "statistic": "share", "effect_scale": "risk_difference", "resolution": 100}
    shape |= {"direction": "higher_is_better", "role": "primary", "multiplier": 1.0, "smallest_effect": 5.0}
    return {
        "indicators": [
            shape
            | {
                "indicator": world.name,
                "title": world.name,
                "indicator_order": number,
                "retention_margin": 0.5,
            }
            for number, world in enumerate(worlds, 1)
        ],
        "indicator_terms": [],
        "sites": [
            {"site": site, "title": site, "design": "cluster_rct", "site_order": number}
            for number, site in enumerate(sites, 1)
        ],
        "site_stages": [
            {"site": site, "stage": stage, "from_date": date(2024, 1, 1)} for site, stage in sites.items()
        ],
        "site_waves": [],
        "analysis_indicators": [],
        "corrections": [],
    }


class Attack:
    """What releases tell of one world: equations between its cells' people, and between their events."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.cells = list(world.n)
        self.place = {cell: number for number, cell in enumerate(self.cells)}
        self.known: set[Cell] = set()
        self.known_events: set[Cell] = set()
        self.sums: list[list[Cell]] = self._totals()
        self.event_sums: list[list[Cell]] = list(self.sums)
        self.differences: list[tuple[Cell, Cell]] = []

    def _totals(self) -> list[list[Cell]]:
        """Cells that add up to the first of them, minus it."""
        found = []
        for site, dimension, level, arm in self.cells:
            total = (site, dimension, level, arm)
            parts = [c for c in self.cells if (c[0], c[3]) == (site, arm)]
            if dimension == "all":
                found += [
                    [total, *(c for c in parts if c[1] == name)] for name in ("sex", "region", "district")
                ]
            if dimension == "region":
                found.append([total, *(c for c in parts if c[1] == "district" and DISTRICTS[c[2]] == level)])
        return found

    def reads(self, release: Any, sites: dict[str, str]) -> None:
        """Take in all that a release tells of this world."""
        name = self.world.name
        for site, dimension, level, arm, n, value in release(
            "select site, dimension, level, arm, n, value from indicator_values"
            f" where indicator = '{name}' and wave = 'endline'"
        ):
            self._knows((site, dimension, level, arm), n, value)
        for site, dimension, level, n_1, n_0, mean_1, mean_0, estimate, clusters in release(
            "select site, dimension, level, n_treatment, n_control, mean_treatment, mean_control, estimate,"
            f" clusters_treatment from site_effects where indicator = '{name}' and wave = 'endline'"
        ):
            pair = [(site, dimension, level, arm) for arm in ARMS]
            if site == "network":
                for arm, n, mean in zip(ARMS, (n_1, n_0), (mean_1, mean_0), strict=True):
                    self._adds_up(sorted(sites), dimension, level, arm, n, mean)
                continue
            self._knows(pair[0], n_1, mean_1)
            self._knows(pair[1], n_0, mean_0)
            if estimate is not None:
                hidden = [cell for cell in pair if cell not in self.known_events]
                assert clusters or not hidden, "an effect and its error tell two shares"
                self.differences.append((pair[0], pair[1]))
        members = {(s, d, level): m for s, d, level, m in _pools(self.world, sites)}
        for stage, dimension, level, n_1, n_0 in release(
            "select stage, dimension, level, n_treatment, n_control from pooled_effects"
            f" where indicator = '{name}' and wave = 'endline'"
        ):
            for arm, n in zip(ARMS, (n_1, n_0), strict=True):
                self._adds_up(members[stage, dimension, level], dimension, level, arm, n, None)

    def _knows(self, cell: Cell, n: int | None, value: float | None) -> None:
        if n is not None:
            self.known.add(cell)
            assert self.world.n[cell] > MIN_CELL or not self.world.n[cell], cell
        if value is not None:
            self.known_events.add(cell)
            share = 100 * self.world.events[cell] / self.world.n[cell]
            assert isclose(value, share, abs_tol=1e-9), (cell, value, share)

    def _adds_up(
        self, sites: list[str], dimension: str, level: str, arm: str, n: int | None, mean: float | None
    ) -> None:
        cells = [(site, dimension, level, arm) for site in sites]
        cells = [cell for cell in cells if cell in self.place]
        if n is not None:
            self.sums.append([None, *cells])  # type: ignore[list-item]
        if mean is not None:
            self.event_sums.append([None, *cells])  # type: ignore[list-item]

    def _solve(
        self, truth: dict[Cell, int], known: set[Cell], sums: Any, lowest: int, differences: Any
    ) -> dict:
        rows, totals = [], []
        for total, *parts in sums:
            row = np.zeros(len(self.cells))
            for cell in parts:
                row[self.place[cell]] = 1
            if total is not None:
                row[self.place[total]] = -1
            rows.append(row)
            totals.append(0 if total is not None else sum(truth[cell] for cell in parts))
        for one, other in differences:
            if one in self.known and other in self.known:
                row = np.zeros(len(self.cells))
                row[self.place[one]] = 1 / self.world.n[one]
                row[self.place[other]] = -1 / self.world.n[other]
                rows.append(row)
                totals.append(truth[one] / self.world.n[one] - truth[other] / self.world.n[other])
        bounds = [
            (truth[cell], truth[cell])
            if cell in known
            else (lowest, self.world.n[cell] if lowest == 0 and cell in self.known else PLENTY)
            for cell in self.cells
        ]
        hulls = {}
        for cell in self.cells:
            if cell in known:
                continue
            goal = np.zeros(len(self.cells))
            ends = []
            for sign in (1, -1):
                goal[self.place[cell]] = sign
                done = linprog(goal, A_eq=np.array(rows), b_eq=totals, bounds=bounds)
                assert done.success, done.message
                ends.append(sign * done.fun)
            hulls[cell] = (ceil(ends[0] - 1e-6), floor(ends[1] + 1e-6))
        return hulls

    def hulls(self) -> tuple[dict[Cell, tuple[int, int]], dict[Cell, tuple[int, int]]]:
        """The least and the most that each hidden count of people, and of events, can be."""
        people = self._solve(self.world.n, self.known, self.sums, 1, [])
        events = self._solve(self.world.events, self.known_events, self.event_sums, 0, self.differences)
        return people, events


def _narrow(world: World, release: Any) -> tuple[int, int, list[Any]]:
    attack = Attack(world)
    attack.reads(release, STAGES)
    people, events = attack.hulls()
    narrow = [
        (world.name, what, cell, hull, truth[cell])
        for what, hulls, truth in (("people", people, world.n), ("events", events, world.events))
        for cell, hull in hulls.items()
        if hull[1] - hull[0] < ROUND_TO
    ]
    return len(people), len(attack.known), narrow


@pytest.fixture(scope="session")
def first_release(release_of):
    worlds = [_world(number, STAGES) for number in range(WORLDS)]
    return release_of(_registry(worlds, STAGES), _rows(worlds, STAGES))


def test_no_hidden_number_of_a_release_can_be_solved_for(first_release) -> None:
    hidden = shown = 0
    narrow: list[Any] = []
    for number in range(WORLDS):
        more_hidden, more_shown, found = _narrow(_world(number, STAGES), first_release)
        hidden, shown, narrow = hidden + more_hidden, shown + more_shown, narrow + found
    assert not narrow, f"{len(narrow)}: " + "\n".join(map(str, narrow[:30]))
    assert hidden > 1000 and shown > 300, (hidden, shown)


def test_nor_from_two_releases_between_which_a_wave_came_in(first_release, release_of) -> None:
    worlds = [_world(number, STAGES) for number in range(WORLDS)]
    later = [_world(number + WORLDS, STAGES) for number in range(WORLDS)]
    rows = _rows(worlds, STAGES)
    for one, other in zip(worlds, later, strict=True):
        other.name = one.name
    for table, listed in _rows(later, STAGES).items():
        rows[table] += [
            row | ({"wave": "followup"} if "wave" in row else {}) for row in listed if "family" not in row
        ]
    for number, pool in enumerate(rows["effects.int_pools"]):
        pool["pool_id"] = number
    second = release_of(_registry(worlds, STAGES), rows)
    assert second("select count(distinct wave) from indicator_values") == [(2,)]
    for number in range(WORLDS):
        attack = Attack(_world(number, STAGES))
        attack.reads(first_release, STAGES)
        known, known_events, sums = set(attack.known), set(attack.known_events), len(attack.sums)
        attack.reads(second, STAGES)
        # what is told of the first wave is what was told: there is nothing to learn from the two
        assert (attack.known, attack.known_events) == (known, known_events)
        assert len(attack.sums) - sums == sums - len(attack._totals())


def test_a_pool_with_a_hidden_site_is_told_by_one_estimator_and_without_its_spread(first_release) -> None:
    [(partly,)] = first_release("""select count(distinct (indicator, stage)) from pooled_effects
        where is_headline and estimate is not null and tau2 is null""")
    assert partly > 5
    assert first_release("""select count(*) from pooled_effects as other
        inner join pooled_effects as told using (indicator, stage, dimension, level)
        where not other.is_headline and other.estimate is not null
            and told.is_headline and told.tau2 is null""") == [(0,)]
