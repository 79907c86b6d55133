"""What commands and calls import: nothing that they do not need. Counted, never timed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: Slow to import, and needed by some commands only.
HEAVY = (
    "astropy",
    "h5py",
    "healpy",
    "matplotlib",
    "numpy",
    "packaging",
    "pandas",
    "rubin_sim",
    "scipy",
    "torch",
    "zuko",
)
#: One star at one position; the folder for its light curve follows.
STAR = ["lightcurve", "--star-class", "EA", "--synthetic", "lsst", "--ra", "10", "--dec", "-30"]
STAR += ["--mag", "19", "--out-dir"]
_REPORT = f"json.dump([n for n in {HEAVY!r} if n in sys.modules], open(sys.argv[1], 'w'))"


def run(code: str, tmp_path: Path) -> set[str]:
    """Run code in a process of its own; which of `HEAVY` it loaded."""
    listed = tmp_path / "modules.json"
    whole = f"import atexit, json, sys\natexit.register(lambda: {_REPORT})\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", whole, str(listed)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(listed.read_text()))


def command(words: list[str], tmp_path: Path) -> set[str]:
    return run(f"from pelsvae_cadence.cli.app import main\nmain({words!r})", tmp_path)


@pytest.mark.parametrize("words", [["--help"], ["metrics", "--help"]])
def test_help_loads_nothing_that_counts(words: list[str], tmp_path: Path) -> None:
    assert command(words, tmp_path) == set()


def test_simulating_and_reading_need_no_torch(tmp_path: Path) -> None:
    code = """
from pelsvae_cadence import LightCurveModel, SyntheticSurvey, simulate
model = LightCurveModel.load()
visits = SyntheticSurvey().at(10.0, -30.0)
for name in model.classes:
    stars = model.sample(name, n=3, seed=1, distance_modulus=16.0)
    simulate(stars, visits, model=model, seed=1)
import pelsvae_cadence.inference.fit, pelsvae_cadence.periods.search, pelsvae_cadence.catalog.generation
"""
    assert run(code, tmp_path).isdisjoint({"healpy", "matplotlib", "torch", "zuko", "rubin_sim"})


@pytest.mark.slow
def test_a_light_curve_needs_no_torch(tmp_path: Path) -> None:
    loaded = command([*STAR, str(tmp_path / "star")], tmp_path)
    assert loaded.isdisjoint({"healpy", "torch", "zuko", "rubin_sim"})
    assert (tmp_path / "star" / "lightcurve.csv").stat().st_size > 10_000


@pytest.mark.slow
def test_a_catalogue_needs_no_torch(tmp_path: Path) -> None:
    output = tmp_path / "stars.h5"
    words = ["catalog", "make", "--synthetic", "lsst", "--positions", "10,-30", "--output", str(output)]
    assert command(words, tmp_path).isdisjoint(
        {"astropy", "healpy", "matplotlib", "torch", "zuko", "rubin_sim"}
    )
    assert output.stat().st_size > 10_000


@pytest.mark.slow
def test_fits_and_metrics_need_no_torch(tmp_path: Path) -> None:
    command([*STAR, str(tmp_path / "star")], tmp_path)
    table = tmp_path / "star" / "lightcurve.csv"
    assert command(["fit", str(table), "--output", str(tmp_path / "fit.csv")], tmp_path).isdisjoint(
        {"healpy", "matplotlib", "torch", "zuko", "rubin_sim"}
    )
    words = ["metrics", "--synthetic", "lsst", "--positions", "10,-30", "--magnitudes", "20", "--out-dir"]
    assert command([*words, str(tmp_path / "maf")], tmp_path).isdisjoint({"torch", "zuko"})


@pytest.mark.slow
def test_training_and_the_encoder_load_torch_when_asked(tmp_path: Path) -> None:
    code = "from pelsvae_cadence import LightCurveModel\nLightCurveModel.load().network"
    assert "torch" in run(code, tmp_path)
