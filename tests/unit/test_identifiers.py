"""Identifiers are recognised by header and by cell, and one person's identifier has one spelling."""

import unicodedata

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingestion.door.identifiers import SAMPLE_ROWS, cell_kinds, header_kind
from ingestion.door.pseudonyms import normalised, normalised_id, pseudonymise

BY_PLATFORM = """
    deviceid subscriberid simid devicephonenum phonenumber username _submitted_by X_submitted_by
    _geolocation _geolocation_latitude IPAddress RecipientEmail RecipientFirstName RecipientLastName
    ExternalReference LocationLatitude LocationLongitude ipaddr refurl token hq_user form.meta.username
    SubmitterName SubmitterID meta/instanceName meta-instanceName imei redcap_survey_identifier
    gps-Altitude _gps_precision start-geopoint
"""
BY_WORD = """
    name g_child/name name_1 children[1]/childs_name hh_head_name childname respondent firstName LastName
    surname name_of_village_chief school_teacher_name next_of_kin dob date_of_birth birthDate e_mail
    momphone has_phone Phone-Number contact_number national_id voter_id passport_no home_address street
    gps GPS_location lat q7_lon signature photo_of_house thumbprint prénom nom_enfant nombre_completo
    apellidos telefono_1 dirección nome_da_mãe endereço jina simu kitambulisho Nachname Geburtsdatum
    фамилия اسم_الطفل 姓名 电话号码 नाम
"""
NOBODYS = """
    site site_name village village_name hh/village_name nom_du_village schoolname school_name filename
    restaurant_name _parent_table_name age age_respondent_r sex enumerator_num visit_date birth_weight
    words_correct reads_para phoneme_score phonics latrine plate template first_contact_date _uuid _id
    _index KEY PARENT_KEY instanceID meta/instanceID formdef_version SubmissionDate Status ReviewState
    languages/sw record_id redcap_data_access_group redcap_event_name ResponseId Finished UserLanguage
    submitdate lastpage seed formid received_on Q1 Q2_1 q8[SQ001] child_test_complete spend_month c1 round
    ward tournament
"""


@pytest.mark.parametrize("header", (BY_PLATFORM + BY_WORD).split())
def test_a_header_that_tells_people_is_recognised(header) -> None:
    assert header_kind(header) is not None


@pytest.mark.parametrize("header", NOBODYS.split())
def test_a_header_of_nobody_raises_no_alarm(header) -> None:
    assert header_kind(header) is None


@given(st.text(max_size=60))
def test_any_header_can_be_asked_about(header) -> None:
    assert header_kind(header) is None or isinstance(header_kind(header), str)


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("amina@example.org", "e-mail"),
        ("write to <amina.o+x@mail.example.co.ke>, please", "e-mail"),
        ("+254 712 345 678", "phone"),
        ("call me: +254712345678!", "phone"),
        ("00254712345678", "phone"),
        ("-1.29210 36.82190 1661.2 4.9", "location"),
        ("-1.2921,36.8219", "location"),
        ("[-1.2921, 36.8219]", "location"),
        ("-1.2921 36.8219 0 0; -1.2922 36.8220 0 0", "location"),
        ("POINT (36.8 -1.2)", "location"),
    ],
)
def test_cells_give_a_column_away(cell, kind) -> None:
    cells = pl.LazyFrame({"q1": [None, "3", cell], "q2": ["a", "b", "c"]})
    assert cell_kinds(cells, ["q1", "q2"]) == {"q1": kind}
    assert cell_kinds(cells, ["q2"]) == {} and cell_kinds(cells, []) == {}


@pytest.mark.parametrize(
    "cell",
    [
        "2024-11-03T09:15:00.000+03:00",
        "2024-11-03T09:15:00.000+0300",
        "0712345678",
        "001234",
        "1.5 2.5",
        "12.345",
        "3 4 12",
        "+12345.678",
        "89254021234567890123",
        "5 @ 10 shillings",
        "uuid:6cdb0cda-0f9c-4f2f-b0c6-9d4ff0ca2f25",
        "",
    ],
)
def test_other_cells_raise_no_alarm(cell) -> None:
    assert cell_kinds(pl.LazyFrame({"q1": [cell]}), ["q1"]) == {}


def test_a_bounded_number_of_cells_is_looked_at() -> None:
    late = pl.LazyFrame({"q1": ["x"] * SAMPLE_ROWS + ["amina@example.org"]})
    assert cell_kinds(late, ["q1"]) == {}
    last = pl.LazyFrame({"q1": ["x"] * (SAMPLE_ROWS - 1) + ["amina@example.org"]})
    assert cell_kinds(last, ["q1"]) == {"q1": "e-mail"}


@given(st.text(max_size=30), st.sampled_from(["id", "phone", "email", "name"]))
def test_what_is_normalised_stays_so(text, kind) -> None:
    once = normalised(text, kind)
    assert once is None or normalised(once, kind) == once


DIGITS = st.text("123456789", min_size=9, max_size=12)


@given(
    DIGITS, st.lists(st.sampled_from([" ", "-", ".", "/", ")", " ("]), min_size=12, max_size=12), st.data()
)
def test_a_phone_number_has_one_pseudonym_in_any_spelling(digits, signs, data) -> None:
    spelled = "".join(digit + sign for digit, sign in zip(digits, signs, strict=False))
    arabic = "".join(chr(0x0660 + int(digit)) for digit in digits)
    for text in (f"+{spelled}", f"00{spelled}", f"+ {digits}", f" {digits} ", f"+{arabic}", f"{digits}.0"):
        assert normalised(text, "phone") == digits
    assert normalised(f"+{digits[:2]} (0) {digits[2:]}", "phone") == digits
    assert normalised(f"0{digits}", "phone") == f"0{digits}"
    assert normalised("2.54712E+11", "phone") is None and normalised("none", "phone") is None


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=20))
def test_an_email_has_one_pseudonym_in_any_case_and_width(local) -> None:
    plain = normalised(f"{local}@example.org", "email")
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in local)
    assert plain == f"{local.lower()}@example.org"
    for text in (
        f"  {local.upper()}@Example.ORG\u200b\n",
        f"{local.lower()}@EXAMPLE.org",
        f"{wide}@example.org",
    ):
        assert normalised(text, "email") == plain


@given(st.lists(st.text(st.characters(categories=["L"]), min_size=1, max_size=8), min_size=1, max_size=4))
@example(["José", "Müller"])
def test_a_name_has_one_pseudonym_however_it_is_composed_or_spaced(parts) -> None:
    plain = normalised(" ".join(parts), "name")
    for form in ("NFC", "NFD"):
        assert normalised(unicodedata.normalize(form, "  \t".join(parts)) + "\u200b ", "name") == plain


def test_a_name_loses_its_accents_and_keeps_what_is_a_letter() -> None:
    assert normalised("José  MÜLLER", "name") == "jose muller"
    assert normalised("राम", "name") == "राम" and normalised("مُحَمَّد", "name") == normalised("محمد", "name")


@given(st.lists(st.one_of(st.none(), st.text(max_size=12)), max_size=20))
def test_equal_ids_get_equal_pseudonyms_and_different_ones_differ(ids) -> None:
    cells = pl.LazyFrame(
        {"id": ids, "row": list(map(str, range(len(ids))))}, dict.fromkeys(("id", "row"), pl.String)
    )
    spelled = cells.select(normalised_id(pl.col("id")).alias("id")).collect()["id"]
    hidden = pseudonymise(cells, {"id": "id"}, b"k" * 32).collect()
    assert hidden["row"].to_list() == list(map(str, range(len(ids))))
    pairs = set(zip(spelled, hidden["id"], strict=True))
    assert len(pairs) == len({one for one, _ in pairs}) == len({other for _, other in pairs})
    assert all((one is None) == (other is None) for one, other in pairs)
    assert [normalised(text, "id") for text in ids if text is not None] == [
        one for one, text in zip(spelled, ids, strict=True) if text is not None
    ]
