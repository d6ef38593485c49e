"""ODK's form XML as pyxform and ODK Build write it: itemsets, repeats, ranges, relative paths, languages."""

from pathlib import Path

import pytest

from ingestion.definitions.field import Definition
from ingestion.definitions.reader import read_definition
from ingestion.export_fault import ExportFault
from ingestion.formats.xml import LINE, parse_xml

FORM = """<?xml version="1.0"?>
<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"
    xmlns:jr="http://openrosa.org/javarosa" xmlns:orx="http://openrosa.org/xforms">
  <h:head><h:title>Homes</h:title><model>
    <itext>
      <translation lang="French"><text id="/d/g/sex:label"><value>Sexe</value></text></translation>
      <translation lang="English" default="true()">
        <text id="/d/g/sex:label"><value>Sex</value><value form="image">jr://sex.png</value></text>
        <text id="yn-0"><value>Yes</value></text>
      </translation>
    </itext>
    <instance><d id="homes" version="12">
      <dev/><g><sex/><child jr:template=""><age/><tall/></child><child><age/><tall/></child></g>
      <reads/><town/><pain/><ok/><hint/><orx:meta><orx:instanceID/></orx:meta>
    </d></instance>
    <instance id="yn"><root><item><itextId>yn-0</itextId><name>1</name></item>
      <item><name>0</name><label>No</label></item></root></instance>
    <instance id="towns" src="jr://file-csv/towns.csv"/>
    <bind nodeset="/d/dev" type="string" jr:preload="property" jr:preloadParams="deviceid"/>
    <bind nodeset="/d/g" relevant=" ../ok = 'OK'"/>
    <bind nodeset="/d/g/sex" type="string" required="true()"/>
    <bind nodeset="/d/g/child/age" type="int" constraint=". &lt; 18" required=" ../tall = 1"/>
    <bind nodeset="/d/g/child/tall" type="boolean"/>
    <bind nodeset="/d/reads" type="string"/>
    <bind nodeset="/d/pain" type="int"/>
    <bind nodeset="/d/hint" type="string" readonly="true()"/>
  </model></h:head>
  <h:body>
    <group ref="/d/g">
      <select1 ref="/d/g/sex"><label ref="jr:itext('/d/g/sex:label')"/>
        <item><label>Female</label><value>f</value></item><item><label>Male</label><value>m</value></item></select1>
      <group ref="/d/g/child"><repeat nodeset="/d/g/child">
        <input ref="/d/g/child/age"><label>How old is <output value="x"/> now?</label></input>
      </repeat></group>
    </group>
    <select ref="/d/reads"><itemset nodeset="instance('yn')/root/item[name != 2]"><value ref="name"/>
      <label ref="jr:itext(itextId)"/></itemset></select>
    <select1 ref="/d/town"><itemset nodeset="instance('towns')/root/item"><value ref="name"/>
      <label ref="label"/></itemset></select1>
    <range ref="/d/pain" start="0" end="10" step="1"/>
    <trigger ref="/d/ok"/><input ref="/d/hint"/><input ref="/d/nowhere"/>
  </h:body>
</h:html>
"""


@pytest.fixture
def homes(tmp_path: Path) -> Definition:
    """The form above."""
    path = tmp_path / "homes.xml"
    path.write_text(FORM)
    return read_definition(path)


def test_paths_types_and_identifiers_come_from_the_model(homes: Definition) -> None:
    told = {field.path: (field.type, field.is_identifier, field.repeat) for field in homes.fields}
    assert told == {
        "dev": ("text", True, None),
        "g/sex": ("select_one", False, None),
        "g/child/age": ("integer", False, "g/child"),
        "g/child/tall": ("boolean", False, "g/child"),
        "reads": ("select_multiple", False, None),
        "town": ("select_one", False, None),
        "pain": ("integer", False, None),
        "ok": ("text", False, None),
        "hint": ("none", False, None),
    }
    assert (homes.title, homes.version, homes.language) == ("Homes", "12", "odk_xml")


def test_conditions_of_groups_hold_below_them_with_their_paths_kept_true(homes: Definition) -> None:
    fields = {field.path: field for field in homes.fields}
    assert fields["g/sex"].relevance == " ../../ok = 'OK'"
    assert fields["g/child/age"].relevance == " ../../../ok = 'OK'"
    assert (fields["g/child/age"].constraint, fields["g/child/age"].required) == (". < 18", " ../tall = 1")
    assert fields["g/sex"].is_required and fields["reads"].relevance is None
    assert (fields["pain"].low, fields["pain"].high) == (0, 10)


def test_choices_come_from_the_body_or_from_an_instance(homes: Definition) -> None:
    told = [(choice.choice_list, choice.code, choice.labels) for choice in homes.choices]
    assert told == [
        ("g/sex", "f", {"": "Female"}),
        ("g/sex", "m", {"": "Male"}),
        ("yn", "1", {"English": "Yes"}),
        ("yn", "0", {"": "No"}),
    ]
    lists = {field.path: field.choice_list for field in homes.fields if field.choice_list}
    assert lists == {"g/sex": "g/sex", "reads": "yn"}


def test_labels_are_kept_by_language_the_default_first(homes: Definition) -> None:
    fields = {field.path: field for field in homes.fields}
    assert list(fields["g/sex"].labels.items()) == [("English", "Sex"), ("French", "Sexe")]
    assert fields["g/child/age"].labels == {"": "How old is now?"}


def test_what_is_passed_over_is_noted_with_its_line(homes: Definition) -> None:
    assert [note.partition(": ")[2] for note in homes.notes] == [
        "the choices of town are not in the form",
        "the question nowhere is not in the form's instance, so it is left out",
    ]
    lines = FORM.splitlines()
    assert 'ref="/d/town"' in lines[int(homes.notes[0].split()[1].rstrip(":")) - 1]


def test_xml_keeps_the_line_of_each_element() -> None:
    root = parse_xml(b"<a>\n<b/>\n</a>", "a.xml")
    assert (root.attrib[LINE], root[0].attrib[LINE]) == ("1", "2")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'<!DOCTYPE a [<!ENTITY b "bbb">]><a>&b;</a>', "document type or entities"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "document type or entities"),
        (b"<a>" * 300 + b"</a>" * 300, "nest more than 200 deep"),
        (b"<a><b></a>", "not well-formed XML on line 1"),
        (b"", "not well-formed"),
        (b"<a>&b;</a>", "not well-formed"),
        (b'<?xml version="1.0" encoding="nope"?><a/>', "not well-formed"),
        (b"<a>\x00</a>", "not well-formed"),
    ],
)
def test_dangerous_and_broken_xml_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(ExportFault, match=message):
        parse_xml(content, "a.xml")
