"""Damaged survey tables: what gives them away, and what only their hash can tell."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pelsvae_cadence.cadence import SyntheticSurvey, Visits, read_survey, survey_from_frame
from pelsvae_cadence.cadence.tables import file_sha256, find_columns
from pelsvae_cadence.cli import main
from pelsvae_cadence.core.errors import InputError
from tests.cadence.test_survey import database

PLACES = ((10.0, -30.0), (150.0, -20.0), (280.0, -40.0))
Change = Callable[[pd.DataFrame], None]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """A year of visits to three places, as an OpSim table would list them."""
    survey = SyntheticSurvey(preset="lsst-v3", seed=1, years=1.0)

    def rows(ra: float, dec: float, visits: Visits) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "fieldRA": ra,
                "fieldDec": dec,
                "observationStartMJD": visits.mjd - 0.5 * visits.exptime / 86400.0,
                "visitExposureTime": visits.exptime,
                "band": visits.band,
                "fiveSigmaDepth": visits.m5,
                "night": visits.night,
                "airmass": visits.airmass,
            }
        )

    found = pd.concat([rows(*place, survey.at(*place)) for place in PLACES])
    found = found.sort_values("observationStartMJD", ignore_index=True)
    assert len(found) > 150
    return found.assign(observationId=np.arange(len(found)) * 3 + 1000)


def put(column: str, row: int, value: object) -> Change:
    def change(table: pd.DataFrame) -> None:
        table.loc[row, column] = value

    return change


def add(column: str, row: int, value: float) -> Change:
    def change(table: pd.DataFrame) -> None:
        table.loc[row, column] += value

    return change


DAMAGE: list[tuple[Change, str]] = [
    (add("observationStartMJD", 40, 64.0), "out of the order of time"),
    (add("observationStartMJD", 40, -2048.0), "out of the order of time"),
    (put("observationStartMJD", 0, 60600.0), "out of the order of time"),
    (put("observationId", 60, 2_000_000), "out of the order of visit numbers"),
    (put("observationId", 60, 3), "out of the order of visit numbers"),
    (put("observationId", 60, 1000 + 3 * 61), "repeat a visit number"),
    (put("observationId", 60, None), "have no number"),
]


@pytest.mark.parametrize("suffix", [".db", ".csv"])
@pytest.mark.parametrize(("damage", "message"), DAMAGE)
def test_a_visit_that_cannot_be_right_is_named(
    tmp_path: Path, table: pd.DataFrame, damage: Change, message: str, suffix: str
) -> None:
    wrong = table.copy()
    damage(wrong)
    path = tmp_path / f"run{suffix}"
    database(path, wrong) if suffix == ".db" else wrong.to_csv(path, index=False)
    with pytest.raises(InputError, match=rf"{message}.*first in row \d+.*state its SHA-256"):
        read_survey(path)
    # Stated to be what it is, the file is taken at its word.
    assert len(read_survey(path, sha256=file_sha256(path))) == len(table)


@pytest.mark.parametrize(
    "order",
    [
        lambda t: t,
        lambda t: t.sort_values(["fieldRA", "observationStartMJD"]),
        lambda t: t.sort_values(["band", "fieldRA", "observationStartMJD"]),
        lambda t: t.sample(frac=1.0, random_state=1),
        lambda t: t.assign(observationStartMJD=t.observationStartMJD + 0.4),  # another site
        lambda t: t.assign(night=lambda u: u.night * 7),  # counted in another way
        lambda t: t.assign(night=lambda u: u.night + 100 * (u.index > 160)),  # two tables in one
        lambda t: t.assign(fiveSigmaDepth=lambda u: u.fiveSigmaDepth - 9.0 * (u.index == 33)),  # clouds
        lambda t: t.assign(observationId=5),  # no numbers
        lambda t: t.iloc[::-1],
        lambda t: t.iloc[[5, 3, 9]],
    ],
)
def test_tables_that_keep_other_rules_are_read(
    tmp_path: Path, table: pd.DataFrame, order: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    ordered = order(table)
    survey = read_survey(database(tmp_path / "run.db", ordered))
    np.testing.assert_array_equal(survey.m5, ordered.fiveSigmaDepth)


def test_a_constraint_leaves_odd_visits_out(tmp_path: Path, table: pd.DataFrame) -> None:
    wrong = table.copy()
    wrong.loc[12, "observationId"] = 5_000_000
    path = database(tmp_path / "run.db", wrong)
    assert len(read_survey(path, constraint="observationId < 4000000")) == len(table) - 1


def test_sqlite_is_asked_about_the_structure(tmp_path: Path, table: pd.DataFrame) -> None:
    path = database(tmp_path / "run.db", table.iloc[:30])
    content = bytearray(path.read_bytes())
    pages = [page for page in range(4096, len(content), 4096) if content[page] == 0x0D]
    at = pages[0] + 8  # the places of the rows of the first leaf page: exchange two of them
    content[at : at + 4] = content[at + 2 : at + 4] + content[at : at + 2]
    path.write_bytes(bytes(content))
    with pytest.raises(InputError, match=r"run.db is a damaged database: .*out of order"):
        read_survey(path)


def test_the_hash_is_checked_before_anything_is_read(tmp_path: Path, table: pd.DataFrame) -> None:
    path = database(tmp_path / "run.db", table)
    right = file_sha256(path)
    assert len(read_survey(path, sha256=right.upper())) == len(table)
    beside = tmp_path / "run.db.sha256"
    for text in (f"{right}  run.db\n", f"{right.upper()} *run.db", f"SHA256 (run.db) = {right}\n"):
        beside.write_text(text)
        read_survey(path)
    # One digit of one depth: no rule can tell, the hash can.
    with sqlite3.connect(path) as link:
        link.execute("update observations set fiveSigmaDepth = fiveSigmaDepth + 1e-9")
    link.close()
    with pytest.raises(InputError, match=r"damaged or another file.*run\.db\.sha256 says"):
        read_survey(path)
    beside.unlink()
    read_survey(path)
    with pytest.raises(InputError, match=r"damaged or another file.*the hash given says"):
        read_survey(path, sha256=right)
    for wrong in ("", "abc", right[:-1], right[:-1] + "g"):
        with pytest.raises(InputError, match="is no SHA-256; allowed: 64 hexadecimal digits"):
            read_survey(path, sha256=wrong)
    beside.write_text("")
    with pytest.raises(InputError, match=r"run\.db\.sha256 \(''\) is no SHA-256"):
        read_survey(path)


def test_a_misspelt_column_is_not_overlooked(table: pd.DataFrame) -> None:
    with pytest.raises(InputError, match=r"'airmess'.*looks like a misspelt.*'airmass'"):
        survey_from_frame(table.rename(columns={"airmass": "airmess"}))
    # Other columns may be called as they like, and one name is enough.
    names = ["fieldRA", "fieldDec", "mjd", "band", "m5", "visitID", "visitIb", "light", "x"]
    assert find_columns(names)["visit_id"] == "visitID"


def test_the_command_line_takes_a_hash(
    tmp_path: Path, table: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    path = database(tmp_path / "run.db", table)
    options = ["--db", str(path), "--sha256", "0" * 64]
    for arguments in (
        ["lightcurve", *options, "--out-dir", str(tmp_path)],
        ["catalog", "make", *options, "--output", str(tmp_path / "c.h5")],
        ["classify", "train", *options, "--out-dir", str(tmp_path / "classifier")],
    ):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2
        assert "damaged or another file" in capsys.readouterr().err
    options = ["--db", str(path), "--sha256", file_sha256(path), "--ra", "10", "--dec", "-30"]
    with pytest.raises(SystemExit):
        main(["lightcurve", *options, "--out-dir", str(tmp_path), "--json"])
    assert json.loads(capsys.readouterr().out)["survey_sha256"] == file_sha256(path)
    with pytest.raises(SystemExit):
        main(["lightcurve", "--sha256", "0" * 64])
    assert "--sha256 needs a table" in capsys.readouterr().err
