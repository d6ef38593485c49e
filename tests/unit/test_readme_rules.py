"""The README lists every rule type, with what the type says of itself."""

from pathlib import Path

from expectations.printed import printed, table
from expectations.rule_types import RULE_TYPES

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_lists_every_rule_type_as_the_code_has_it():
    text = README.read_text()
    assert printed(text) == text, "run `python -m expectations.printed README.md`"
    assert len(RULE_TYPES) >= 30
    assert all(f"`{name}`" in table() for name in RULE_TYPES)


def test_every_rule_type_says_what_it_measures_in_a_line():
    for name, kind in RULE_TYPES.items():
        assert kind.__doc__ and 20 < len(kind.__doc__.splitlines()[0]) < 130, name
