"""`sitewise freeze` prints an index's numbers from one closed, admitted group, and refuses any other."""

import re
from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from ingestion.programme.registry_schemas import registry_table
from orchestration.cli import app
from orchestration.warehouse import write_tables

N = 30


def write(home, min_cell=7):
    """A warehouse with two indicators of steps 0.5 and 1 at one site: a closed wave and one in the field."""
    rng = np.random.default_rng(3)
    income, stress = rng.integers(10, 60, N), rng.integers(0, 20, N)
    programme = {"programme": "p", "is_public": False, "min_cell": min_cell, "as_of_date": date(2026, 1, 1)}
    waves = {"baseline": "closed", "endline": "in_field"}
    indicators = [
        {"indicator": "income", "direction": "higher_is_better", "resolution": Decimal("0.5")},
        {"indicator": "stress", "direction": "lower_is_better", "resolution": Decimal(1)},
        {"indicator": "broken", "direction": "lower_is_better", "resolution": Decimal(1)},
    ]
    rows = {
        "programme": [programme],
        "site_waves": [{"site": "here", "wave": wave, "state": state} for wave, state in waves.items()],
        "indicators": indicators,
    }
    path = home / "warehouse.duckdb"
    home.mkdir()
    write_tables(path, "registry", {name: registry_table(name, listed) for name, listed in rows.items()})
    admission = [
        {"site": "here", "wave": "baseline", "indicator": row["indicator"], "reason": "a rule"}
        | {"is_admitted": row["indicator"] != "broken"}
        for row in indicators
    ]
    write_tables(path, "quality", {"admission": pa.Table.from_pylist(admission)})
    people = [
        {"round": "first", "unit_key": f"u{n}", "site": "here", "wave": None, "is_replacement": n == N + 1}
        | {"arm": "control" if n < N or n > N else "treatment"}
        for n in range(N + 2)
    ]
    frame = pa.Table.from_pylist(people, schema=pa.schema([
        *((name, pa.string()) for name in ("round", "unit_key", "site", "wave", "arm")),
        ("is_replacement", pa.bool_()),
    ]))  # fmt: skip
    rounds = pa.Table.from_pylist([{"site": "here", "round": "first"}])
    write_tables(path, "frame", {"int_frame": frame, "int_primary_rounds": rounds})
    outcomes = [
        {"indicator": name, "unit_key": f"u{n}", "wave": "baseline", "site_found": "here"}
        | {"value_steps": int(values[n]) if n < N else 9999}
        for name, values in {"income": income, "stress": stress}.items()
        for n in range(N + 2)
    ]
    write_tables(path, "outcomes", {"int_outcomes": pa.Table.from_pylist(outcomes)})
    return income * 0.5, stress * 1.0


@pytest.fixture
def freeze(tmp_path, monkeypatch):
    monkeypatch.setenv("SITEWISE_PROGRAMME", "")

    def run(*names, site="here", wave="baseline", **options):
        home = tmp_path / "home"
        values = None if home.exists() else write(home, **options)
        places = ["--site", site, "--wave", wave, "--home", str(home), "--anderson"]
        return CliRunner().invoke(app, ["freeze", *names, *places]), values

    return run


def test_the_control_arm_s_numbers_are_printed_with_their_date_and_ground(freeze):
    result, (income, stress) = freeze("income", "stress")
    assert result.exit_code == 0, result.output
    found = YAML(typ="safe").load(result.output)
    first, second = found["of_indicators"]
    assert (first["mean"], first["sd"]) == pytest.approx((income.mean(), income.std(ddof=1)), rel=1e-12)
    assert (second["mean"], second["sd"]) == pytest.approx((stress.mean(), stress.std(ddof=1)), rel=1e-12)
    assert (first["reversed"], second["reversed"]) == (False, True)
    z = np.column_stack([(income - income.mean()) / income.std(ddof=1)])
    z = np.column_stack([z, (stress.mean() - stress) / stress.std(ddof=1)])
    assert [first["weight"], second["weight"]] == pytest.approx(np.linalg.inv(np.cov(z.T)).sum(axis=1))
    said = found["standardised"]
    assert said["frozen_on"] == date(2026, 1, 1) and said["ground"].endswith(f"n {N}")


@pytest.mark.parametrize(
    ("names", "place", "words"),
    [
        (("income", "nosuch"), {}, "no indicator 'nosuch'"),
        (("income", "stress"), {"wave": "endline"}, "endline is not closed at here"),
        (("income", "stress"), {"site": "there"}, "not closed at there"),
        (("income", "broken"), {}, "broken is not admitted at here in baseline: a rule"),
        (("income", "stress"), {"min_cell": N}, f"Only {N} people"),
    ],
)
def test_any_other_group_is_refused_in_one_message(freeze, names, place, words):
    result, _ = freeze(*names, **place)
    assert result.exit_code == 2
    assert words in re.sub(r"\s+", " ", result.output)
