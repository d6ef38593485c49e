"""What platforms add of people stops a source that keeps everything; the YAML of the message lets it pass."""

import json
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

KOBO = json.dumps(
    {
        "results": [
            {
                "_uuid": "u1",
                "child": "c1",
                "site": "here",
                "_submitted_by": "amina",
                "_geolocation": [-1.2921, 36.8219],
                "kid": [{"kid/name": "Wanjiru", "kid/age": "4"}],
            }
        ]
    }
)
LIMESURVEY = (
    '"id","submitdate","lastpage","startlanguage","seed","token","ipaddr","refurl","q1"\r\n'
    '"1","2026-03-01 08:00:00","2","en","9","t0k3n","10.1.2.3","https://x.example/?m=a","5"\r\n'
)


def _dropped(message: str) -> list[str]:
    found = re.search(r"privacy: (\{drop: \[.*?\]\})", message)
    assert found, message
    return list(YAML(typ="safe").load(found[1])["drop"])


@pytest.mark.parametrize(
    ("platform", "file", "unit", "site", "told"),
    [
        ("kobotoolbox", KOBO, "child", "site", "_submitted_by _geolocation_latitude kid/name"),
        ("limesurvey", LIMESURVEY, "id", "startlanguage", "token ipaddr refurl"),
        (
            "surveycto",
            "surveycto/text_audit/data_1/test_data_form_WIDE.csv",
            "KEY",
            "formdef_version",
            "deviceid subscriberid simid devicephonenum name",
        ),
        (
            "redcap",
            "redcap/simple/data.csv",
            "record_id",
            "sex",
            "name_first name_last address telephone email dob",
        ),
    ],
)
def test_what_platforms_add_of_people_is_told_and_dropped(
    one_source, shared, platform, file, unit, site, told
) -> None:
    content: str | Path = file if "\n" in file or "{" in file else shared / "real_exports" / file
    name = {"kobotoolbox": "k.json"}.get(platform, "f_WIDE.csv")
    source = one_source(platform, {name: content}, unit=unit, site=site, privacy={"privacy": {}})
    receipt = source.pull()
    assert receipt.state == "failed", receipt.message
    dropped = _dropped(receipt.message)
    assert set(told.split()) <= set(dropped)
    form = source.folder / "instruments/form.yml"
    form.write_text(form.read_text() + f"  drop: {json.dumps(dropped)}\n")
    receipt = source.pull()
    assert receipt.state == "landed", receipt.message
    for column in dropped:
        assert any(each.endswith(column) for each in receipt.columns_dropped), column
    tables = [table.table for table in receipt.tables]
    assert not set(dropped) & {column for table in tables for column in source.table(table).columns}
