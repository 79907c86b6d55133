"""The command line: what it prints, what it writes, and one clear line for every wrong input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.table import QTable

from pelsvae_cadence import __version__
from pelsvae_cadence.cli import main
from pelsvae_cadence.core.console import command_line
from tests.cadence.test_survey import database, frame

pytestmark = pytest.mark.maf
PNG = b"\x89PNG"


@pytest.fixture
def run(capsys):
    """Run a command; give exit code, stdout and stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        code = stop.value.code
        return (0 if code is None else int(code)), out, err

    return call


@pytest.fixture(scope="module")
def survey_db(tmp_path_factory) -> Path:
    table = frame(3000).assign(night=lambda t: (t.observationStartMJD - 60218).astype(int))
    return database(tmp_path_factory.mktemp("db") / "toy.db", table)


# The commands --------------------------------------------------------------------------------


def test_version_and_help(run):
    assert run("--version")[:2] == (0, f"pelsvae_cadence {__version__}\n")
    for command in ((), ("lightcurve",), ("metrics",), ("catalog",), ("validate",)):
        code, out, _ = run(*command, "--help")
        assert code == 0
        assert "Usage" in out


def test_lightcurve(run, survey_db, tmp_path):
    code, out, err = run(
        "lightcurve",
        "--db",
        survey_db,
        "--ra",
        10,
        "--dec",
        -20,
        "--star_class",
        "RRab",
        "--period",
        0.55,
        "--teff",
        6500,
        "--mag",
        20,
        "--out_dir",
        tmp_path,
        "--json",
    )
    assert code == 0, err
    result = json.loads(out)
    assert result["star"]["period"] == 0.55
    assert result["star"]["teff"] == 6500
    table = pd.read_csv(result["files"]["table"])
    assert {band["band"]: band["visits"] for band in result["bands"]} == (
        table.groupby("band").size().to_dict()
    )
    own = frame(3000).set_index("observationId").loc[table.visit_id]
    np.testing.assert_allclose(table.mjd, own.observationStartMJD + 15 / 86400, atol=1e-8)
    np.testing.assert_array_equal(table.band, own.band)
    assert Path(result["files"]["picture"]).read_bytes().startswith(PNG)
    # The same command says the same thing again; a table for people says so too.
    again = json.loads(
        run(
            "lightcurve",
            "--db",
            survey_db,
            "--ra",
            10,
            "--dec",
            -20,
            "--star-class",
            "rrab",
            "--period",
            0.55,
            "--teff",
            6500,
            "--mag",
            20,
            "--out-dir",
            tmp_path,
            "--json",
        )[1]
    )
    assert again == result
    code, out, _ = run("lightcurve", "--db", survey_db, "--ra", 10, "--dec", -20, "--out-dir", tmp_path)
    assert code == 0
    assert "RRab" in out
    assert "mean mag" in out


def test_metrics_writes_everything(run, survey_db, tmp_path):
    arguments = (
        "metrics",
        "--db",
        survey_db,
        "--positions",
        "10,-20 9.5,-19.5",
        "--star-class",
        "RRab,EW",
        "--mag",
        "18,21",
        "--stars-per-position",
        2,
        "--run_name",
        "toy",
        "--out-dir",
        tmp_path,
        "--catalog",
        "--period-range",
        "0.2,10",
        "--seed",
        4,
    )
    code, out, err = run(*arguments, "--json")
    assert code == 0, err
    result = json.loads(out)
    assert [(row["star_class"], row["magnitude"]) for row in result["summary"]] == [
        ("RRab", 18),
        ("RRab", 21),
        ("EW", 18),
        ("EW", 21),
    ]
    assert {row["n_stars"] for row in result["summary"]} == {4}
    files = {name: Path(path) for name, path in result["files"].items()}
    for name in ("sky map", "recovery by magnitude", "example light curve"):
        assert files[name].read_bytes().startswith(PNG)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]

    from pelsvae_cadence.catalog import Catalog, validate_catalog

    assert validate_catalog(files["catalogue"]) == []
    with Catalog(files["catalogue"]) as catalog:
        assert len(catalog) == 2 * 2 * 2 * 2
        assert catalog.provenance.seed == 4
        assert catalog.provenance.command == command_line()
        assert catalog.provenance.extra["run_name"] == "toy"
        stars = pd.read_csv(files["stars"])
        assert set(stars.star_id) == set(catalog.star_id.tolist())
    from rubin_sim.maf.db import ResultsDb

    results = ResultsDb(out_dir=str(tmp_path))
    assert results.get_metric_id("PeriodRecovery EW r18_recovered", run_name="toy")
    assert len(results.get_summary_stats()) > 0
    results.close()

    # Again: refused on request, replaced otherwise, with the same numbers.
    code, _, err = run(*arguments, "--no_clobber")
    assert code == 2
    assert "already holds results" in err
    code, out, _ = run(*arguments, "--json")
    assert code == 0
    assert json.loads(out)["summary"] == result["summary"]


def test_metrics_on_a_synthetic_map(run, tmp_path):
    code, out, err = run(
        "metrics",
        "--synthetic",
        "ztf",
        "--nside",
        1,
        "--star-class",
        "Mira",
        "--mag",
        "16",
        "--stars-per-position",
        1,
        "--constraint",
        "night < 500",
        "--out-dir",
        tmp_path,
    )
    assert code == 0, err
    assert "Mira" in out
    table = pd.read_csv(tmp_path / "positions.csv")
    assert (table.dec > -40).all()  # from Palomar
    assert (tmp_path / "sky_map.png").read_bytes().startswith(PNG)


def test_catalog_commands(run, tmp_path):
    golden = Path(__file__).parents[1] / "data" / "catalog-v1.h5"
    code, out, _ = run("catalog", "inspect", golden)
    assert code == 0
    assert "stars per class" in out
    code, out, _ = run("catalog", "inspect", golden, "--json")
    assert json.loads(out)["format_version"] == 1
    assert run("catalog", "validate", golden)[0] == 0
    fitted = tmp_path / "fitted.h5"
    fitted.write_bytes(golden.read_bytes())
    line = ("catalog", "fit", fitted, "--method", "harmonic", "--period-range", "0.5,0.501")
    code, out, err = run(*line, "--json")
    assert code == 0, err
    assert json.loads(out)["stars"] == json.loads(run("catalog", "inspect", golden, "--json")[1])["n_stars"]
    assert run("catalog", "validate", fitted)[0] == 0
    code, _, err = run(*line)
    assert code == 2
    assert "says already what its light curves tell" in err
    assert run(*line, "--overwrite")[0] == 0
    assert run("catalog", "export", fitted, tmp_path / "stars.ecsv")[0] == 0
    assert "fit_period" in QTable.read(tmp_path / "stars.ecsv").colnames
    broken = tmp_path / "broken.h5"
    data = bytearray(golden.read_bytes())
    data[len(data) // 2] ^= 0xFF
    broken.write_bytes(data)
    assert run("catalog", "validate", broken)[0] in (1, 2)
    code, _, err = run("catalog", "inspect", tmp_path / "none.h5")
    assert code == 2
    assert "none.h5" in err


# Wrong input ---------------------------------------------------------------------------------


def _broken_database(tmp_path: Path, kind: str) -> Path:
    table = frame()
    if kind == "missing file":
        return tmp_path / "none.db"
    if kind == "directory":
        return tmp_path
    if kind == "text":
        (tmp_path / "text.db").write_text("not a database")
        return tmp_path / "text.db"
    changes = {
        "missing column": table.drop(columns="fiveSigmaDepth"),
        "unknown band": table.assign(band="white"),
        "NaN time": table.assign(observationStartMJD=table.observationStartMJD.where(table.index != 3)),
        "NaN depth": table.assign(fiveSigmaDepth=np.nan),
    }
    return database(tmp_path / "broken.db", changes[kind])


@pytest.mark.parametrize("command", ["lightcurve", "metrics"])
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing file", "does not exist"),
        ("directory", "is a directory"),
        ("text", "not an sqlite database"),
        ("missing column", "no fiveSigmaDepth column"),
        ("unknown band", "unknown band 'white'"),
        ("NaN time", "observationStartMJD"),
        ("NaN depth", "fiveSigmaDepth"),
    ],
)
def test_broken_databases(run, tmp_path, command, kind, message):
    path = _broken_database(tmp_path, kind)
    where = ("--positions", "10,-20") if command == "metrics" else ("--ra", 10, "--dec", -20)
    out_dir = tmp_path / "out"
    _refused(run, out_dir, message, command, "--db", path, *where, "--out-dir", out_dir)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lightcurve", "--star-class", "quasar"), "unknown star class 'quasar'"),
        (("lightcurve", "--period", 99), "period = 99"),
        (("lightcurve", "--teff", "nan"), "teff"),
        (("lightcurve", "--mag", 99), "magnitude = 99"),
        (("lightcurve", "--band", "B"), "unknown band 'B'"),
        (("lightcurve", "--dec", 85), "has no visit"),
        (("lightcurve", "--dec", 95), "declination 95|not on the sky"),
        (("lightcurve", "--synthetic", "des"), "unknown survey preset 'des'"),
        (("lightcurve", "--model", "none"), "none"),
        (("lightcurve", "--constraint", "night < 3"), "--constraint needs a table"),
        (("metrics", "--star-class", "quasar"), "unknown star class 'quasar'"),
        (("metrics", "--nside", 3), "nside = 3"),
        (("metrics", "--nside", 0), "nside = 0"),
        (("metrics", "--star-class", "RRab,RRab", "--nside", 1), "none twice"),
        (("metrics", "--nside", 2, "--positions", "1,2"), "exclude each other"),
        (("metrics", "--positions", "nowhere"), "neither an existing file nor RA,DEC"),
        (("metrics", "--positions", "0,85", "--star-class", "RRab"), "no visit|enough visits"),
        (("metrics", "--mag", "bright"), "not a list of numbers"),
        (("metrics", "--mag", "99", "--positions", "0,-30"), "magnitude = 99"),
        (("metrics", "--period-range", "5"), "two numbers"),
        (("metrics", "--period-range", "5,1"), "period"),
        (("metrics", "--model", "none"), "none"),
        (("metrics", "--db", "a.db", "--synthetic", "lsst"), "exclude each other"),
        (("validate", "everything"), "unknown topic 'everything'"),
        (("validate", "cadence", "--sets", "ps1"), "--sets for topic 'cadence'"),
    ],
)
def test_wrong_arguments(run, tmp_path, arguments, message):
    out_dir = tmp_path / "out"
    extra = () if arguments[0] == "validate" else ("--out-dir", out_dir)
    _refused(run, out_dir, message, *arguments, *extra)


def test_wrong_options_are_usage_errors(run):
    for arguments in (("lightcurve", "--perjod", 1), ("metrics", "--seed", -1), ("nothing",)):
        code, out, err = run(*arguments)
        assert code == 2
        assert "Traceback" not in out + err


def test_a_file_in_the_place_of_the_folder(run, survey_db, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("mine")
    _refused(
        run,
        tmp_path / "none",
        "cannot write to the folder",
        "lightcurve",
        "--db",
        survey_db,
        "--ra",
        10,
        "--dec",
        -20,
        "--out-dir",
        blocked,
    )
    assert blocked.read_text() == "mine"


def _refused(run, out_dir: Path, message: str, *arguments: object) -> None:
    import re

    code, out, err = run(*arguments)
    assert code == 2, err
    assert "Traceback" not in err
    lines = [line for line in err.splitlines() if line.startswith("error:")]
    assert len(lines) == 1, err
    assert re.search(message, lines[0]), lines[0]
    assert out == ""
    if out_dir.exists():
        # A refusal at the first position may leave the (hidden) place of its checkpoints.
        assert [p for p in out_dir.iterdir() if not p.name.startswith(".finished-")] == []


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_interrupted_run_leaves_earlier_results(survey_db, tmp_path):
    """Ctrl-C in the middle: exit code 130, one line, and what was there before stays."""
    (tmp_path / "positions.csv").write_text("earlier")
    command = [
        sys.executable,
        "-m",
        "pelsvae_cadence",
        "metrics",
        "--db",
        str(survey_db),
        "--positions",
        "10,-20",
        "--star-class",
        "RRab",
        "--mag",
        "20",
        "--stars-per-position",
        "3000",
        "--out-dir",
        str(tmp_path),
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 300
    while not list(tmp_path.glob(".unfinished-*")) and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=240)
    assert process.returncode == 130, err
    assert "interrupted" in err
    assert "Traceback" not in err
    # Finished positions are kept for the same command to go on with.
    left = [path.name for path in tmp_path.iterdir() if not path.name.startswith(".finished-")]
    assert left == ["positions.csv"]
    assert (tmp_path / "positions.csv").read_text() == "earlier"
