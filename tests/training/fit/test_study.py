"""A study of several processes: begun by all at once, kept to what it is about."""

from __future__ import annotations

import multiprocessing
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.training.fit.study import open_study

PROCESSES, ROUNDS = 3, 4


def begin(folder: Path, barrier: Barrier, seed: int) -> None:
    """Open fresh databases at the same moment as the others, and work on each."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    for number in range(ROUNDS):
        barrier.wait(timeout=240)
        url = f"sqlite:///{folder / f'{number}.db'}"
        study = open_study(url, "shared", {"round": number}, seed=seed)
        study.optimize(lambda trial: trial.suggest_float("x", 0.0, 1.0), n_trials=1)


def test_processes_begin_a_study_together(tmp_path: Path) -> None:
    kinds = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in kinds else "spawn")
    context.set_forkserver_preload([open_study.__module__, "optuna"])  # imported once, not by each of them
    barrier = context.Barrier(PROCESSES)
    workers = [context.Process(target=begin, args=(tmp_path, barrier, seed)) for seed in range(PROCESSES)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=240)
    assert [worker.exitcode for worker in workers] == [0] * PROCESSES
    for number in range(ROUNDS):
        study = open_study(f"sqlite:///{tmp_path / f'{number}.db'}", "shared", {"round": number})
        assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * PROCESSES
        assert study.user_attrs["options"] == {"round": number}


def test_a_study_is_about_one_thing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    open_study(url, "one", {"steps": 3, "seed": 0})
    open_study(url, "one", {"steps": 3, "seed": 0})
    with pytest.raises(InputError, match="'one' was begun with another seed, steps"):
        open_study(url, "one", {"steps": 4, "seed": 1})
    open_study(url, "two", {"steps": 4, "seed": 1})


def test_what_is_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pelsvae_cadence.training.fit.study._PAUSE", 0.0)
    other = tmp_path / "study.db"
    other.write_bytes(b"notes on RR Lyrae, not a database of trials" * 100)
    with pytest.raises(InputError, match=r"study\.db, cannot be opened: file is not a database"):
        open_study(f"sqlite:///{other}", "one", {})
    assert other.read_bytes().startswith(b"notes on RR Lyrae")
    with pytest.raises(InputError, match="cannot be opened: unable to open"):
        open_study(f"sqlite:///{tmp_path / 'absent' / 'study.db'}", "one", {})
    with pytest.raises(InputError, match="not one that SQLAlchemy can open"):
        open_study("study.db", "one", {})
    with pytest.raises(InputError, match=r"nobody:\*\*\*@localhost") as refused:
        open_study("mysql+nodriver://nobody:secret@localhost/studies", "one", {})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("name", ["study.db", "a#b.db", "a?b.db", "a%20b.db", "a b.db"])
def test_the_url_of_a_study_names_its_file(tmp_path, name):
    from sqlalchemy import create_engine

    from pelsvae_cadence.training.fit.study import database_url

    engine = create_engine(database_url(tmp_path / name))
    with engine.begin() as connection:
        connection.exec_driver_sql("create table mine (x)")
    engine.dispose()
    assert [file.name for file in tmp_path.iterdir()] == [name]
