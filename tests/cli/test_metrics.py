"""``pelsvae_cadence metrics``: years, fields, ranges of classes, interrupted runs."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from pelsvae_cadence.cadence import SyntheticSurvey
from pelsvae_cadence.cli.app import app
from pelsvae_cadence.core.errors import InputError

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready")]


@pytest.fixture(scope="module")
def command(shared_data):
    database = shared_data / "cadence" / "baseline_v3.0_10yrs_12points.db"
    return [
        "metrics",
        "--db",
        str(database),
        "--positions",
        "0,-30",
        "--star-class",
        "RRab",
        "--mag",
        "20",
        "--stars-per-position",
        "2",
        "--constraint",
        "night < 500",
    ]


def _invoke(arguments):
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


@pytest.mark.slow
def test_years_and_class_ranges_from_the_command_line(command, tmp_path):
    result = _invoke(
        [
            *command,
            "--years",
            "1,2",
            "--period-range",
            "class",
            "--fields",
            "wide",
            "--stack-minutes",
            "15",
            "--out-dir",
            str(tmp_path),
            "--json",
        ]
    )
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert [row["year"] for row in report["by_year"]] == [1.0, 2.0]
    table = pd.read_csv(report["files"]["by_year"])
    assert table.recovered.tolist() == [row["recovered"] for row in report["by_year"]]
    stars = pd.read_csv(report["files"]["stars"])
    assert stars.found_period.between(0.2, 0.9).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--period-range", "class,3"], "not a list of numbers"),
        (["--period-range", "1,2,3"], "two numbers"),
        (["--years", "2,1"], "rising"),
        (["--stack-minutes", "500"], "stack_minutes"),
    ],
)
def test_what_cannot_be_asked_is_refused(command, tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        _invoke([*command, *options, "--out-dir", str(tmp_path)])


@pytest.mark.parametrize("constraint", [[], ["--constraint", "night < 100"]])
@pytest.mark.parametrize("command", ["metrics", "lightcurve"])
def test_a_synthetic_survey_cannot_be_called_another_one(tmp_path, command, constraint):
    options = ["--synthetic", "lsst", "--survey", "ztf", "--out-dir", str(tmp_path / "out")]
    with pytest.raises(InputError, match=r"--(survey|constraint) needs a table"):
        _invoke([command, *options, *constraint])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("options", [["--fields", "shallow"], ["--survey", "des"]])
def test_choices_are_usage_errors(tmp_path, options):
    result = _invoke(["metrics", *options, "--out-dir", str(tmp_path)])
    assert result.exit_code == 2
    assert f"Invalid value for '{options[0]}'" in result.output


STAR_TABLE = """id,class,ra,dec,period,distance_kpc
1,RRab,0.0,-30.0,0.55,60
2,CEP1O,0.3,-29.5,2.1,900
3,RRab,0.3,60.0,0.55,60
"""


@pytest.mark.slow
def test_stars_of_a_table_are_observed_where_they_are(shared_data, tmp_path):
    table = tmp_path / "mine.csv"
    table.write_text(STAR_TABLE)
    database = shared_data / "cadence" / "baseline_v3.0_10yrs_12points.db"
    result = _invoke(
        [
            "metrics",
            "--db",
            str(database),
            "--stars",
            str(table),
            "--constraint",
            "night < 700",
            "--years",
            "1",
            "--period-range",
            "0.4,3",
            "--out-dir",
            str(tmp_path / "out"),
            "--json",
        ]
    )
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    stars = pd.read_csv(report["files"]["stars"]).set_index("star_id")
    # Nothing looks at declination 60; the others have the periods and magnitudes of the table.
    assert stars.index.tolist() == [1, 2]
    assert stars.true_period.tolist() == [0.55, 2.1]
    assert stars.star_class.tolist() == ["RRab", "CEP"]
    assert stars.ra.tolist() == [0.0, 0.3]
    assert stars.verdict.tolist() == ["exact", "exact"]
    assert stars.magnitude.between(18, 24).all()
    assert stars.magnitude[2] - stars.magnitude[1] > 1.0
    assert {row["magnitude"] for row in report["summary"]} == set(stars.magnitude.round())
    assert len(report["by_year"]) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--nside", "2"], "--nside and --stars"),
        (["--mag", "20"], "--stars and --magnitudes"),
        (["--stars-per-position", "3"], "--stars and --stars-per-position"),
    ],
)
def test_a_table_of_stars_goes_with_nothing_that_draws_stars(tmp_path, options, message):
    table = tmp_path / "mine.csv"
    table.write_text(STAR_TABLE)
    with pytest.raises(InputError, match=message):
        _invoke(["metrics", "--stars", str(table), *options, "--out-dir", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_stars_at_one_place_of_a_synthetic_survey_share_its_visits_once(tmp_path):
    from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
    from pelsvae_cadence.metrics import run_period_recovery
    from pelsvae_cadence.metrics.position.observe import load_model
    from pelsvae_cadence.photometry.magnitudes import at_magnitude

    stars = load_model("default").sample("RRab", n=2, ra=10.0, dec=-30.0, seed=1)
    survey = SyntheticSurvey(preset="lsst-v3", seed=1)
    result = run_period_recovery(
        survey, stars=at_magnitude(stars, "r", 20.0), out_dir=tmp_path, period_range=(0.3, 1.0)
    )
    assert result.positions.n_visits.tolist() == [len(survey.at(ra=10.0, dec=-30.0))] * 2
    assert result.summary.n_stars.tolist() == [2]


def test_a_database_is_held_to_its_hash_and_to_its_structure(shared_data, tmp_path):
    """A survey is read for MAF as everywhere else."""
    from pelsvae_cadence.cadence.tables import file_sha256
    from pelsvae_cadence.metrics.maf.survey_source import open_survey

    path = tmp_path / "run.db"
    content = (shared_data / "cadence" / "ztf_2018_2022_40points.db").read_bytes()
    path.write_bytes(content)
    options = ["metrics", "--db", str(path), "--positions", "0,0", "--out-dir", str(tmp_path)]
    with pytest.raises(InputError, match="damaged or another file"):
        _invoke([*options, "--sha256", "0" * 64])
    beside = tmp_path / "run.db.sha256"
    beside.write_text(f"{'1' * 64}  run.db\n")
    with pytest.raises(InputError, match=r"run\.db\.sha256 says"):
        _invoke(options)
    beside.unlink()
    good = open_survey(path, positions=[], sha256=file_sha256(path))
    assert good.file == str(path)
    middle = len(content) // 2
    path.write_bytes(content[:middle] + b"\xff" * 64 + content[middle + 64 :])
    with pytest.raises(InputError, match=r"damaged|cannot be read"):
        open_survey(path, positions=[])
    with pytest.raises(InputError, match="is no file"):
        open_survey(SyntheticSurvey(), positions=[(0.0, 0.0)], sha256="0" * 64)


@pytest.mark.slow
def test_readings_say_how_sure_they_are(command, tmp_path):
    where = ["--method", "learned", "--constraint", "night < 900", "--out-dir", str(tmp_path)]
    report = json.loads(_invoke([*command, *where, "--json"]).stdout)
    assert report["method"] == "learned"
    (row,) = report["summary"]
    assert row["method"] == "learned"
    assert 0.0 < row["stated"] <= 1.0
    shown = _invoke([*command, *where]).stdout
    assert "method learned" in shown
    assert f"{row['stated']:.2f}" in shown
    assert list(tmp_path.glob("*r20_learned_recovered*.npz"))
