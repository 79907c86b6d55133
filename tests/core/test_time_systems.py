"""Time systems are stated or detected, never guessed."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.time import Time

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.time_systems import _system_from_name, detect_time_system, parse_time_system


@pytest.mark.parametrize(
    ("text", "form", "scale", "zero"),
    [
        ("MJD", "mjd", "tai", 0.0),
        ("MJD UTC", "mjd", "utc", 0.0),
        ("JD", "jd", "utc", 0.0),
        ("JD (TDB)", "jd", "tdb", 0.0),
        ("BJD_TDB", "jd", "tdb", 0.0),
        ("HJD - 2450000", "jd", "utc", 2450000.0),
        ("BJD TCB - 2455197.5", "jd", "tcb", 2455197.5),
        ("btjd", "jd", "tdb", 2457000.0),
    ],
)
def test_times_become_mjd_tai(text, form, scale, zero):
    start = {"jd": 2458000.0, "mjd": 58000.0}[form] - zero
    values = start + np.array([0.123456789, 100.987654321])
    found = parse_time_system(text).to_mjd_tai(values)
    np.testing.assert_allclose(
        found, Time(values, zero, format=form, scale=scale).tai.mjd, rtol=0, atol=2e-11
    )


@pytest.mark.parametrize("text", ["", "JDD", "MJD GMT", "2450000", "TAI", "HJD + 3", None])
def test_unknown_systems_are_refused(text):
    with pytest.raises(InputError, match="time system"):
        parse_time_system(text)


@pytest.mark.parametrize(
    ("name", "system"),
    [
        ("mjd", "MJD (TAI, scale not stated)"),
        ("expMidptMJD", "MJD (TAI, scale not stated)"),
        ("midpointMjdTai", "MJD (TAI)"),
        ("HJD", "HJD (UTC, scale not stated)"),
        ("hmjd", "HMJD (UTC, scale not stated)"),
        ("bjd_tdb", "BJD (TDB)"),
        ("BJD (TDB)", "BJD (TDB)"),
    ],
)
def test_names_state_systems(name, system):
    assert str(_system_from_name(name)) == system


def test_values_decide_only_where_they_are_clear():
    assert detect_time_system("time", np.array([2458000.0, np.nan])).format == "JD"
    assert detect_time_system("time", np.array([58000.0])).format == "MJD"
    for name, value, message in (
        ("time", 1700.0, "is not known"),
        ("mjd", 2458000.0, "says MJD, but its values are around"),
        ("hjd", 8000.0, "says JD, but its values are around"),
        ("time", np.nan, "is not known"),
    ):
        with pytest.raises(InputError, match=message):
            detect_time_system(name, np.array([value]))


def test_no_date_is_made_of_damage():
    assert np.isnan(parse_time_system("JD").to_mjd_tai(np.array([24580.0, np.inf, -1e300, np.nan]))).all()
