"""The command says in one message what is wrong and what to do, and its exit status agrees."""

import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.programmes import load
from orchestration.settings import Settings, SettingsFault

RUNNER = CliRunner()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Each test has a home of its own, and leaves no setting behind."""
    for name in ("SITEWISE_PROGRAMME", "SITEWISE_AS_OF", "SITEWISE_THREADS"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("SITEWISE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "300")
    return tmp_path / "home"


def run(*arguments: object):
    return RUNNER.invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def programme(write_small, tmp_path):
    return write_small(tmp_path / "small")


@pytest.mark.parametrize(
    "command",
    [["nightly"], ["check"], ["freeze"], ["simulate"], ["ui"]]
    + [["release", name] for name in ("list", "verify", "rollback", "approve")],
)
def test_help_gives_an_example(command):
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert f"Example: sitewise {' '.join(command)}" in " ".join(result.output.split())


def test_a_sound_programme_has_no_errors(programme):
    result = run("check", "--programme", programme.folder)
    assert result.exit_code == 0, result.output
    assert "0 errors" in result.output


def test_a_fault_is_told_with_file_line_field_and_remedy(programme):
    path = programme.folder / "programme.yml"
    path.write_text(path.read_text() + "colour: red\n")
    result = run("check", "--programme", programme.folder)
    assert result.exit_code == 1
    line = len(path.read_text().splitlines())
    assert f"programme.yml:{line} programme.colour: " in result.output
    assert "Remedy: " in result.output


def test_a_faulty_rule_is_told_by_the_same_command(programme):
    programme.write("rules/mine.yml", [{"rule": "mine", "type": "no_such_type"}])
    result = run("check", "--programme", programme.folder)
    assert result.exit_code == 1
    assert "rules/mine.yml:2 rule.type: " in result.output


def test_a_rule_about_an_item_that_is_not_there_is_told_by_the_same_command(programme):
    rule = {"rule": "mine", "type": "range", "item": "child_test.scoer", "min": 0, "max": 5}
    about = {"dimension": "validity", "severity": "critical", "threshold_pct": 2}
    who = {"set_by": "tests", "set_on": "2026-01-10", "ground": "a slip of the pen"}
    programme.write("rules/mine.yml", [rule | about | who])
    result = run("check", "--programme", programme.folder)
    assert result.exit_code == 1
    assert "rules/mine.yml:" in result.output and "child_test.score" in result.output


def test_connecting_names_a_folder_without_files_and_what_was_not_tried(programme):
    sources = programme.read("sources.yml")
    sources[0]["pull"] = {"drop": "nowhere/*.csv"}
    programme.write("sources.yml", sources)
    result = run("check", "--programme", programme.folder, "--connect")
    assert result.exit_code == 1
    assert "no file matches" in result.output
    assert "files can be read" in result.output


def test_a_programme_that_is_not_there_names_those_that_are(tmp_path):
    result = run("check", "--programme", tmp_path / "nowhere")
    assert result.exit_code == 2
    assert "no programme.yml" in result.output
    assert "star" in result.output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--as-of", "yesterday"], "SITEWISE_AS_OF is 'yesterday'"),
        (["--threads", "many"], "SITEWISE_THREADS is 'many'"),
    ],
)
def test_an_option_that_cannot_be_used_ends_at_once(options, words):
    result = run("nightly", *options)
    assert result.exit_code == 2
    assert words in result.output
    assert "Remedy: " in result.output


@pytest.mark.parametrize("sites", ["4,2", "a,b,c", "4,2,-1"])
def test_simulate_refuses_sites_it_cannot_read(sites, tmp_path):
    result = run("simulate", "--sites", sites, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "three whole numbers" in result.output
    assert not (tmp_path / "out").exists()


def test_simulate_never_overwrites(tmp_path):
    (tmp_path / "out").mkdir()
    result = run("simulate", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "exists" in result.output


def test_a_home_without_releases_says_how_to_make_one():
    for command in ("list", "verify", "rollback"):
        result = run("release", command)
        assert result.exit_code == 2
        assert "sitewise nightly" in result.output


def test_a_home_serves_one_programme(programme, home):
    current = home / "releases" / "current"
    current.mkdir(parents=True)
    (current / "manifest.json").write_text('{"programme": "another"}')
    settings = Settings(home, str(programme.folder), 1)
    with pytest.raises(SettingsFault, match="serves the programme 'another'"):
        load(settings)
