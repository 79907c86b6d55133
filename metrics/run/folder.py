"""The folder of a run: new results take the place of earlier ones when they are complete."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import event

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import open_database
from pelsvae_cadence.metrics.maf.data_directory import prepare_data_directory

prepare_data_directory()  # rubin_sim looks for it when it is imported

from rubin_sim.maf.db import ResultsDb

__all__ = ["RESULTS_FILE", "new_results", "results_database"]

#: MAF's name for its results database.
RESULTS_FILE: Final = "resultsDb_sqlite.db"


@contextmanager
def new_results(folder: Path, checkpoints: Path | None = None) -> Iterator[Path]:
    """Work in a folder of its own, so that earlier results stay until the new ones are complete.

    Parameters
    ----------
    folder : Path
        Where the results go; made if needed.
    checkpoints : Path, optional
        Folder of the finished positions of the run. It stays when the run is stopped, and is removed
        with complete results in place, or where nothing was finished.

    Yields
    ------
    Path
        The folder to write into. What it holds at the end is moved to `folder`, in place of the
        metric files of an earlier run; after an error it is removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=folder))
    finished = False
    try:
        yield work
        for old in _files_of_results(folder / RESULTS_FILE):
            (folder / old).unlink(missing_ok=True)
        for new in work.iterdir():
            new.replace(folder / new.name)
        finished = True
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if checkpoints is not None and (finished or not any(checkpoints.glob("partition-*.npz"))):
            shutil.rmtree(checkpoints, ignore_errors=True)


@contextmanager
def results_database(work: Path) -> Iterator[ResultsDb]:
    """Open MAF's results database, without its waits for the disk.

    MAF makes hundreds of small commits. The results are moved into place when they are complete; a
    power failure before that loses them in any case.
    """
    try:
        results = ResultsDb(out_dir=str(work))
    except ValueError as error:
        raise InputError(
            f"cannot make MAF's results database in {work.parent}: is the disk full?",
            remedy="Free space, or choose another output folder.",
        ) from error
    engine = results.session.get_bind()
    engine.dispose()
    event.listen(engine, "connect", lambda link, _: link.execute("pragma synchronous = off"))
    try:
        yield results
    finally:
        results.close()


def _files_of_results(database: Path) -> list[str]:
    """List the metric files of an earlier run, which the new one replaces."""
    if not database.exists():
        return []
    connection = open_database(database)
    try:
        rows = connection.execute("select metric_datafile from metrics").fetchall()
    except sqlite3.Error:
        return []  # another version's results: left alone
    finally:
        connection.close()
    return [Path(row[0]).name for row in rows if row[0]]
