"""A SurveyCTO source takes its repeats from the form of its instrument."""

from ingestion.programme.load import load_programme

FORM = """type,name,label,relevance
begin group,household,,
begin repeat,member,,
integer,age,Age,
begin repeat,trip,,
text,visit,Where,
end repeat,,,
note,thanks,Thanks,
end repeat,,,
end group,,,
integer,score,Score,
"""


def test_repeats_follow_from_the_form(small_programme) -> None:
    folder = small_programme.folder
    (folder / "forms").mkdir()
    (folder / "forms/survey.csv").write_text(FORM)
    (folder / "forms/choices.csv").write_text("list_name,name,label\n")
    instrument = small_programme.read("instruments/child_test.yml")
    small_programme.write("instruments/child_test.yml", instrument | {"definition": "forms/survey.csv"})
    sources = small_programme.read("sources.yml")
    small_programme.write(
        "sources.yml",
        [
            entry | ({"platform": "surveycto"} if entry["source"] == "endline_site_a" else {})
            for entry in sources
        ],
    )
    programme = load_programme(folder)
    repeats = programme.source("endline_site_a").repeats
    assert {name: (repeat.questions, repeat.within) for name, repeat in repeats.items()} == {
        "member": (["age"], None),
        "trip": (["visit"], "member"),
    }
    assert programme.source("endline_site_b").repeats == {}
