"""Killed half-way, or on two workers: the same tables."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from pelsvae_cadence.cadence import read_survey
from pelsvae_cadence.cli import main
from tests.metrics.comparison.plans import POSITIONS

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready")]


@pytest.mark.slow
def test_a_killed_comparison_goes_on(whole, database, tmp_path, capsys):
    """SIGKILL in the middle; the second attempt keeps what was finished, to the same tables."""
    result, _, _ = whole
    out = tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "pelsvae_cadence",
        "compare",
        database,
        f"{database}:thinned=0.3",
        "--names",
        "base,thin",
        "--positions",
        " ".join(f"{ra},{dec}" for ra, dec in POSITIONS),
        "--star-class",
        "RRab",
        "--mag",
        "21,22.5",
        "--years",
        "1,2",
        "--stars-per-position",
        "3",
        "--period-range",
        "0.3,1.2",
        "--seed",
        "3",
        "--out-dir",
        str(out),
    ]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 900
    while not list(out.glob(".unfinished/*/partition-*.npz")) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = {path: path.stat().st_mtime_ns for path in out.glob(".unfinished/*/partition-*.npz")}
    assert kept
    assert not (out / "report.html").exists()
    # The checkpoints are read, not computed again: they are gone only when all is complete.
    saved = tmp_path / "saved"
    shutil.copytree(out / ".unfinished", saved)
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not (out / ".unfinished").exists()
    table = pd.read_csv(out / "differences.csv")
    whole_table = result.summary.differences
    whole_table = whole_table[whole_table.run == "thin"].reset_index(drop=True)
    for column in ("difference", "low", "high", "p"):
        np.testing.assert_array_equal(table[column], whole_table[column])
    with pytest.raises(SystemExit) as stop:
        main([*command[3:], "--no-clobber"])
    assert stop.value.code == 2
    assert "already holds a comparison" in " ".join(capsys.readouterr().err.split())


@pytest.mark.slow
def test_two_workers_give_the_same(whole, comparison, database, plan, tmp_path):
    """The same workers serve all runs, and one that fails does not take them with it."""
    pytest.importorskip("distributed")
    result, _, _ = whole
    survey = read_survey(database)
    outside = survey.take([0])  # a single visit
    two = comparison.compare(
        [survey, outside, f"{database}:thinned=0.3"],
        plan,
        out_dir=tmp_path / "out",
        names=["base", "nowhere", "thin"],
        workers=2,
        report=False,
    )
    assert list(two.failures) == ["nowhere"]
    expected = {run.name: run for run in result.outcomes}
    assert [run.name for run in two.outcomes] == ["base", "thin"]
    for run in two.outcomes:
        np.testing.assert_array_equal(run.outcome, expected[run.name].outcome)
        np.testing.assert_array_equal(run.found_period, expected[run.name].found_period)
