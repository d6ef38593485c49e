"""Whole nights by the real command: published, the same to the byte, interruptible, quiet without news."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

PROJECT = Path(__file__).resolve().parent.parent
PROGRAMME_SIZE = ("--sites", "3,1,4", "--respondents", "40", "--seed", "11")


def environment(home: Path, programme: Path) -> dict[str, str]:
    """The environment of a deployment, without whatever the test's own run has set."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SITEWISE_", "DAGSTER_"))}
    return kept | {"SITEWISE_HOME": str(home), "SITEWISE_PROGRAMME": str(programme)}


def in_home(place: SimpleNamespace, code: str) -> str:
    """Runs Python against the home as the deployment's own processes would; what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=environment(place.home, place.programme),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def runs_of(place: SimpleNamespace) -> list[list[str]]:
    """Job and status of every run in the home's storage, newest first."""
    told = in_home(
        place,
        "import json\n"
        "import dagster as dg\n"
        "from orchestration.settings import Settings\n"
        "Settings.from_environment().prepare()\n"
        "with dg.DagsterInstance.get() as instance:\n"
        "    print(json.dumps([[run.job_name, run.status.value] for run in instance.get_runs()]))\n",
    )
    return json.loads(told.splitlines()[-1])


def manifest(home: Path) -> dict:
    return json.loads((home / "releases" / "current" / "manifest.json").read_text())


@pytest.fixture(scope="module")
def first(tmp_path_factory, sitewise):
    """A simulated programme and its first night, with two threads."""
    folder = tmp_path_factory.mktemp("nights")
    programme, home = folder / "programme", folder / "home"
    simulated = sitewise(home, "simulate", *PROGRAMME_SIZE, "--out", programme)
    assert simulated.returncode == 0, simulated.stderr
    night = sitewise(home, "nightly", "--programme", programme, "--threads", "2")
    assert night.returncode == 0, night.stdout + night.stderr
    return SimpleNamespace(programme=programme, home=home, night=night)


def test_a_night_ends_with_the_answer_and_the_path_of_the_release(first, published):
    headlines = published(first.home, "select indicator_title, verdict_words from headline")
    assert headlines
    told = " ".join(first.night.stdout.split())
    for title, words in headlines:
        assert title.split()[0] in told
        assert words.split()[0] in told
    assert str((first.home / "releases" / "current").resolve()) in first.night.stdout
    for (site,) in published(first.home, "select site from sites where withheld_cell_count > 0"):
        assert site in first.night.stdout


def test_every_published_table_and_column_says_what_it_is(first, published):
    tables = published(first.home, "select table_name, comment from duckdb_tables()")
    columns = published(
        first.home,
        "select table_name, column_name, comment from duckdb_columns() where not internal",
    )
    expected = {"headline", "site_effects", "pooled_effects", "effect_retention", "release"}
    assert expected <= {name for name, _ in tables}
    assert [name for name, comment in tables if not comment or "Key: " not in comment] == []
    assert [(table, name) for table, name, comment in columns if not comment] == []


def test_every_published_key_is_the_key(first, published):
    for table, key in manifest(first.home)["keys"].items():
        columns = ", ".join(key)
        found = published(first.home, f"select {columns} from {table} group by all having count(*) > 1")
        assert found == [], table


def test_a_release_verifies(first, sitewise):
    verified = sitewise(first.home, "release", "verify")
    assert verified.returncode == 0, verified.stdout


def test_the_same_exports_give_the_same_content_with_one_thread(first, sitewise, tmp_path):
    night = sitewise(tmp_path, "nightly", "--programme", first.programme, "--threads", "1")
    assert night.returncode == 0, night.stdout + night.stderr
    one, two = manifest(tmp_path), manifest(first.home)
    assert {n: t["sha256"] for n, t in one["tables"].items()} == {
        n: t["sha256"] for n, t in two["tables"].items()
    }
    assert one["content_hash"] == two["content_hash"]


def test_a_night_without_news_starts_neither_dbt_nor_the_gates_engine(first):
    before = (first.home / "releases").stat().st_mtime_ns
    told = in_home(
        first,
        "import sys\n"
        "from orchestration.cli import app\n"
        "try:\n"
        "    app(['nightly'])\n"
        "finally:\n"
        "    print('LOADED', [m for m in ('dbt.cli.main', 'dbt.task.build', 'great_expectations')"
        " if m in sys.modules])\n",
    )
    assert "Nothing changed since the last night" in told
    assert "LOADED []" in told
    assert (first.home / "releases").stat().st_mtime_ns == before


def test_the_run_and_each_source_show_in_the_ui_on_the_same_home(first):
    told = in_home(
        first,
        "import json\n"
        "import dagster as dg\n"
        "from orchestration.settings import Settings\n"
        "Settings.from_environment().prepare()\n"
        "with dg.DagsterInstance.get() as instance:\n"
        "    done = instance.get_materialized_partitions(dg.AssetKey(['lake', 'sources']))\n"
        "    known = instance.get_dynamic_partitions('sources')\n"
        "print(json.dumps([sorted(done), sorted(known)]))\n",
    )
    done, known = json.loads(told.splitlines()[-1])
    assert done == known
    assert len(known) > 3
    assert ["nightly", "SUCCESS"] in runs_of(first)


def test_each_gate_shows_its_counts_its_worst_offenders_and_every_site(first, published):
    told = in_home(
        first,
        "import json\n"
        "import dagster as dg\n"
        "from orchestration.settings import Settings\n"
        "Settings.from_environment().prepare()\n"
        "checks = {}\n"
        "with dg.DagsterInstance.get() as instance:\n"
        "    [run] = [run for run in instance.get_runs() if run.job_name == 'nightly'][-1:]\n"
        "    wanted = dg.DagsterEventType.ASSET_CHECK_EVALUATION\n"
        "    for entry in instance.all_logs(run.run_id, of_type=wanted):\n"
        "        check = entry.get_dagster_event().asset_check_evaluation_data\n"
        "        words = {name: str(value.value) for name, value in check.metadata.items()}\n"
        "        checks[check.check_name] = [check.passed, check.severity.value, words]\n"
        "    sites = {}\n"
        "    for site in instance.get_dynamic_partitions('sites'):\n"
        "        key = dg.AssetKey(['quality', 'sites'])\n"
        "        records = dg.AssetRecordsFilter(asset_key=key, asset_partitions=[site])\n"
        "        [record] = instance.fetch_materializations(records, limit=1).records\n"
        "        sites[site] = record.asset_materialization.metadata['state'].value\n"
        "print(json.dumps([checks, sites]))\n",
    )
    checks, sites = json.loads(told.splitlines()[-1])
    passed, severity, words = checks["critical_rules_hold"]
    assert (passed, severity) == (False, "ERROR")
    assert int(words["fail_judgements"]) > 0
    [poison] = [site for site, state in sites.items() if state == "withheld"]
    assert words["worst_offenders"].splitlines()[0] == "| state | rule | site | wave | indicator | reason |"
    assert f"| {poison} |" in words["worst_offenders"]
    assert checks["warning_rules_hold"][1] == "WARN"
    assert checks["candidate_may_be_published"][0]
    withheld = published(first.home, "select site from sites where withheld_cell_count > 0")
    assert [(poison,)] == withheld
    assert len(sites) == published(first.home, "select count(*) from sites")[0][0]


def test_one_source_is_pulled_again_by_its_own_job(first):
    told = in_home(
        first,
        "import dagster as dg\n"
        "from orchestration.definitions import definitions\n"
        "with dg.DagsterInstance.get() as instance:\n"
        "    [source, *_] = instance.get_dynamic_partitions('sources')\n"
        "    job = definitions.resolve_job_def('pull_source')\n"
        "    result = job.execute_in_process(partition_key=source, instance=instance)\n"
        "    [event] = result.get_asset_materialization_events()\n"
        "    print(source == event.partition, result.success)\n",
    )
    assert told.splitlines()[-1] == "True True"


def test_the_release_step_alone_refuses_what_was_not_judged(first):
    """A blocking check protects only its own run, so the step demands the verdict itself."""
    told = in_home(
        first,
        "import dagster as dg, duckdb\n"
        "from orchestration.definitions import definitions\n"
        "from orchestration.settings import Settings\n"
        "warehouse = Settings.from_environment().warehouse\n"
        "with duckdb.connect(str(warehouse)) as connection:\n"
        "    connection.execute('update published.headline set effect = 99')\n"
        "with dg.DagsterInstance.get() as instance:\n"
        "    job = definitions.resolve_job_def('nightly')\n"
        "    result = job.execute_in_process(instance=instance, raise_on_error=False,\n"
        "        asset_selection=[dg.AssetKey(['release', 'current'])])\n"
        "    [event] = result.get_step_failure_events()\n"
        "    print(event.event_specific_data.error.cause.message)\n",
    )
    assert "The verdict is for content" in told
    assert manifest(first.home)["content_hash"]


@pytest.mark.slow
def test_a_killed_night_leaves_the_release_served_and_the_next_night_works(first, sitewise):
    served = manifest(first.home)["release_id"]
    sites = first.programme / "sites.yml"
    sites.write_text(sites.read_text().replace("title: ", "title: New ", 1))
    log = first.home / "logs" / "nightly.log"
    offset = log.stat().st_size
    night = subprocess.Popen(
        [str(Path(sys.executable).with_name("sitewise")), "nightly"],
        env=environment(first.home, first.programme),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    database = first.home / "releases" / "current" / "sitewise.duckdb"
    reads = 0
    while b"done: model.sitewise.int_site_effects" not in log.read_bytes()[offset:]:
        assert night.poll() is None, log.read_bytes()[offset:].decode()[-3000:]
        with duckdb.connect(str(database.resolve()), read_only=True) as connection:
            assert connection.execute("select count(*) from headline").fetchall()[0][0] > 0
            assert connection.execute("select release_id from release").fetchall() == [(served,)]
        reads += 1
        time.sleep(0.1)
    os.kill(night.pid, signal.SIGKILL)
    night.wait()
    assert reads > 10
    assert manifest(first.home)["release_id"] == served
    assert sitewise(first.home, "release", "verify").returncode == 0

    after = sitewise(first.home, "nightly", "--programme", first.programme)
    assert after.returncode == 0, after.stdout + after.stderr
    assert manifest(first.home)["release_id"] != served
    assert [status for _, status in runs_of(first)[:2]] == ["SUCCESS", "FAILURE"]
    assert sitewise(first.home, "release", "verify").returncode == 0


@pytest.mark.slow
def test_ten_nights_from_empty_homes_give_one_content(first, sitewise, tmp_path):
    hashes = set()
    for turn in range(10):
        home = tmp_path / str(turn)
        night = sitewise(home, "nightly", "--programme", first.programme, "--threads", 1 + turn % 2)
        assert night.returncode == 0, night.stdout + night.stderr
        hashes.add(manifest(home)["content_hash"])
    assert len(hashes) == 1
