"""The fit command: a table of light curves in, a table of periods and classes and pictures out."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pelsvae_cadence.cli import fit as command
from pelsvae_cadence.cli import main
from pelsvae_cadence.inference.fit import _Fit
from tests.inference.fitted_sample import CLASSES, PERIOD_RANGE, fitted, points

RANGE = ["--period-range", f"{PERIOD_RANGE[0]},{PERIOD_RANGE[1]}"]


@pytest.fixture
def stars(tmp_path):
    file = tmp_path / "my_stars.csv"
    points().to_csv(file, index=False)
    return file


def run(capsys, *arguments, code=0):
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    captured = capsys.readouterr()
    assert stop.value.code == code, captured.err
    return captured


def test_a_table_of_light_curves_becomes_a_table_of_stars_and_pictures(capsys, stars, tmp_path):
    output, pictures = tmp_path / "out" / "fits.csv", tmp_path / "pictures"
    line = ["fit", stars, "--output", output, *RANGE, "--classes", CLASSES, "--plot", pictures]
    said = run(capsys, *line, "--json")
    summary = json.loads(said.out)
    assert summary["stars"] == 3
    assert summary["no answer"] == {"too few points": 1}
    assert "time: mjd" in said.err
    table = pd.read_csv(output)
    expected = fitted().to_pandas()
    assert table.columns.tolist() == expected.columns.tolist()
    assert table.star_id.tolist() == ["V1", "constant", "few"]
    np.testing.assert_array_equal(table.period, expected.period)
    assert sorted(path.name for path in pictures.iterdir()) == ["V1.png", "constant.png", "few.png"]
    assert not output.with_name("fits.csv.parts").exists()
    refused = run(capsys, *line, code=2)
    assert "fits.csv exists already" in refused.err
    other = [*line[:3], tmp_path / "other.csv", *line[4:]]
    assert "png exists already" in run(capsys, *other, code=2).err
    before = (pictures / "V1.png").stat().st_mtime_ns
    run(capsys, *line, "--method", "harmonic", "--overwrite")
    np.testing.assert_array_equal(pd.read_csv(output).period, fitted("harmonic").period)
    assert (pictures / "V1.png").stat().st_mtime_ns > before


def test_an_interrupted_run_goes_on(capsys, stars, tmp_path, monkeypatch):
    whole, output = tmp_path / "whole.parquet", tmp_path / "fits.parquet"
    harmonic = [*RANGE, "--method", "harmonic"]
    run(capsys, "fit", stars, "--output", whole, *harmonic)

    @contextmanager
    def stopping_bar(text, unit=""):
        def step(done, total):
            if done == 2:
                raise KeyboardInterrupt

        yield step

    with monkeypatch.context() as patch:
        patch.setattr(command, "progress_bar", stopping_bar)
        stopped = run(capsys, "fit", stars, "--output", output, *harmonic, code=130)
    assert "the same command goes on" in " ".join(stopped.err.split())
    assert not output.exists()
    parts = output.with_name("fits.parquet.parts")
    kept = len(list(parts.glob("*.npz")))
    assert kept == 2
    # Another command must not take these parts for its own.
    other = run(capsys, "fit", stars, "--output", output, "--method", "harmonic", code=2)
    assert "belong to a run with other inputs or options" in " ".join(other.err.split())
    computed = []
    original = _Fit.__call__
    monkeypatch.setattr(
        _Fit, "__call__", lambda self, *given: computed.append(given[0]) or original(self, *given)
    )
    run(capsys, "fit", stars, "--output", output, *harmonic)
    assert len(computed) == 1
    assert not parts.exists()
    pd.testing.assert_frame_equal(pd.read_parquet(output), pd.read_parquet(whole))


def test_hats_in_and_hats_out(capsys, tmp_path):
    pytest.importorskip("hats", reason="HATS is an option")
    table = points()
    rows = [
        {"star_id": n, "lc": g.drop(columns="star_id").to_dict("records")}
        for n, g in table.groupby("star_id")
    ]
    (tmp_path / "field").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "field" / "rows.parquet")
    output = tmp_path / "fits.hats"
    line = ["fit", tmp_path / "field", "--output", output, *RANGE, "--method", "harmonic"]
    # Positions are asked for before anything is computed.
    assert "field has no column ra" in " ".join(run(capsys, *line, code=2).err.split())
    assert not list(tmp_path.glob("fits.hats*"))
    places = pd.DataFrame(
        {"star_id": ["V1", "few", "constant"], "ra": [1.0, 2.0, 3.0], "dec": [4.0, 5.0, 6.0]}
    )
    places.to_csv(tmp_path / "places.csv", index=False)
    run(capsys, *line, "--positions", tmp_path / "places.csv")
    frame = pd.concat(pd.read_parquet(file) for file in output.glob("dataset/Norder*/**/*.parquet"))
    assert dict(zip(frame.star_id, frame.dec, strict=True)) == {"V1": 4.0, "few": 5.0, "constant": 6.0}
    assert frame.set_index("star_id").period["V1"] == fitted("harmonic").period[0]
    assert "fits.hats exists already" in run(capsys, *line, code=2).err


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills as Unix does")
def test_a_killed_run_goes_on_to_the_same_bytes(capsys, tmp_path):
    table = points()
    many = pd.concat([table.assign(star_id=table.star_id + f" {k:02d}") for k in range(8)])
    many.to_csv(tmp_path / "stars.csv", index=False)
    whole, output = tmp_path / "whole.parquet", tmp_path / "fits.parquet"
    line = ["fit", str(tmp_path / "stars.csv"), "--period-range", "0.3,3", "--method", "harmonic", "--output"]
    run(capsys, *line, whole)
    command = [sys.executable, "-m", "pelsvae_cadence", *line, str(output)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    parts = output.with_name("fits.parquet.parts")
    while len(list(parts.glob("partition-*.npz"))) < 2:
        assert process.poll() is None
        time.sleep(0.002)
    process.kill()
    process.wait()
    assert not output.exists()
    assert len(list(parts.glob("partition-*.npz"))) < 24
    run(capsys, *line, output)
    assert output.read_bytes() == whole.read_bytes()
    assert not parts.exists()


@pytest.mark.slow
def test_content_does_not_depend_on_the_number_of_workers(capsys, stars, tmp_path):
    output = tmp_path / "fits.csv"
    line = ["fit", stars, "--output", output, *RANGE, "--classes", CLASSES]
    run(capsys, *line, "--workers", 2)
    two = output.read_bytes()
    run(capsys, *line, "--overwrite")
    assert output.read_bytes() == two


def test_arguments_of_the_reader_are_passed_on(capsys, tmp_path):
    table = points().rename(columns={"mjd": "when", "mag": "V0"})
    table.to_csv(tmp_path / "odd.csv", index=False)
    line = ["fit", tmp_path / "odd.csv", "--output", tmp_path / "fits.csv", *RANGE, "--method", "harmonic"]
    assert run(capsys, *line, code=2).err.startswith("error: ")
    run(capsys, *line, "--read", "time=when", "--read", "mag=V0", "--read", "time_system=MJD TAI")
    assert pd.read_csv(tmp_path / "fits.csv").period.tolist()[:2] == fitted("harmonic").period.tolist()[:2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--output", "fits.txt"], "unknown kind of table 'fits.txt'; allowed: .csv, .ecsv, .parquet, .hats"),
        (["--classes", "QSO"], "unknown star class 'QSO'"),
        (["--classes", "RRab"], "RRab is a subtype of RRLYR; allowed: ACEP, CEP"),
        (["--classes", "RRLYR=-1"], "weight -1.0 of class 'RRLYR'"),
        (["--unseen", "0.6", "--no-period", "0.6"], "leave nothing for the classes"),
        (["--period-range", "0.5"], "--period-range '0.5'; allowed: two numbers"),
        (["--period-range", "2,1"], "period_range"),
        (["--read", "band"], "--read 'band'; allowed: NAME=VALUE"),
        (["--read", "colour=red"], "colour is no option of the reader"),
        (["--reader", "sdss"], "unknown reader 'sdss'"),
        (["--model", "none"], "none"),
    ],
)
def test_what_cannot_be_fitted_is_one_line(capsys, stars, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    line = ["fit", stars, *([] if "--output" in arguments else ["--output", "fits.csv"]), *arguments]
    refused = run(capsys, *line, code=2)
    assert message in " ".join(refused.err.split())
    assert [path.name for path in tmp_path.iterdir()] == ["my_stars.csv"]


def test_tables_that_cannot_be_read_are_one_line(capsys, tmp_path):
    points().drop(columns=["mag"]).to_csv(tmp_path / "no_mag.csv", index=False)
    points().drop(columns=["band"]).to_csv(tmp_path / "no_band.csv", index=False)
    (tmp_path / "none.csv").write_text("star_id,mjd,band,mag,mag_err\n")
    for file, message in (
        ("no_mag.csv", "no_mag.csv has neither magnitudes nor fluxes"),
        # The remedy is an option of the command.
        ("no_band.csv", 'Name it: --read "band=filter".'),
        ("none.csv", "none.csv holds no rows"),
        ("nowhere.csv", "nowhere.csv does not exist"),
    ):
        refused = run(capsys, "fit", tmp_path / file, "--output", tmp_path / "fits.csv", code=2)
        assert message in " ".join(refused.err.split())
        assert refused.err.count("error:") == 1
    assert not (tmp_path / "fits.csv").exists()
