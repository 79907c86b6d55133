"""``pelsvae_cadence compare``: what it prints, and one clear line for what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from pelsvae_cadence.cli import main

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready")]

SHORT = [
    "--nside",
    "1",
    "--star-class",
    "RRab,RRc",
    "--years",
    "0.5,1",
    "--stars-per-position",
    "1",
    "--period-range",
    "0.3,0.9",
]


@pytest.fixture
def run(capsys):
    """Run a command; give exit code, stdout and stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main(["compare", *(str(argument) for argument in arguments)])
        out, err = capsys.readouterr()
        code = stop.value.code
        return (0 if code is None else int(code)), out, " ".join(err.split())

    return call


@pytest.mark.slow
def test_answers_and_differences_as_json(run, tmp_path):
    """One run is broken: it is said, the others are compared, and the exit code is 1."""
    broken = tmp_path / "broken.db"
    broken.write_text("no database")
    code, out, err = run(
        "baseline:years=1",
        "baseline:years=1",
        broken,
        "--names",
        "a,b,c",
        *SHORT,
        "--out-dir",
        tmp_path,
        "--json",
    )
    assert code == 1
    assert "c is left out:" in err
    assert "broken.db" in err
    said = json.loads(out)
    assert said["answers"] == {"b": "b and a recover exactly the same periods."}
    assert list(said["failures"]) == ["c"]
    rows = said["differences"]
    assert [row["star_class"] for row in rows] == ["RRab", "RRab", "RRc", "RRc", "all", "all"]
    assert all(row["difference"] == 0.0 for row in rows)
    assert rows[-1]["magnitude"] is None
    assert (tmp_path / "report.html").is_file()


def test_strategies_and_changes_by_name(run):
    code, out, _ = run("--list", "--json")
    assert code == 0
    assert "no-pairs" in json.loads(out)["strategies"]
    assert "thinned=0.7" in json.loads(out)["changes"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run.db",), "1 runs to compare; allowed: two or more"),
        (("a", "b", "--nside", 4, "--positions", "0,0"), "exclude each other"),
        (("a", "b", "--names", "one"), "allowed: 2 names"),
        (("a", "b", "--years", "soon"), "is not a list of numbers"),
        (("a", "b", "--period-range", "1"), "allowed: two numbers"),
    ],
)
def test_refusals(run, arguments, message):
    code, _, err = run(*arguments)
    assert code == 2
    assert message in err


@pytest.mark.slow
def test_workers_of_a_running_cluster_give_the_same(run, tmp_path):
    pytest.importorskip("distributed")
    from pelsvae_cadence.metrics.comparison.compare_runs import one_cluster

    runs = ("baseline:years=1", "baseline:years=1:thinned=0.5", *SHORT, "--star-class", "RRab")
    assert run(*runs, "--out-dir", tmp_path / "here")[0] == 0
    with one_cluster(2, None) as address:
        assert run(*runs, "--scheduler", address, "--out-dir", tmp_path / "there")[0] == 0
    for name in ("summary.csv", "differences.csv", "stars.parquet"):
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()


@pytest.mark.slow
def test_no_pairs_of_an_earlier_comparison_stay(run, tmp_path):
    """Three runs of one class and magnitude, then two into the same folder."""
    options = [*SHORT, "--star-class", "RRab", "--years", 1, "--stars-per-position", 2, "--out-dir", tmp_path]
    runs = ["baseline:years=1", "baseline:years=1:thinned=0.5", "baseline:years=1:without-pairs"]
    code, out, _ = run(*runs, *options, "--json")
    assert code == 0
    (pair,) = json.loads(out)["pairs"]
    assert pair.startswith("baseline years=1 without-pairs")
    assert (tmp_path / "pairs.csv").is_file()
    from pelsvae_cadence.metrics.comparison.statistics.paired import corrected

    # One class and magnitude are all stars there are: their headline is corrected for the two
    # runs alone, as it is for several classes.
    rows = pd.read_csv(tmp_path / "differences.csv")
    headline = rows[rows.metric == "years_without_period"]
    assert (headline.p < 1.0).all()
    np.testing.assert_allclose(headline.p_adjusted, corrected(headline.p))
    code, out, err = run(*runs[:2], *options)
    assert code == 0, err
    assert not (tmp_path / "pairs.csv").exists()
    # What people read.
    assert "verdict" in out
    assert "nan" not in out
    assert "After 1 yr" in err
    assert "report.html" in err
