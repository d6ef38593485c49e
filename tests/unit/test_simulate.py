"""The simulator keeps its promises: same seed same bytes, any size, true shapes, and a truth that is true."""

import csv
import io
import re
import zipfile
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest

from ingestion.programme.load import check_programme
from ingestion.simulate import Truth, simulate

DEMO = Path(__file__).parents[2] / "ingestion" / "programmes" / "demo"
WAVES = ("baseline", "endline", "followup_1")


@pytest.fixture(scope="module")
def programme(tmp_path_factory) -> tuple[Path, Truth]:
    out = tmp_path_factory.mktemp("simulated")
    return out, simulate(out)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rows_of(folder: Path, path: str) -> list[dict[str, str]]:
    name, _, entry = path.partition("!")
    content = (folder / name).read_bytes()
    if entry:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = archive.read(entry)
    delimiter = ";" if "/kobo/" in name else ","
    return list(csv.DictReader(io.StringIO(content.decode(), newline=""), delimiter=delimiter))


def exports(programme: tuple[Path, Truth], source: str) -> list[list[dict[str, str]]]:
    folder, truth = programme
    return [rows_of(folder, str(file["path"])) for file in truth.files if file["source"] == source]


def children(folder: Path, wave: str) -> list[dict[str, str]]:
    return [row for row in rows_of(folder, "truth/children.csv") if row["wave"] == wave]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path):
    for name, seed in (("first", 3), ("again", 3), ("other", 4)):
        simulate(tmp_path / name, (1, 1, 3), 60, seed)
    first, again, other = (contents(tmp_path / name) for name in ("first", "again", "other"))
    assert first == again
    changed = {path for path in first if other.get(path) != first[path]}
    assert "truth/children.csv" in changed
    assert not {path for path in changed if path.endswith(".yml")}


@pytest.mark.parametrize(
    ("sites", "respondents"), [((1, 0, 1), 40), ((10, 0, 40), 40), ((0, 0, 5), 300), ((4, 2, 12), 240)]
)
def test_any_size_is_a_sound_programme_with_every_file_its_truth_names(tmp_path, sites, respondents):
    truth = simulate(tmp_path, sites, respondents, seed=11)
    assert check_programme(tmp_path) == []
    assert len(truth.site_effects) == sum(sites)
    for file in truth.files:
        assert len(rows_of(tmp_path, str(file["path"]))) == file["rows"] > 0, file["path"]
    assert Truth.read(tmp_path) == truth
    wanted = "population_of_sites" if sites[0] >= 3 else "these_sites"
    assert set(re.findall(r"inference: (\w+)", (tmp_path / "analyses.yml").read_text())) == {wanted}


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"sites": (0, 0, 0)}, "sites"),
        ({"sites": (-1, 0, 3)}, "sites"),
        ({"respondents": 39}, "respondents"),
        ({"seed": -1}, "seed"),
    ],
)
def test_a_number_out_of_bounds_is_named(tmp_path, arguments, field):
    with pytest.raises(ValueError, match=f"^{field}:"):
        simulate(tmp_path, **arguments)
    assert not list(tmp_path.iterdir())


def test_the_shipped_demo_is_what_the_simulator_writes_by_default(programme):
    folder, _ = programme
    for path in sorted(DEMO.rglob("*.yml")):
        name = path.relative_to(DEMO)
        assert (folder / name).read_text() == path.read_text(), (
            f"copy {name} from a fresh `sitewise simulate`"
        )


def test_kobo_files_are_quoted_semicolons_with_crlf_and_metadata_at_the_end(programme):
    folder, truth = programme
    files = [str(file["path"]) for file in truth.files if str(file["source"]).endswith("kobo")]
    assert len(files) == 6
    for path in files:
        assert re.search(r" - all versions - xml - \d{4}(-\d\d){5}\.csv$", path)
        lines = (folder / path).read_bytes().split(b"\r\n")
        assert lines[-1] == b""
        assert all(line.startswith(b'"') and line.endswith(b'"') and b"\n" not in line for line in lines[:-1])
        header = next(csv.reader([lines[0].decode()], delimiter=";"))
        assert header[-3:] == ["__version__", "meta/rootUuid", "_index"] or "_tags" in header
        assert ("_notes" in header) == ("2026-10" not in path)
        assert {"_id", "_uuid", "_submission_time", "g_child/languages", "g_child/languages/4"} <= set(header)


def test_an_edit_on_kobo_changes_the_uuid_and_the_answer_but_not_the_root_or_the_time(programme):
    for wave in WAVES:
        early, late = exports(programme, f"{wave}_kobo")
        assert list(early[0]) != list(late[0])
        final = {row["meta/rootUuid"]: row for row in late}
        shared = [(row, final[row["meta/rootUuid"]]) for row in early]
        edited = [(old, new) for old, new in shared if old["_uuid"] != new["_uuid"]]
        assert len(edited) == programme[1].count("edited_submission", f"{wave}_kobo") > 0
        assert all(old["g_read/words_correct"] != new["g_read/words_correct"] for old, new in edited)
        assert all(old["_submission_time"] == new["_submission_time"] for old, new in shared)
        assert len(shared) - len(edited) == programme[1].count("submission_exported_again", f"{wave}_kobo")


def test_a_question_renamed_between_versions_is_answered_under_one_name_only(programme):
    _, late = exports(programme, "endline_kobo")
    old = [row for row in late if row["g_read/para"]]
    assert len(old) == programme[1].count("question_renamed")
    assert not any(row["g_read/reads_para"] for row in old)
    # A choice added by the newer version is blank, not 0, in the older one's rows.
    assert {row["g_child/languages/4"] for row in old} == {""}
    assert len({row["__version__"] for row in late}) == 2


def test_odk_zips_hold_the_form_and_its_repeat_with_lasting_keys(programme):
    _, truth = programme
    for wave in WAVES:
        root, members = exports(programme, f"{wave}_odk")
        keys = {row["KEY"] for row in root}
        assert len(keys) == len(root)
        assert {row["PARENT_KEY"] for row in members} <= keys
        assert all(re.fullmatch(r"uuid:[0-9a-f-]{36}/g_home/member\[\d\]", row["KEY"]) for row in members)
        edited = [row for row in root if row["Edits"] == "1"]
        assert len(edited) == truth.count("edited_submission", f"{wave}_odk")
        assert all(row["meta-instanceID"] != row["KEY"] for row in edited)
        assert sum(row["g_visit-result"] == "2" for row in root) == truth.count(
            "disposition_refused", f"{wave}_odk"
        )


def test_surveycto_files_are_wide_with_english_dates_moving_columns_and_rows_sent_twice(programme):
    first, second = exports(programme, "child_test_surveycto")
    assert list(first[0]) != list(second[0])
    assert set(first[0]) == set(second[0])
    assert {"member_name_1", "member_name_3", "deviceid", "formdef_version", "KEY"} <= set(first[0])
    date = re.compile(r"[A-Z][a-z]{2} [1-9]\d?, 20\d\d [1-9]\d?:\d\d:\d\d [AP]M")
    assert all(date.fullmatch(row["SubmissionDate"]) for row in first + second)
    by_key = {row["KEY"]: row for row in first}
    again = [row for row in second if row["KEY"] in by_key]
    assert len(again) == programme[1].count("submission_exported_again", "child_test_surveycto") > 0
    assert all(
        {**row, "formdef_version": ""} == {**by_key[row["KEY"]], "formdef_version": ""} for row in again
    )


def test_redcap_is_one_sparse_table_with_events_repeats_and_access_groups(programme):
    (rows,) = exports(programme, "child_test_redcap")
    assert list(rows[0])[:5] == [
        "record_id",
        "redcap_event_name",
        "redcap_repeat_instrument",
        "redcap_repeat_instance",
        "redcap_data_access_group",
    ]
    assert {row["redcap_event_name"] for row in rows} == {f"{wave}_arm_1" for wave in WAVES}
    assert {row["redcap_data_access_group"] for row in rows} <= set(programme[1].site_effects)
    repeats = [row for row in rows if row["redcap_repeat_instrument"]]
    assert len(repeats) == programme[1].count("row_of_a_repeating_instrument")
    assert all(row["visit_purpose"] and not row["words_correct"] for row in repeats)
    assert Counter(row["child_test_complete"] for row in rows)["0"] == programme[1].count("unfinished_form")
    keys = [tuple(row[name] for name in list(row)[:4]) for row in rows]
    assert len(set(keys)) == len(keys)


def current(programme: tuple[Path, Truth], source: str) -> list[dict[str, str]]:
    """A source's submissions, each once, the later export's version."""
    files = exports(programme, source)
    if source.endswith("odk"):
        return files[0]
    if source.endswith("redcap"):
        return [row for row in files[0] if not row["redcap_repeat_instrument"]]
    key = "meta/rootUuid" if source.endswith("kobo") else "KEY"
    return list({row[key]: row for file in files for row in file}.values())


SURVEYS = [f"{wave}_{platform}" for wave in WAVES for platform in ("kobo", "odk")]
SURVEYS += ["child_test_surveycto", "child_test_redcap"]


@pytest.mark.parametrize("source", SURVEYS)
def test_counts_in_the_truth_are_counts_in_the_exports(programme, source):
    folder, truth = programme
    time = {
        "kobo": "_submission_time",
        "odk": "SubmissionDate",
        "surveycto": "SubmissionDate",
        "redcap": None,
    }
    unit = {
        "kobo": "g_child/child_id",
        "odk": "g_child-child_id",
        "surveycto": "child_id",
        "redcap": "record_id",
    }
    platform = source.rpartition("_")[2]
    accepted = re.search(
        rf"source: {source}\n(?:  .*\n)*?  accept: {{from: (\S+)}}", (folder / "sources.yml").read_text()
    )
    rows = current(programme, source)
    if platform == "surveycto":
        practice = [row for row in rows if "Jan 16, 2024" in row["SubmissionDate"]]
    else:
        practice = [row for row in rows if accepted and row[str(time[platform])][:10] < accepted[1]]
    assert len(practice) == truth.count("practice_submission", source)

    held = [row for row in rows if row not in practice]
    for code, fault in (("-99", "missing_code_dont_know"), ("-88", "missing_code_refused")):
        assert sum(cell == code for row in held for cell in row.values()) == truth.count(fault, source)
    spend = next(name for name in held[0] if name.endswith("spend_month"))
    unanswered = [
        row for row in held if row.get("g_visit-result") == "2" or row.get("child_test_complete") == "0"
    ]
    blank = sum(not row[spend] for row in held) - len(unanswered)
    assert blank == truth.count("blank_answer", source)

    ids = [re.sub(r"\s", "", row[unit[platform]]).upper() for row in held]
    listed = {row["child_id"] for row in rows_of(folder, "truth/children.csv")}
    assert sum(one not in listed for one in ids) == truth.count("not_in_frame", source)
    untidy = sum(row[unit[platform]] != one for row, one in zip(held, ids, strict=True))
    assert untidy == truth.count("untidy_id", source)
    waves = [row.get("round", row.get("redcap_event_name")) for row in held]
    doubled = sum(count - 1 for count in Counter(zip(ids, waves, strict=True)).values())
    assert doubled == truth.count("child_interviewed_twice", source)


def test_the_site_that_must_not_be_published_is_unmistakable_and_the_milder_one_is_not(programme):
    folder, truth = programme
    interviewed = Counter(
        row["site"] for row in children(folder, "endline") if row["disposition"] == "complete"
    )
    assert truth.withheld_site and truth.warned_site
    bad = interviewed[truth.withheld_site]
    assert truth.count("child_interviewed_twice", site=truth.withheld_site) / bad > 0.2
    assert truth.count("absurd_values", site=truth.withheld_site) / bad > 0.2
    assert (
        0.03 < truth.count("age_out_of_range", site=truth.warned_site) / interviewed[truth.warned_site] < 0.15
    )
    assert {entry["site"] for entry in truth.faults if entry["fault"] == "child_interviewed_twice"} == {
        truth.withheld_site
    }


def test_half_of_each_blocks_villages_are_treated_and_replacements_stay_in_their_village(programme):
    folder, truth = programme
    rows = {row["child_id"]: row for row in children(folder, "baseline")}
    blocks = defaultdict(set)
    for row in rows.values():
        blocks[row["block"]].add((row["village"], row["arm"]))
    for villages in blocks.values():
        assert len({village for village, _ in villages}) == len(villages) == 8
        assert sum(arm == "treatment" for _, arm in villages) == 4
    replacements = [row for row in rows.values() if row["replaces"]]
    assert len(replacements) == truth.count("replacement")
    for row in replacements:
        original = rows[row["replaces"]]
        assert (original["village"], original["arm"]) == (row["village"], row["arm"])
        assert original["disposition"] != "complete"


def test_realised_effects_lie_near_the_planted_ones(programme):
    folder, truth = programme
    rows = [
        row for row in children(folder, "endline") if row["disposition"] == "complete" and not row["replaces"]
    ]
    measured = {
        "reading_proficient_pct": lambda row: float(row["reading_proficient_pct"]),
        "reading_score": lambda row: float(row["reading_score"]),
        "learning_spend": lambda row: float(row["learning_spend"]),
        "absence_rate": lambda row: 100 * float(row["absence_events"]) / float(row["absence_exposure"]),
        "confidence_score": lambda row: float(row["confidence_score"]),
    }
    column = {"absence_rate": "absence_events"}
    for indicator, value in measured.items():
        known = [row for row in rows if row[column.get(indicator, indicator)]]
        spread = np.std([value(row) for row in known]) if indicator == "confidence_score" else 1.0
        for stage in ("pilot", "scale_pilot", "scaled"):
            villages = defaultdict(list)
            for row in known:
                if row["stage"] == stage:
                    villages[row["site"], row["village"], row["arm"]].append(value(row))
            sites = defaultdict(lambda: defaultdict(list))
            for (site, _, arm), values in villages.items():
                sites[site][arm].append(np.mean(values))
            effects = [np.mean(arms["treatment"]) - np.mean(arms["control"]) for arms in sites.values()]
            errors = [
                sum(np.var(means, ddof=1) / len(means) for means in arms.values()) for arms in sites.values()
            ]
            error = np.sqrt(sum(errors)) / len(effects)
            planted = truth.indicators[indicator][stage] * spread
            assert abs(np.mean(effects) - planted) < 3.5 * error, (indicator, stage)
    for indicator, planted in truth.indicators.items():
        assert planted["scaled"] == pytest.approx(planted["retention"] * planted["pilot"])
        for stage, first, last in (("pilot", 0, 4), ("scaled", 6, 18)):
            mean = np.mean([effects[indicator] for effects in list(truth.site_effects.values())[first:last]])
            assert mean == pytest.approx(planted[stage], abs=1e-12)


def test_a_childs_waves_are_correlated_and_villages_differ_modestly(programme):
    folder, _ = programme
    before = {row["child_id"]: row["reading_score"] for row in children(folder, "baseline")}
    pairs = [
        (float(before[row["child_id"]]), float(row["reading_score"]))
        for row in children(folder, "endline")
        if row["arm"] == "control" and row["reading_score"] and before.get(row["child_id"])
    ]
    assert 0.45 < np.corrcoef(np.array(pairs).T)[0, 1] < 0.75


def test_the_follow_up_is_partly_collected(programme):
    folder, truth = programme
    listed = len(children(folder, "baseline"))
    assert 0.35 < len(children(folder, "followup_1")) / listed < 0.75
    assert f"as_of: {truth.as_of}" in (folder / "programme.yml").read_text()
