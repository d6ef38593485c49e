"""A simulated programme's exports: what the simulator planted is what the receipts count."""

import os
from collections import Counter

import pytest

from ingestion.programme.load import load_programme
from ingestion.pull import pull_programme
from ingestion.simulate import simulate


@pytest.fixture(scope="module")
def pulled(tmp_path_factory):
    """Every source of a small simulated programme, pulled, with the planted truth."""
    folder = tmp_path_factory.mktemp("simulated")
    truth = simulate(folder / "programme", (1, 1, 3), 96, 5)
    programme = load_programme(folder / "programme")
    secret = programme.privacy.pseudonym_key
    with pytest.MonkeyPatch.context() as context:
        if secret is not None and secret.env not in os.environ:
            context.setenv(secret.env, "k" * 32)
        receipts = {each.source: each for each in pull_programme(programme, folder / "home")}
    return truth, receipts


def test_every_row_written_is_read_and_none_is_broken(pulled) -> None:
    truth, receipts = pulled
    written = Counter()
    for file in truth.files:
        written[file["source"]] += file["rows"]
    assert {name: each.rows_read for name, each in receipts.items()} == dict(written)
    assert {each.state for each in receipts.values()} == {"landed"}
    assert {each.rows_quarantined for each in receipts.values()} == {0}


def test_practice_is_left_out_and_every_row_has_one_fate(pulled) -> None:
    truth, receipts = pulled
    for each in receipts.values():
        fates = each.rows_kept + each.rows_replaced + each.rows_not_accepted + each.rows_quarantined
        assert each.rows_read == fates
    for source, each in receipts.items():
        if again := truth.count("submission_exported_again", source):
            assert each.rows_replaced == again + truth.count("edited_submission", source)
        # A practice submission to ODK Central is left out with the rows of its repeat.
        if (practice := truth.count("practice_submission", source)) and not source.endswith("_odk"):
            assert each.rows_not_accepted == practice
