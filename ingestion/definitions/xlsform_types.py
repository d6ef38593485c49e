"""The words in an XLSForm's `type` column: what kind of row each makes and what its answers are.

In: the text of a type cell. Out: `RowType`. Other columns of the row are not known here.

Facts: `select one from x` is the old spelling of `select_one x`; a rank answer lists codes like a multiple
select; SurveyCTO's audits and sensor streams are files; Kobo's score and rank rows have groups of their own.
"""

import re
from dataclasses import dataclass
from typing import Literal

from ingestion.definitions.field import FieldType

Part = Literal["begin_group", "end_group", "begin_repeat", "end_repeat", "field"]


@dataclass(frozen=True)
class RowType:
    """What a type cell says.

    Attributes:
        part: Whether the row opens or closes a group or repeat, or is a field.
        field_type: Type of the field's answers; None where the word is unknown.
        choice_list: List it names, or None; a file's name where the choices lie in a file.
        or_other: The form adds a choice `other` and a text question.
        is_identifier: Answers of this type can identify a person, a place or a device.
    """

    part: Part
    field_type: FieldType | None = None
    choice_list: str | None = None
    or_other: bool = False
    is_identifier: bool = False


_WORDS: dict[str, FieldType] = {
    "integer": "integer", "int": "integer",
    "decimal": "number", "range": "number", "sensor_statistic": "number",
    "text": "text", "string": "text", "barcode": "text", "calculate": "text", "calculate_here": "text",
    "hidden": "text", "acknowledge": "text", "trigger": "text", "caseid": "text", "enumerator": "text",
    "date": "date", "today": "date",
    "time": "time",
    "datetime": "datetime", "start": "datetime", "end": "datetime",
    "note": "none", "xml_external": "none", "csv_external": "none",
}  # fmt: skip
_DEVICE = (
    *("deviceid", "phonenumber", "username", "email", "subscriberid", "simserial", "devicephonenum", "imei"),
    *("uri_deviceid", "uri_phonenumber", "uri_username", "uri_email", "uri_subscriberid", "uri_simserial"),
)
_LOCATION = ("geopoint", "geotrace", "geoshape", "start_geopoint", "location", "gps")
_FILE = (
    *("image", "photo", "audio", "video", "file", "signature", "background_audio", "audit", "text_audit"),
    *("audio_audit", "sensor_stream", "comments", "annotate", "draw"),
)
_SELECT = re.compile(
    r"(?P<word>select_one_external|select_(?:one|multiple)_from_file|select_one|select1|select_multiple"
    r"|select_all_that_apply|rank)(?:_from)?(?:\s+(?P<list>\S+))?(?P<other>\s+or_other)?"
)
_SPACED = re.compile(
    r"^(select one external|select (?:one|multiple) from file|select (?:one|multiple)|select all that apply)"
    r"(?: from)?(?=\s|$)",
    re.IGNORECASE,
)


def row_type(text: str) -> RowType:
    """What a type cell says; an unknown word makes a field without a type."""
    plain = " ".join(text.split())
    word = plain.lower().replace(" ", "_").replace("-", "_")
    if found := re.fullmatch(r"(begin|end)_?(group|repeat)(_\w+)?", word):
        return RowType(_part(found[1], found[2]))
    if found := re.fullmatch(r"(begin|end)_(score|rank|kobomatrix)", word):
        return RowType(_part(found[1], "group"))
    if word in ("score__row", "rank__level"):
        return RowType("field", "select_one")
    if word in _WORDS:
        return RowType("field", _WORDS[word])
    if word in _DEVICE:
        return RowType("field", "text", is_identifier=True)
    if word in _LOCATION:
        return RowType("field", "location", is_identifier=True)
    if word in _FILE:
        return RowType("field", "attachment", is_identifier=True)
    return _select(plain)


def _part(edge: str, kind: str) -> Part:
    if kind == "repeat":
        return "begin_repeat" if edge == "begin" else "end_repeat"
    return "begin_group" if edge == "begin" else "end_group"


def _select(plain: str) -> RowType:
    spaced = _SPACED.sub(lambda found: found[1].replace(" ", "_").lower(), plain)
    head, _, rest = spaced.partition(" ")
    rest = re.sub(r"\s+or[_ ]other$", " or_other", f" {rest}", flags=re.IGNORECASE).strip()
    found = _SELECT.fullmatch(f"{head.lower()} {rest}".strip())
    if found is None:
        return RowType("field")
    is_one = found["word"] in ("select_one_external", "select_one_from_file", "select_one", "select1")
    return RowType(
        "field", "select_one" if is_one else "select_multiple", found["list"], found["other"] is not None
    )
