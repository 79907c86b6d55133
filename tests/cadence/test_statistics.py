"""The statistics of a cadence: by hand, and on the real baseline."""

from __future__ import annotations

import sqlite3

import numpy as np
import pandas as pd
import pytest

from pelsvae_cadence.cadence.statistics import (
    _band_pairs,
    _season_gaps,
    intervals_within_night,
    night_gaps,
    observed_nights,
    season_lengths,
    summarise,
    visits_per_band,
    visits_per_night,
    visits_per_year,
)
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.errors import InputError


def make(nights_and_minutes: list[tuple[int, float, str]], m5: float = 24.0) -> Visits:
    night = np.array([row[0] for row in nights_and_minutes])
    minutes = np.array([row[1] for row in nights_and_minutes])
    return Visits(
        mjd=60000.0 + night + minutes / 1440.0,
        band=np.array([row[2] for row in nights_and_minutes]),
        m5=np.full(night.size, m5),
        night=night,
        visit_id=np.arange(night.size),
        exptime=np.full(night.size, 30.0),
    )


VISITS = make(
    [
        (0, 0.0, "r"),
        (0, 33.0, "g"),
        (1, 0.0, "r"),
        (1, 2.0, "r"),
        (1, 35.0, "i"),
        (5, 0.0, "g"),
        (100, 0.0, "r"),
        (103, 0.0, "u"),
    ]
)


def test_nights_and_gaps():
    assert observed_nights(VISITS).tolist() == [0, 1, 5, 100, 103]
    assert night_gaps(VISITS).tolist() == [1, 4, 95, 3]
    assert night_gaps(VISITS, longest=60).tolist() == [1, 4, 3]
    assert night_gaps(VISITS, band="g").tolist() == [5]
    assert visits_per_night(VISITS).tolist() == [2, 3, 1, 1, 1]


def test_seasons():
    assert season_lengths(VISITS) == pytest.approx([5.0, 3.0])
    assert _season_gaps(VISITS) == pytest.approx([95.0])
    assert season_lengths(VISITS, gap=2) == pytest.approx([1.0 + 35.0 / 1440.0, 0.0, 0.0, 0.0])


def test_a_gap_of_exactly_sixty_nights_does_not_split_a_season():
    assert season_lengths(make([(0, 0.0, "r"), (60, 0.0, "r")])).size == 1
    assert season_lengths(make([(0, 0.0, "r"), (61, 0.0, "r")])).size == 2


def test_within_the_night():
    assert intervals_within_night(VISITS) == pytest.approx([33.0, 2.0, 33.0], abs=1e-4)
    # Bluer band first, whichever came first; the two-minute repeat is no pair.
    assert _band_pairs(VISITS) == {"g-r": 1, "r-i": 1}
    assert _band_pairs(VISITS, shortest=1.0) == {"g-r": 1, "r-r": 1, "r-i": 1}


def test_counts():
    assert visits_per_band(VISITS) == {"u": 1, "g": 2, "r": 4, "i": 1}
    assert visits_per_year(VISITS, 60000.0 - 300.0, 2).tolist() == [6, 2]
    assert visits_per_year(VISITS, 60001.0, 1).tolist() == [6]


def test_no_visits():
    nothing = VISITS.take(np.zeros(len(VISITS), dtype=bool))
    assert season_lengths(nothing).size == _season_gaps(nothing).size == 0
    assert night_gaps(nothing).size == intervals_within_night(nothing).size == 0
    with pytest.raises(InputError, match="1 of 2 positions have no visits, first number 1"):
        summarise([VISITS, nothing], mjd_start=60000.0, n_years=1)
    with pytest.raises(InputError, match="no positions"):
        summarise([], mjd_start=60000.0, n_years=1)


def test_summary_of_two_positions():
    other = make([(0, 0.0, "r"), (2, 0.0, "r"), (2, 3.0, "r")], m5=23.0)
    summary = summarise([VISITS, other], mjd_start=60000.0, n_years=1)
    assert summary.n_positions == 2
    assert summary.visits[2] == pytest.approx(5.5)
    assert summary.nights[2] == pytest.approx(3.5)
    # Seven observed nights: 1 x 5, 2 x 2 visits ... of which one has three.
    assert summary.nightly_shares == pytest.approx([4 / 7, 2 / 7, 1 / 7, 0.0])
    assert summary.interval_shares == pytest.approx([0.5, 0.0, 0.5, 0.0, 0.0])
    assert summary.pair_shares == pytest.approx({"g-r": 0.5, "r-i": 0.5})
    assert summary.visits_per_band["r"][2] == pytest.approx(3.5)
    assert summary.visits_per_band["u"][2] == pytest.approx(0.5)
    assert summary.visits_per_year.tolist() == [[3.5], [5.5], [7.5]]
    assert summary.m5["r"][[0, 4]] == pytest.approx([23.0, 24.0])
    assert summary.m5_scatter["r"] == 0.0


def test_one_visit_has_no_gaps():
    summary = summarise([make([(0, 0.0, "r")])], mjd_start=60000.0, n_years=1)
    assert np.isnan(summary.gaps).all()
    assert np.isnan(summary.season_gap).all()
    assert summary.season_length[2] == 0.0


# Visits within 1.75 deg, in u g r i z y, and nights with visits, of Rubin OpSim baseline v3.0.
BASELINE = {
    "Galactic bulge": (267.0, -29.5, (30, 100, 217, 199, 138, 109), 367),
    "LMC": (80.0, -69.0, (52, 68, 182, 201, 180, 182), 379),
    "South celestial pole": (180.0, -80.0, (10, 32, 49, 62, 52, 43), 94),
    "XMM-LSS": (35.6, -4.8, (1015, 2713, 5467, 5493, 4259, 4893), 671),
    "ELAIS-S1": (9.5, -44.0, (995, 2714, 5419, 5446, 4210, 4847), 631),
}


@pytest.mark.parametrize("place", list(BASELINE))
def test_counts_of_the_real_baseline(shared_data, place):
    ra, dec, by_band, n_nights = BASELINE[place]
    path = shared_data / "cadence" / "baseline_v3.0_10yrs_12points.db"
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    table = pd.read_sql_query(
        "select observationId, observationStartMJD, fieldRA, fieldDec, band, night, fiveSigmaDepth"
        " from observations where abs(fieldDec - ?) < 1.8",
        connection,
        params=(dec,),
    )
    connection.close()
    alpha, delta = np.radians(table["fieldRA"]), np.radians(table["fieldDec"])
    cosine = np.sin(delta) * np.sin(np.radians(dec)) + np.cos(delta) * np.cos(np.radians(dec)) * np.cos(
        alpha - np.radians(ra)
    )
    table = table[cosine > np.cos(np.radians(1.75))]
    visits = Visits(
        mjd=table["observationStartMJD"].to_numpy() + 15.0 / 86400.0,
        band=table["band"].to_numpy().astype("U1"),
        m5=table["fiveSigmaDepth"].to_numpy(),
        night=table["night"].to_numpy(),
        visit_id=table["observationId"].to_numpy(),
        exptime=np.full(len(table), 30.0),
    )
    assert tuple(visits_per_band(visits).values()) == by_band
    assert observed_nights(visits).size == n_nights
    assert visits_per_year(visits, 60218.0018, 10).sum() == sum(by_band)
