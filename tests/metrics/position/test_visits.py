"""Visits out of MAF's data slices."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.columns import OmissionWarning
from pelsvae_cadence.metrics.position.options import SliceOptions
from pelsvae_cadence.metrics.position.visits import visits_from_slice


def _table(n: int = 4, **columns) -> np.ndarray:
    values = {
        "observationStartMJD": 60300.0 + np.arange(n)[::-1] * 0.02,
        "fiveSigmaDepth": 24.0 + 0.1 * np.arange(n),
        "band": np.array(list("ugrizy" * n)[:n]),
        "night": np.arange(n)[::-1],
        "visitExposureTime": np.full(n, 38.0),
        **columns,
    }
    array = np.empty(n, dtype=[(name, np.asarray(v).dtype) for name, v in values.items()])
    for name, value in values.items():
        array[name] = value
    return array


def test_times_are_those_of_mid_exposure():
    table = _table()
    visits = visits_from_slice(table, SliceOptions())
    expected = np.sort(table["observationStartMJD"]) + 19.0 / 86400.0
    np.testing.assert_allclose(visits.mjd, expected, rtol=0, atol=1e-9)
    middle = visits_from_slice(table, SliceOptions(mjd_is_middle=True))
    np.testing.assert_array_equal(middle.mjd, np.sort(table["observationStartMJD"]))


def test_rows_stay_together_when_sorted():
    table = _table()
    visits = visits_from_slice(table, SliceOptions())
    assert visits.band.tolist() == table["band"][::-1].tolist()
    np.testing.assert_array_equal(visits.m5, table["fiveSigmaDepth"][::-1])
    np.testing.assert_array_equal(visits.night, np.arange(4))


def test_missing_columns_are_done_without():
    columns = SliceOptions(band_col="filter", night_col=None, exptime_col=None)
    names = np.array(["g_6", "r_57", "i", "y_10"])
    visits = visits_from_slice(_table(filter=names), columns)
    assert visits.band.tolist() == ["y", "i", "r", "g"]
    np.testing.assert_array_equal(visits.exptime, 30.0)
    assert (np.diff(visits.night) >= 0).all()


def test_ztf_bands_are_ztf_bands():
    table = _table(n=3, band=np.array(["g", "r", "i"]))
    assert visits_from_slice(table, SliceOptions(survey="ztf")).bands == ("zg", "zr", "zi")


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(InputError, match=r"no column 'filter'.*band_col"):
        visits_from_slice(_table(), SliceOptions(band_col="filter"))


def test_visit_numbers_do_not_depend_on_the_selection():
    table = _table(n=6)
    everything = visits_from_slice(table, SliceOptions())
    some = visits_from_slice(table[[1, 4]], SliceOptions())
    of_time = dict(zip(everything.mjd.tolist(), everything.visit_id.tolist(), strict=True))
    assert [of_time[t] for t in some.mjd.tolist()] == some.visit_id.tolist()


def test_rows_of_one_exposure_are_one_visit():
    """Repeated rows, or the detectors of a camera: the first row stands for them, with the median depth."""
    once = _table(n=4)
    table = np.repeat(once, 3)
    table["fiveSigmaDepth"] = np.tile([23.0, 24.0, 24.5], 4)
    with pytest.warns(OmissionWarning, match=r"8 of 12 rows of a slice point left out"):
        visits = visits_from_slice(table, SliceOptions())
    np.testing.assert_array_equal(visits.mjd, visits_from_slice(once, SliceOptions()).mjd)
    np.testing.assert_array_equal(visits.visit_id, visits_from_slice(once, SliceOptions()).visit_id)
    np.testing.assert_array_equal(visits.m5, 24.0)


def test_pointings_of_one_rounded_time_are_several_visits():
    """The times of the public ZTF log are rounded to minutes."""
    table = np.repeat(_table(n=4, fieldRA=np.full(4, 10.0), fieldDec=np.full(4, 5.0)), 2)
    table["fieldDec"][::2] -= 6.0
    assert len(visits_from_slice(table, SliceOptions())) == 8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"fiveSigmaDepth": np.array([24.0, 500.0, 24.0, 24.0])},
            r"fiveSigmaDepth = 500 mag in 1 of 4 visits",
        ),
        ({"visitExposureTime": np.full(4, 0.0)}, r"visitExposureTime = 0 s in 4 of 4 visits"),
        ({"_ra": np.full(4, 0.5), "_dec": np.full(4, -0.5)}, r"no pointing.*lies within 15 deg"),
        ({"fieldRA": np.full(4, 150.0), "fieldDec": np.full(4, 2.0)}, r"no pointing.*lies within 15 deg"),
    ],
)
def test_what_maf_brings_is_checked(change, message):
    with pytest.raises(InputError, match=message):
        visits_from_slice(_table(**change), SliceOptions(), {"ra": np.radians(0.5), "dec": np.radians(-0.5)})


def test_named_visit_numbers_are_used():
    table = _table(observationId=np.array([7, 5, 3, 1]))
    visits = visits_from_slice(table, SliceOptions(visit_id_col="observationId"))
    assert visits.visit_id.tolist() == [1, 3, 5, 7]


def test_nights_of_a_joint_survey_are_those_of_cerro_pachon():
    table = _table(n=3, band=np.array(["g", "zr", "i"]))
    joint, lsst = (
        visits_from_slice(rows, SliceOptions(night_col=None, survey=survey))
        for rows, survey in ((table, "joint"), (table[[0, 2]], "lsst"))
    )
    np.testing.assert_array_equal(joint.night[[0, 2]], lsst.night)
