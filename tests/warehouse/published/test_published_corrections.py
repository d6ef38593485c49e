"""What became of the field's corrections is published by question and reason, under disclosure control."""

SAID = "select question, state, reason, row_count from corrections order by all"
OLD = "its old value is not what the cell holds"
UNKNOWN = "no question of this name has passed the door"


def test_corrections_are_counted_rounded_and_small_counts_hidden(private_release) -> None:
    assert private_release(SAID) == [
        ("*", "listed", UNKNOWN, 10),
        ("reads", "applied", "", 40),
        ("reads", "listed", OLD, None),
    ]


def test_a_public_programme_counts_corrections_exactly(public_release) -> None:
    assert [count for *_, count in public_release(SAID)] == [12, 38, 3]
