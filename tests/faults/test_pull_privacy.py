"""Privacy at the door: what is not allowed does not pass, and identifiers become keyed hashes everywhere."""

import hmac
import re
from pathlib import Path

import polars as pl
import pytest
from ruamel.yaml import YAML

from ingestion.lake import lake_path
from ingestion.programme.load import ProgrammeFaults, load_programme
from ingestion.pull import pull_programme, pull_source

KEY = "SITEWISE_TEST_PSEUDONYM_KEY"
SURVEY = "endline_site_a"


@pytest.fixture
def hidden(small_programme):
    """The small programme with its children's ids hidden, written differently in the survey."""
    head = small_programme.read("programme.yml")
    small_programme.write("programme.yml", head | {"privacy": {"pseudonym_key": {"env": KEY}}})
    instrument = small_programme.read("instruments/child_test.yml")
    privacy = {"keep": ["said"], "pseudonym": ["child"]}
    small_programme.write("instruments/child_test.yml", instrument | {"privacy": privacy})
    path = small_programme.folder / "exports/site_a/endline.csv"
    head_row, *rows = path.read_text().splitlines()
    rows = [row.replace(",A0", ", a 0", 1) + ",Wanjiru,hello" for row in rows]
    path.write_text("\n".join([head_row + ",name,said", *rows]) + "\n")
    return small_programme


def _table(home: Path, source: str) -> pl.DataFrame:
    return pl.read_parquet(lake_path(home, source) / "main.parquet")


def test_ids_match_between_survey_and_frame_but_are_nowhere_in_the_lake(
    hidden, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv(KEY, "k" * 32)
    programme = load_programme(hidden.folder)
    receipts = {each.source: each for each in pull_programme(programme, tmp_path, [SURVEY, "listing"])}
    assert {each.state for each in receipts.values()} == {"landed"}, receipts
    survey, listing = _table(tmp_path, SURVEY), _table(tmp_path, "listing")
    assert survey["_sw_unit_id"].is_in(listing["_sw_unit_id"].implode()).all()
    assert survey["_sw_unit_id"].str.contains("^[0-9a-f]{64}$").all()
    assert survey["child"].equals(survey["_sw_unit_id"].rename("child"))
    for source in (SURVEY, "listing"):
        text = "".join(str(row) for row in _table(tmp_path, source).rows())
        assert "A0000" not in text and "A0000-E" not in text and "Wanjiru" not in text


def test_a_column_not_on_the_list_is_dropped_and_named(hidden, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv(KEY, "k" * 32)
    receipt = pull_source(load_programme(hidden.folder), SURVEY, tmp_path)
    assert receipt.columns_dropped == ["name"]
    columns = _table(tmp_path, SURVEY).columns
    assert "said" in columns and "name" not in columns and "reads" in columns


@pytest.mark.parametrize("value", [None, "", "short"])
def test_without_a_key_nothing_passes_and_the_message_says_how_to_make_one(
    hidden, tmp_path, monkeypatch, value
) -> None:
    monkeypatch.delenv(KEY, raising=False)
    if value is not None:
        monkeypatch.setenv(KEY, value)
    for receipt in pull_programme(load_programme(hidden.folder), tmp_path, [SURVEY, "listing"]):
        assert receipt.state == "failed"
        assert KEY in receipt.message and "secrets.token_hex" in receipt.message
        assert lake_path(tmp_path, receipt.source) is None


def test_another_key_gives_other_pseudonyms_and_reads_again(hidden, tmp_path, monkeypatch) -> None:
    programme = load_programme(hidden.folder)
    seen = []
    for letter in "xy":
        monkeypatch.setenv(KEY, letter * 32)
        receipt = pull_source(programme, SURVEY, tmp_path)
        assert receipt.state == "landed"
        assert letter * 32 not in receipt.model_dump_json()
        seen.append(set(_table(tmp_path, SURVEY)["_sw_unit_id"]))
    assert seen[0].isdisjoint(seen[1])
    assert pull_source(programme, SURVEY, tmp_path).state == "unchanged"


# What enumerators' devices and people's answers add to an export: header -> the cell of one row.
TELLING = {
    "deviceid": "357240051234560",
    "g_child/name": "Wanjiru Kamau",
    "Phone Number": "0712 345 678",
    "q17": "wanjiru@example.org",
    "q18": "+254 712 345 678",
    "start-geopoint": "-1.29210 36.82190 1661 4.9",
    "dob": "2017-03-04",
    "village_name": "Kibera",
    "notes": "nothing",
}
IDENTIFYING = set(TELLING) - {"village_name", "notes"}


@pytest.fixture
def survey(small_programme, monkeypatch):
    """Sets the door of the survey's instrument, on an export with such columns: `survey(keep=["*"])`."""
    monkeypatch.setenv(KEY, "k" * 32)
    path = small_programme.folder / "exports/site_a/endline.csv"
    frame = pl.read_csv(path, infer_schema=False)
    cells = {name: [cell, *[None] * (frame.height - 1)] for name, cell in TELLING.items()}
    frame.with_columns(pl.Series(name, column, dtype=pl.String) for name, column in cells.items()).write_csv(
        path
    )
    instrument = small_programme.read("instruments/child_test.yml")
    head = small_programme.read("programme.yml") | {"privacy": {"pseudonym_key": {"env": KEY}}}

    def door(is_public: bool = False, **privacy):
        small_programme.write("programme.yml", head | ({"privacy": {"public": True}} if is_public else {}))
        small_programme.write("instruments/child_test.yml", instrument | {"privacy": privacy})
        return load_programme(small_programme.folder)

    return door


def _yaml_of(message: str) -> list[str]:
    """The columns that the message tells to drop, read as YAML."""
    found = re.search(r"privacy: (\{drop: \[.*?\]\})", message)
    assert found, message
    return list(YAML(typ="safe").load(found[1])["drop"])


def _nobody_is_told(home: Path, *texts: str) -> None:
    """No telling cell stands in a text, a receipt, or the quarantine."""
    receipts = [file.read_text() for file in home.glob("landing/*/receipts/*.json")]
    asides = [str(pl.read_parquet(file).rows()) for file in home.glob("lake/*/_*.parquet")]
    said = "".join([*texts, *receipts, *asides])
    assert [cell for cell in TELLING.values() if cell in said and cell != "nothing"] == []


def test_what_looks_like_an_identifier_and_is_not_classified_stops_the_source(
    survey, tmp_path, caplog
) -> None:
    receipt = pull_source(survey(keep=["*"]), SURVEY, tmp_path)
    assert receipt.state == "failed" and lake_path(tmp_path, SURVEY) is None
    assert set(_yaml_of(receipt.message)) == IDENTIFYING
    assert "instruments/child_test.yml" in receipt.message and "village_name" not in receipt.message
    assert "as: phone}" in receipt.message and ": 0.1}" in receipt.message
    _nobody_is_told(tmp_path, receipt.message, caplog.text)


def test_the_yaml_of_the_message_lets_the_source_pass_without_them(survey, tmp_path) -> None:
    stopped = pull_source(survey(keep=["*"]), SURVEY, tmp_path)
    receipt = pull_source(survey(keep=["*"], drop=_yaml_of(stopped.message)), SURVEY, tmp_path)
    assert receipt.state == "landed", receipt.message
    assert set(receipt.columns_dropped) == IDENTIFYING
    assert {"village_name", "notes"} <= set(_table(tmp_path, SURVEY).columns)
    assert not IDENTIFYING & set(_table(tmp_path, SURVEY).columns)


def test_only_what_a_wildcard_lets_in_is_looked_at(survey, tmp_path) -> None:
    receipt = pull_source(survey(keep=["notes", "vill*"]), SURVEY, tmp_path)
    assert receipt.state == "landed" and set(receipt.columns_dropped) == IDENTIFYING
    stopped = pull_source(survey(keep=["notes", "q1*"]), SURVEY, tmp_path)
    assert stopped.state == "failed" and set(_yaml_of(stopped.message)) == {"q17", "q18"}


def test_a_column_named_in_full_is_classified_and_so_is_one_that_an_item_reads(survey, tmp_path) -> None:
    kept = ["dob", "deviceid", "Phone Number", "q17", "q18", "start-geopoint"]
    assert pull_source(survey(keep=["*", *kept]), SURVEY, tmp_path).state == "failed"
    programme = survey(keep=["*", *kept])
    item = programme.instrument("child_test").items["age"].model_copy(update={"question": ["g_child/name"]})
    programme.instrument("child_test").items["called"] = item
    receipt = pull_source(programme, SURVEY, tmp_path)
    assert receipt.state == "landed" and receipt.columns_dropped == []


def test_what_the_form_marks_or_asks_for_in_so_many_words_stops_the_source(
    survey, small_programme, tmp_path
) -> None:
    form = small_programme.folder / "forms/survey.csv"
    form.parent.mkdir()
    form.write_text(
        "type,name,label\ntext,q20,What is your mother's name?\ntext,q21,What does ${child_name} like?\n"
        "geopoint,q22,Where are you?\ninteger,q23,How many names of animals?\ntext,q24,Name of the school\n"
    )
    (form.parent / "choices.csv").write_text("list_name,name,label\n")
    path = small_programme.folder / "exports/site_a/endline.csv"
    cells = (pl.lit("x").alias(f"q{number}") for number in range(20, 25))
    pl.read_csv(path, infer_schema=False).drop(TELLING).with_columns(cells).write_csv(path)
    survey(keep=["*"])
    name = "instruments/child_test.yml"
    small_programme.write(name, small_programme.read(name) | {"definition": "forms/survey.csv"})
    receipt = pull_source(load_programme(small_programme.folder), SURVEY, tmp_path)
    assert receipt.state == "failed" and set(_yaml_of(receipt.message)) == {"q20", "q22"}
    assert "q20 (name), q22 (marked by the form)" in receipt.message


def test_public_data_are_not_stopped_until_they_are_public_no_more(survey, tmp_path) -> None:
    receipt = pull_source(survey(is_public=True, keep=["*"]), SURVEY, tmp_path)
    assert receipt.state == "landed" and receipt.columns_dropped == []
    assert pull_source(survey(keep=["*"]), SURVEY, tmp_path).state == "failed"


def test_what_is_dropped_knowingly_wins_over_globs_and_gives_way_to_names(survey, tmp_path) -> None:
    programme = survey(keep=["*", "dob"], drop=["?*"])
    receipt = pull_source(programme, SURVEY, tmp_path)
    assert receipt.state == "landed", receipt.message
    columns = set(_table(tmp_path, SURVEY).columns)
    assert "dob" in columns and "reads" in columns and "child" in columns
    assert set(receipt.columns_dropped) == set(TELLING) - {"dob"}


def test_identifiers_are_spelled_one_way_by_what_they_are_before_they_are_hidden(
    survey, tmp_path, caplog
) -> None:
    hidden = [
        {"column": "Phone Number", "as": "phone"},
        {"column": "q18", "as": "phone"},
        {"column": "q17", "as": "email"},
        {"column": "g_child/*", "as": "name"},
    ]
    receipt = pull_source(survey(pseudonym=hidden), SURVEY, tmp_path)
    assert receipt.state == "landed", receipt.message
    rows = _table(tmp_path, SURVEY).filter(pl.col("q17").is_not_null())

    def pseudonym(spelled: str) -> str:
        return hmac.digest(b"k" * 32, spelled.encode(), "sha256").hex()

    assert rows.select("Phone Number", "q18", "q17", "g_child/name").row(0) == (
        pseudonym("0712345678"),
        pseudonym("254712345678"),
        pseudonym("wanjiru@example.org"),
        pseudonym("wanjiru kamau"),
    )
    _nobody_is_told(tmp_path, receipt.message, caplog.text, str(_table(tmp_path, SURVEY).rows()))


def test_units_that_are_hidden_as_phone_numbers_still_match_the_frame(
    survey, small_programme, tmp_path
) -> None:
    for file in ("exports/site_a/endline.csv", "exports/frame/listing.csv"):
        path = small_programme.folder / file
        number = pl.col("child").str.replace("A", "7123456")
        spelled = (
            number if "frame" in file else pl.concat_str(pl.lit("+"), number.str.replace("7123", "7-123 "))
        )
        pl.read_csv(path, infer_schema=False).with_columns(spelled.alias("child")).write_csv(path)
    programme = survey(pseudonym=[{"column": "child", "as": "phone"}])
    receipts = list(pull_programme(programme, tmp_path, [SURVEY, "listing"]))
    assert {each.state for each in receipts} == {"landed"}, receipts
    units = _table(tmp_path, SURVEY)["_sw_unit_id"]
    assert units.is_in(_table(tmp_path, "listing")["_sw_unit_id"].implode()).all() and units.n_unique() == 160


def test_places_are_made_coarse_and_what_is_no_place_is_counted(
    survey, small_programme, tmp_path, caplog
) -> None:
    path = small_programme.folder / "exports/site_a/endline.csv"
    text = path.read_text()
    path.write_text(
        text.replace("-1.29210 36.82190 1661 4.9", '"-1.29210 36.82190 1661 4.9"').replace(
            ",Kibera,", ",at the mosque,"
        )
    )
    programme = survey(keep=["notes"], coarsen={"start-*": 0.1, "village_name": 0.5})
    receipt = pull_source(programme, SURVEY, tmp_path)
    assert receipt.state == "landed", receipt.message
    assert receipt.message == "village_name: 1 cells are no coordinates of a point, and were left out"
    table = _table(tmp_path, SURVEY)
    assert table["start-geopoint"].drop_nulls().to_list() == ["-1.25 36.85"]
    assert table["village_name"].null_count() == table.height
    _nobody_is_told(tmp_path, caplog.text, str(table.rows()))
    assert "mosque" not in receipt.model_dump_json() + caplog.text + str(table.rows())


def test_two_ways_for_one_column_are_refused_and_so_is_what_is_dropped_and_read(survey) -> None:
    for privacy, word in (
        ({"keep": ["dob"], "drop": ["dob"]}, "under drop"),
        ({"coarsen": {"gps": 0.00001}}, "0.001"),
        ({"drop": ["child"]}, "keys.unit"),
        ({"drop": ["reads"]}, "item 'reads'"),
        ({"pseudonym": [{"column": "dob", "as": "date"}]}, "phone"),
    ):
        with pytest.raises(ProgrammeFaults, match=re.escape(word)):
            survey(**privacy)


def test_unit_ids_are_hidden_one_way_in_every_source(survey, small_programme) -> None:
    sources = small_programme.read("sources.yml")
    sources[0]["privacy"] = {"pseudonym": [{"column": "child", "as": "phone"}]}
    small_programme.write("sources.yml", sources)
    with pytest.raises(ProgrammeFaults, match="hidden as id here, but as phone in 'listing'"):
        survey(pseudonym=["child"])
    assert survey(pseudonym=[{"column": "child", "as": "phone"}]).sources
