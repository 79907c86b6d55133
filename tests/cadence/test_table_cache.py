"""Pointings kept beside a table: the same as those read, whatever happens to table or folder."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pelsvae_cadence.cadence.survey import Survey
from pelsvae_cadence.cadence.table_cache import KeptPointings
from pelsvae_cadence.cadence.tables import read_survey
from pelsvae_cadence.core.tables.columns import OmissionWarning


def frame(n: int = 60, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    mjd = 60000.0 + np.sort(rng.uniform(0, 300, n))
    return pd.DataFrame(
        {
            "observationId": np.arange(n),
            "observationStartMJD": mjd,
            "night": np.floor(mjd - 60000).astype(int),
            "filter": rng.choice(list("ugrizy"), n),
            "fieldRA": rng.uniform(0, 360, n),
            "fieldDec": rng.uniform(-70, 0, n),
            "fiveSigmaDepth": rng.normal(23.9, 0.2, n),
            "visitExposureTime": 30.0,
            "airmass": rng.uniform(1, 1.8, n),
        }
    )


def to_sqlite(table: pd.DataFrame, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        table.to_sql("observations", connection, index=False, if_exists="replace")


WRITERS: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    "run.db": to_sqlite,
    "run.csv": lambda table, path: table.to_csv(path, index=False),
    "run.csv.gz": lambda table, path: table.to_csv(path, index=False),
    "run.parquet": lambda table, path: table.to_parquet(path),
}


def kept(path: Path, **how: object) -> Survey | None:
    """What is kept of a table under the options of `read_survey`, without reading the table."""
    options = {"survey": None, "constraint": "", "name": path.name.split(".db")[0], "columns": None}
    place = KeptPointings.of(path, options | {"certain": False} | how)
    found = None if place is None else place.load()
    return None if found is None else found[0]


def same(a: Survey, b: Survey) -> None:
    assert a == b
    assert a.path == b.path
    assert a.band.dtype == b.band.dtype


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_kept_pointings_are_those_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    WRITERS[name](frame(), path)
    plain = read_survey(path, cache=False)
    assert kept(path) is None
    same(read_survey(path, cache=True), plain)
    again = kept(path)
    assert again is not None
    same(again, plain)
    same(read_survey(path), plain)


def test_small_tables_are_not_kept_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    WRITERS[path.name](frame(), path)
    read_survey(path)
    assert [file.name for file in tmp_path.iterdir()] == ["run.csv"]


def test_a_changed_table_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    WRITERS[path.name](frame(seed=1), path)
    first = read_survey(path, cache=True)
    stat = path.stat()
    WRITERS[path.name](frame(seed=2), path)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # as a copy that keeps times leaves it
    assert kept(path) is None
    second = read_survey(path, cache=True)
    assert second != first
    same(second, read_survey(path, cache=False))
    same(kept(path), second)
    # A copy elsewhere, or a later time, is the same content.
    os.utime(path)
    same(kept(path), second)


def test_every_way_of_reading_has_its_own(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    WRITERS[path.name](frame(), path)
    whole = read_survey(path, cache=True)
    for night in range(100, 160, 10):
        part = read_survey(path, constraint=f"night < {night}", cache=True)
        assert len(part) < len(whole)
        same(part, read_survey(path, constraint=f"night < {night}", cache=False))
    assert len(list((tmp_path / "run.db.pointings").glob("*.json"))) <= 4
    same(kept(path, constraint="night < 150"), part)


def test_what_was_left_out_is_told_again(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    table = frame()
    table = pd.concat([table, table.iloc[[-1]]])
    WRITERS[path.name](table.drop(columns="observationId"), path)
    for _ in range(2):
        with pytest.warns(OmissionWarning, match="1 of 61 rows of run.csv left out"):
            read_survey(path, cache=True)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Survey]:
    path = tmp_path_factory.mktemp("damage") / "run.csv"
    WRITERS[path.name](frame(), path)
    return path, read_survey(path, cache=True)


@settings(
    derandomize=True,
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_damage_is_not_believed(example: tuple[Path, Survey], data: st.DataObject) -> None:
    path, survey = example
    folder = path.with_name("run.csv.pointings")
    backup = folder.with_name("backup")
    shutil.copytree(folder, backup, dirs_exist_ok=True)
    file = data.draw(st.sampled_from(sorted(folder.iterdir())))
    content = bytearray(file.read_bytes())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    file.write_bytes(bytes(content))
    found = kept(path)
    assert found is None or found == survey
    assert read_survey(path, cache=True) == survey
    shutil.rmtree(folder)
    shutil.copytree(backup, folder)


def test_a_folder_that_cannot_be_written_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.csv"
    WRITERS[path.name](frame(), path)
    plain = read_survey(path, cache=False)
    (tmp_path / "run.csv.pointings").write_text("in the way")
    same(read_survey(path, cache=True), plain)
    monkeypatch.setenv("PELSVAE_TABLE_CACHE", str(tmp_path / "elsewhere"))
    same(read_survey(path, cache=True), plain)
    same(kept(path), plain)
    assert (tmp_path / "elsewhere").is_dir()
    monkeypatch.setenv("PELSVAE_TABLE_CACHE", "off")
    assert kept(path) is None
    same(read_survey(path, cache=True), plain)


def test_a_database_with_a_journal_is_read(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    WRITERS[path.name](frame(), path)
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("pragma journal_mode = wal")
        read_survey(path, cache=True)
        writer.execute("update observations set fiveSigmaDepth = fiveSigmaDepth - 1.0")
        writer.commit()  # into run.db-wal: the database itself is as it was
        assert (tmp_path / "run.db-wal").stat().st_size > 0
        assert kept(path) is None
        assert read_survey(path, cache=True).m5.mean() < 23.5


def test_many_readers_at_once(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    WRITERS[path.name](frame(), path)
    plain = read_survey(path, cache=False)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: read_survey(path, cache=True), range(12)):
            same(found, plain)
    same(kept(path), plain)
    assert not list((tmp_path / "run.csv.pointings").glob(".*"))
