"""Deep fields: stacks of visits, and the split of a survey by the scheduler's notes."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest

from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.metrics.position.deep_fields import FIELDS, fields_constraint, stack_visits


def _visits(minutes, bands, *, night=0, m5=24.0):
    n = len(minutes)
    return Visits(
        mjd=60000.0 + night + np.array(minutes) / 1440.0,
        band=np.array(list(bands), dtype="U2"),
        m5=np.full(n, m5),
        night=np.full(n, night),
        visit_id=np.arange(n) + 100 * night,
        exptime=np.full(n, 30.0),
        seeing=np.linspace(0.6, 0.8, n),
    )


def test_equal_visits_gain_as_their_square_root():
    stacked = stack_visits(_visits([0, 1, 2, 3], "rrrr"), 15.0)
    assert len(stacked) == 1
    assert stacked.m5[0] == pytest.approx(24.0 + 2.5 * np.log10(2.0))
    assert stacked.mjd[0] == pytest.approx(60000.0 + 1.5 / 1440.0, abs=1e-9)
    assert stacked.visit_id.tolist() == [0]
    assert stacked.exptime.tolist() == [30.0]
    assert stacked.seeing[0] == pytest.approx(0.7)


def test_bands_nights_and_long_runs_stay_apart():
    visits = _visits([0, 1, 2, 20, 21], "rirrr")
    stacked = stack_visits(visits, 15.0)
    found = set(zip(stacked.band.tolist(), stacked.visit_id.tolist(), strict=True))
    assert found == {("r", 0), ("i", 1), ("r", 3)}
    next_night = _visits([0], "r", night=1)
    both = Visits(
        **{
            name: np.concatenate([getattr(visits, name), getattr(next_night, name)])
            for name in ("mjd", "band", "m5", "night", "visit_id", "exptime", "seeing")
        }
    )
    assert len(stack_visits(both, 60.0)) == 3


def test_deeper_visits_count_for_more():
    visits = _visits([0, 10], "rr")
    deep = Visits(**{**vars(visits), "m5": np.array([25.0, 24.0])})
    weight = 10 ** (0.8 * 25.0) / (10 ** (0.8 * 25.0) + 10 ** (0.8 * 24.0))
    stacked = stack_visits(deep, 15.0)
    assert stacked.mjd[0] == pytest.approx(60000.0 + (1 - weight) * 10 / 1440.0, abs=1e-9)


def test_a_real_deep_field_shrinks_tenfold_and_keeps_its_nights(shared_data):
    from pelsvae_cadence.cadence import read_survey

    survey = read_survey(
        shared_data / "cadence" / "baseline_v3.0_10yrs_12points.db", constraint="night < 800"
    )
    visits = survey.at(150.1, 2.2, radius=1.75)
    stacked = stack_visits(visits, 15.0)
    assert len(stacked) < len(visits) / 5
    pairs = {tuple(pair) for pair in zip(visits.night.tolist(), visits.band.tolist(), strict=True)}
    kept = {tuple(p) for p in zip(stacked.night.tolist(), stacked.band.tolist(), strict=True)}
    assert kept == pairs
    # Inverse variances add up: none is lost.
    total = (10 ** (0.8 * visits.m5)).sum()
    assert (10 ** (0.8 * stacked.m5)).sum() == pytest.approx(total)


def test_no_visits_make_no_stack():
    assert len(stack_visits(_visits([], ""), 15.0)) == 0


@pytest.mark.parametrize("minutes", [0.0, -1.0, np.nan, np.inf])
def test_a_stack_of_no_length_is_refused(minutes):
    with pytest.raises(InputError, match="minutes"):
        stack_visits(_visits([0], "r"), minutes)


def test_notes_split_a_survey_without_a_rest():
    notes = ["", "DD:COSMOS", "DD", "pair_33, gr", "dd_euclid", "blob_long"]
    with sqlite3.connect(":memory:") as connection:
        connection.execute("create table observations (scheduler_note text)")
        connection.executemany("insert into observations values (?)", [(n,) for n in notes])
        found = {
            part: [
                row[0]
                for row in connection.execute(
                    f"select scheduler_note from observations where {fields_constraint(part) or 1}"
                )
            ]
            for part in FIELDS
        }
    connection.close()
    assert found["all"] == notes
    assert found["deep"] == ["DD:COSMOS", "DD", "dd_euclid"]
    assert sorted(found["deep"] + found["wide"]) == sorted(notes)
    with pytest.raises(InputError, match="fields"):
        fields_constraint("medium")
