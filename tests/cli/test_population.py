"""The population command, and commands that take its table."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from pelsvae_cadence.cli import main


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A population made by the command, with its summary."""
    return tmp_path_factory.mktemp("population") / "stars.fits"


def run(capsys, *arguments, code=0):
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    captured = capsys.readouterr()
    assert stop.value.code == code, captured.err
    return captured


@pytest.mark.slow
def test_a_population_becomes_a_table_a_picture_and_light_curves(capsys, table, tmp_path):
    from pelsvae_cadence.population.tables import read_star_table

    made = run(
        capsys,
        "population",
        "--class",
        "RRab=0.5,LPV=0.5",
        "--n",
        40,
        "--model",
        "galaxy",
        "--mode",
        "magnitude-limited",
        "--mag-range",
        "16,21",
        "--dec-range",
        "-70,10",
        "--seed",
        3,
        "--output",
        table,
        "--json",
    )
    summary = json.loads(made.out)
    assert summary["n"] == 40 <= summary["candidates"]
    assert sum(summary["components"].values()) == 40
    assert table.with_suffix(".png").stat().st_size > 20_000
    stars = read_star_table(table)
    assert len(stars) == 40
    assert stars.dec.max() <= 10
    assert sum(summary["crowded"].values()) > 0

    shown = run(
        capsys,
        "lightcurve",
        "--stars",
        table,
        "--star-id",
        stars.star_id[5],
        "--modulated",
        "--out-dir",
        tmp_path,
        "--json",
    )
    answer = json.loads(shown.out)
    assert answer["star"]["period"] == stars.period[5]
    assert answer["star"]["distance_modulus"] == stars.distance_modulus[5]
    assert answer["modulated"] is True
    assert len(pd.read_csv(tmp_path / "lightcurve.csv")) > 100
    refused = run(
        capsys, "lightcurve", "--stars", table, "--star-id", 99_999_999, "--out-dir", tmp_path, code=2
    )
    assert "no star 99999999 in stars.fits" in refused.err


def test_the_same_seed_writes_the_same_table(capsys, tmp_path):
    files = [tmp_path / f"{k}.csv" for k in "ab"]
    for file in files:
        run(capsys, "population", "--n", 6, "--seed", 1, "--output", file, "--no-picture")
    assert files[0].read_bytes() == files[1].read_bytes()
    assert not (tmp_path / "a.png").exists()
    kept = run(capsys, "population", "--n", 6, "--output", files[0], "--no-clobber", "--no-picture", code=2)
    assert "a.csv exists already" in kept.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--mode", "all"], "unknown mode 'all'; allowed: magnitude-limited"),
        (["--model", "disk"], "unknown spatial model 'disk'"),
        (["--class", "RRab=x"], "share 'x' of RRab"),
        (["--mag-range", "16"], "--mag-range '16'; allowed: two numbers"),
        (["--output", "stars.txt"], "unknown kind of star table 'stars.txt'"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(capsys, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    refused = run(capsys, "population", "--n", 2, "--no-picture", *arguments, code=2)
    assert message in " ".join(refused.err.split())
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_crowded_positions_are_flagged(capsys, tmp_path):
    lmc = ["lightcurve", "--ra", 80.05, "--dec", -69.3, "--mag", 19.5, "--out-dir", tmp_path]
    alone = json.loads(run(capsys, *lmc, "--json").out)
    crowd = json.loads(run(capsys, *lmc, "--crowded", "--json").out)
    assert alone["crowded_region"] == crowd["crowded_region"] == "LMC"
    error = [next(b for b in a["bands"] if b["band"] == "r")["median_mag_err"] for a in (alone, crowd)]
    assert error[1] > 1.5 * error[0]
    assert "crowded field (LMC)" in " ".join(run(capsys, *lmc).err.split())
    # In the plane nothing can be simulated, so that the remark stays.
    plane = ["lightcurve", "--ra", 100, "--dec", 0, "--out-dir", tmp_path, "--crowded"]
    assert "no star counts for it" in " ".join(run(capsys, *plane).err.split())


@pytest.mark.slow
@pytest.mark.maf
@pytest.mark.usefixtures("maf_ready")
def test_maps_say_where_fields_are_crowded(capsys, tmp_path):
    run_one = [
        "metrics",
        "--synthetic",
        "lsst",
        "--positions",
        "80.05,-69.3 35.6,-4.8",
        "--star-class",
        "RRab",
        "--mag",
        20,
        "--stars-per-position",
        1,
        "--constraint",
        "night < 200",
        "--period-range",
        "0.4,0.9",
    ]
    plain = run(capsys, *run_one, "--out-dir", tmp_path / "plain")
    assert "crowded fields (LMC 1)" in " ".join(plain.err.split())
    both = run(capsys, *run_one, "--crowded", "--modulated", "--out-dir", tmp_path / "both", "--json")
    answer = json.loads(both.out)
    assert answer["crowded"] is True
    assert answer["modulated"] is True
    assert answer["crowded_positions"] == {"LMC": 1}
