"""The search over hyper-parameters: a study that two processes share, stopped and taken up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.training.fit.options import FitOptions, SweepOptions
from pelsvae_cadence.training.fit.sweep import _plot_sweep, sweep, sweep_table, write_sweep
from pelsvae_cadence.training.open_set.table import OpenSet, save_open_set

TINY = FitOptions(config="paper-gru", steps=4, batch=8, t_len=8, row_scale=1e-4)


@pytest.fixture(scope="module")
def stars(open_stars: OpenSet) -> OpenSet:
    """Some RRab of every split."""
    rows = [
        np.flatnonzero((open_stars.subtype == "RRab") & (open_stars.split == p))[:12]
        for p in ("train", "validation", "test")
    ]
    return open_stars.take(np.concatenate(rows))


def test_a_study_goes_on(stars: OpenSet, tmp_path: Path) -> None:
    first = sweep(tmp_path, TINY, SweepOptions(trials=2, prune=False), table=stars, quiet=True)
    assert len(sweep_table(first)) == 2
    study = sweep(tmp_path, TINY, SweepOptions(trials=4, prune=False), table=stars, quiet=True)
    table = sweep_table(study)
    assert sorted(table["trial"]) == [0, 1, 2, 3]
    assert (np.diff(table["score"]) >= 0).all()
    assert table["rate"].between(5e-5, 5e-2).all()
    assert table["hidden"].isin([16, 32, 48, 64]).all()
    assert study.best_value == table["score"].min()
    assert (tmp_path / "trial-0003" / "log.csv").is_file()
    paths = write_sweep(study, tmp_path)
    assert [path.name for path in paths] == ["trials.csv", "sweep.png"]
    # Enough is enough, and a study keeps to its options.
    sweep(tmp_path, TINY, SweepOptions(trials=4, prune=False), table=stars, quiet=True)
    assert len(study.trials) == 4
    other = FitOptions(config="paper-gru", steps=5, batch=8, t_len=8, row_scale=1e-4)
    with pytest.raises(InputError, match="begun with another steps"):
        sweep(tmp_path, other, SweepOptions(trials=5), table=stars, quiet=True)


def test_too_few_trials_for_a_picture(stars: OpenSet, tmp_path: Path) -> None:
    study = sweep(tmp_path, TINY, SweepOptions(trials=1), table=stars, quiet=True)
    with pytest.raises(InputError, match="1 complete trials"):
        _plot_sweep(study)
    assert [path.name for path in write_sweep(study, tmp_path)] == ["trials.csv"]
    with pytest.raises(InputError, match="trials = 0"):
        SweepOptions(trials=0)


@pytest.mark.slow
def test_two_processes_share_a_study(stars: OpenSet, tmp_path: Path) -> None:
    save_open_set(stars, tmp_path / "small.npz")
    command = [
        sys.executable,
        "-m",
        "pelsvae_cadence.training",
        "sweep",
        "--config",
        "paper-gru",
        "--trials",
        "4",
        "--steps",
        "3",
        "--batch",
        "8",
        "--t-len",
        "8",
        "--row-scale",
        "0.0001",
        "--table",
        str(tmp_path / "small.npz"),
        "--out-dir",
        str(tmp_path),
        "--no-prune",
    ]
    workers = [
        subprocess.Popen([*command, "--worker", str(i)], stdout=subprocess.PIPE, text=True) for i in range(2)
    ]
    outputs = [worker.communicate(timeout=300)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert all("score" in text for text in outputs)
    table = pd.read_csv(tmp_path / "trials.csv")
    # Both may be at their last trial when the fourth one ends.
    assert len(table) in (4, 5)
    assert table["rate"].nunique() == len(table)
    assert table["trial"].is_unique
