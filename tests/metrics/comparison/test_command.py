"""``pelsvae_cadence compare``: what it prints, and one clear line for what it refuses."""

from __future__ import annotations

import json

import pytest

from pelsvae_cadence.cli import main

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready")]

SHORT = [
    "--nside", "1", "--star-class", "RRab,RRc", "--years", "0.5,1", "--stars-per-position", "1",
    "--period-range", "0.3,0.9",
]  # fmt: skip


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


def test_answers_and_differences_as_json(run, tmp_path):
    """One run is missing: it is said, the others are compared, and the exit code is 1."""
    code, out, err = run(
        "baseline:years=1", "baseline:years=1", "gone.db", "--names", "a,b,c", *SHORT,
        "--out-dir", tmp_path, "--json",
    )  # fmt: skip
    assert code == 1
    assert "c is left out: survey table gone.db does not exist" in err
    said = json.loads(out)
    assert said["answers"] == {"b": "b and a recover exactly the same periods."}
    assert list(said["failures"]) == ["c"]
    rows = said["differences"]
    assert [row["star_class"] for row in rows] == ["RRab", "RRab", "RRc", "RRc", "all", "all"]
    assert all(row["difference"] == 0.0 for row in rows)
    assert rows[-1]["magnitude"] is None
    assert (tmp_path / "report.html").is_file()


def test_the_table_for_people(run, tmp_path):
    code, out, err = run("baseline:years=1", "baseline:years=1:thinned=0.5", *SHORT,
                         "--out-dir", tmp_path)  # fmt: skip
    assert code == 0, err
    assert "verdict" in out
    assert "nan" not in out
    assert "After 1 yr" in err
    assert "report.html" in err


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
