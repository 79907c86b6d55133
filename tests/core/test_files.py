"""Files are whole or not there."""

from __future__ import annotations

import os
import stat

import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import output_folder, replacing


def test_a_failed_write_keeps_the_old_file(tmp_path):
    target = tmp_path / "result.csv"
    target.write_text("old")

    def fail_half_way() -> None:
        with replacing(target) as partial:
            partial.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_complete_write_replaces_it(tmp_path):
    target = tmp_path / "result.csv"
    target.write_text("old")
    with replacing(target) as partial:
        assert partial.suffix == ".csv"
        partial.write_text("new")
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]
    assert stat.S_IMODE(target.stat().st_mode) & stat.S_IRUSR


def test_folder_that_cannot_be_made(tmp_path):
    assert output_folder(tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot write to the folder .*file.*--out-dir"):
        output_folder(tmp_path / "file" / "x")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="cannot write"):
        output_folder(tmp_path)
    tmp_path.chmod(0o700)
