"""Files are whole or not there."""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
from contextlib import closing

import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import open_database, output_folder, replacing, replacing_folder


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


@pytest.mark.skipif(sys.platform == "win32", reason="permissions as Unix has them")
@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077])
def test_permissions_are_those_of_other_new_files(tmp_path, mask, monkeypatch):
    before = os.umask(mask)
    try:
        with monkeypatch.context() as patch:
            # The mask belongs to the whole process: other threads would write with it.
            patch.setattr(os, "umask", lambda mask: pytest.fail("the umask was changed"))
            with replacing(tmp_path / "result.csv") as partial:
                partial.write_text("new")
            with replacing_folder(tmp_path / "results") as folder:
                (folder / "a").touch()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "result.csv").stat().st_mode) == 0o666 & ~mask
    assert stat.S_IMODE((tmp_path / "results").stat().st_mode) == 0o777 & ~mask


def test_a_folder_is_replaced_when_it_is_complete(tmp_path):
    target = tmp_path / "results"
    target.mkdir()
    (target / "old").touch()
    (tmp_path / "results.partial" / "of a killed run").mkdir(parents=True)

    def fail_half_way() -> None:
        with replacing_folder(target) as partial:
            (partial / "half").touch()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert [item.name for item in tmp_path.rglob("*")] == ["results", "old"]
    with replacing_folder(target) as partial:
        assert (target / "old").exists()
        (partial / "new").touch()
    assert [item.name for item in tmp_path.rglob("*")] == ["results", "new"]


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


@pytest.mark.parametrize("name", ["run#2.db", "run%202.db", "what?.db", "a b.db", "100%25.db"])
def test_a_database_of_any_name_is_itself(tmp_path, name):
    with closing(sqlite3.connect(tmp_path / name)) as connection:
        connection.execute("create table mine (x)")
    with closing(open_database(tmp_path / name)) as connection:
        assert connection.execute("select name from sqlite_master").fetchall() == [("mine",)]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("drop table mine")
    (tmp_path / name).unlink()
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        open_database(tmp_path / name).execute("select 1 from sqlite_master")
    assert not list(tmp_path.iterdir())
