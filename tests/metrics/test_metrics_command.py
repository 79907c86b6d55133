"""``pelsvae_cadence metrics``: years, fields, ranges of classes, interrupted runs."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from pelsvae_cadence.cli.app import app
from pelsvae_cadence.errors import InputError

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready")]


@pytest.fixture(scope="module")
def command(shared_data):
    database = shared_data / "cadence" / "baseline_v3.0_10yrs_12points.db"
    return [
        "metrics", "--db", str(database), "--positions", "0,-30", "--star-class", "RRab",
        "--mag", "20", "--stars-per-position", "2", "--constraint", "night < 500",
    ]  # fmt: skip


def _invoke(arguments):
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_years_and_class_ranges_from_the_command_line(command, tmp_path):
    result = _invoke(
        [*command, "--years", "1,2", "--period-range", "class", "--fields", "wide",
         "--stack-minutes", "15", "--out-dir", str(tmp_path), "--json"]
    )  # fmt: skip
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
        (["--fields", "shallow"], "--fields 'shallow'"),
        (["--period-range", "class,3"], "not a list of numbers"),
        (["--period-range", "1,2,3"], "or class"),
        (["--years", "2,1"], "rising"),
        (["--stack-minutes", "500"], "stack_minutes"),
    ],
)
def test_what_cannot_be_asked_is_refused(command, tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        _invoke([*command, *options, "--out-dir", str(tmp_path)])
