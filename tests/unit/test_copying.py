"""A copy is the file to the byte, and its hash is that of the copy."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion import copying
from ingestion.copying import copied


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=200), chunk=st.integers(1, 40), flush=st.integers(1, 100))
def test_what_is_written_is_what_is_hashed(tmp_path_factory, data, chunk, flush) -> None:
    folder = tmp_path_factory.mktemp("copying")
    origin, target = folder / "origin", folder / "target"
    origin.write_bytes(data)
    target.write_bytes(b"what was there before, and longer than what comes" * 10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copying, "_CHUNK_BYTES", chunk)
        patch.setattr(copying, "_FLUSH_BYTES", flush)
        assert copied(origin, target) == hashlib.sha256(data).hexdigest()
    assert target.read_bytes() == data


def test_a_large_file_comes_whole(tmp_path) -> None:
    data = bytes(range(256)) * (37 * 1024) + b"end"
    (tmp_path / "origin").write_bytes(data)
    assert copied(tmp_path / "origin", tmp_path / "target") == hashlib.sha256(data).hexdigest()
    assert (tmp_path / "target").read_bytes() == data


def test_a_disk_that_fails_while_it_is_flushed_is_told(tmp_path, monkeypatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "origin").write_bytes(b"12345")
    monkeypatch.setattr(copying, "_FLUSH_BYTES", 1)
    monkeypatch.setattr(copying.os, "fdatasync", fail)
    with pytest.raises(OSError, match="No space left"):
        copied(tmp_path / "origin", tmp_path / "target")
