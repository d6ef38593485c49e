"""A night over a repeat: plots arrive as rows of their own, and are counted and summed for each household."""

import csv
import json

PLOTS = {"statistic": "mean", "of": "child_test.area", "direction": "higher_is_better"}


def test_plots_of_households_are_counted_and_summed(small_programme, tmp_path, sitewise, published) -> None:
    folder, home = small_programme.folder, tmp_path / "home"
    counts: dict[str, list[tuple[int, int]]] = {}
    for export in sorted(folder.glob("exports/site_*/endline.csv")):
        with export.open() as file:
            answers = list(csv.DictReader(file))
        lines = []
        for place, answer in enumerate(answers):
            areas = [1 + (place + step) % 5 for step in range(place % 4)]
            arm = int(answer["child"][1:3]) % 2
            counts.setdefault(f"{answer['site']} {arm}", []).append((len(areas), sum(areas)))
            lines.append(json.dumps(answer | {"plots": [{"area": area} for area in areas]}))
        export.with_suffix(".jsonl").write_text("\n".join(lines) + "\n")
    for entry in (sources := small_programme.read("sources.yml")):
        if entry["role"] == "survey":
            site = entry["sites"][0]
            entry |= {"platform": "json_lines", "pull": {"drop": f"exports/{site}/*.jsonl"}}
    small_programme.write("sources.yml", sources)
    instrument = small_programme.read("instruments/child_test.yml")
    instrument["items"]["area"] = {"question": ["plots/area"], "type": "number"}
    small_programme.write("instruments/child_test.yml", instrument)
    named = {"plots": ("Plots", "plots", "count"), "land": ("Land", "hectares", "sum")}
    for name, (title, unit, over) in named.items():
        entry = {"title": title, "unit": unit, "over_repeat": over}
        small_programme.write(f"indicators/{name}.yml", PLOTS | entry)
    night = sitewise(home, "nightly", "--programme", folder)
    assert night.returncode == 0, night.stdout + night.stderr
    found = published(
        home,
        "select site || ' ' || (arm = 'treatment')::int, indicator, n, round(value, 9) from indicator_values"
        " where dimension = 'all' and indicator in ('plots', 'land')",
    )
    assert len(found) == 2 * len(counts)
    for cell, indicator, n, value in found:
        place = ("plots", "land").index(indicator)
        expected = [household[place] for household in counts[cell]]
        assert (n, value) == (len(expected), round(sum(expected) / len(expected), 9)), (cell, indicator)
