"""Visits out of MAF's data slices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.errors import InputError
from pelsvae_cadence.metrics.slice_visits import SliceColumns, thin_visits, visits_from_slice


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
    visits = visits_from_slice(table, SliceColumns(), "lsst")
    expected = np.sort(table["observationStartMJD"]) + 19.0 / 86400.0
    np.testing.assert_allclose(visits.mjd, expected, rtol=0, atol=1e-9)
    middle = visits_from_slice(table, SliceColumns(mjd_is_middle=True), "lsst")
    np.testing.assert_array_equal(middle.mjd, np.sort(table["observationStartMJD"]))


def test_rows_stay_together_when_sorted():
    table = _table()
    visits = visits_from_slice(table, SliceColumns(), "lsst")
    assert visits.band.tolist() == table["band"][::-1].tolist()
    np.testing.assert_array_equal(visits.m5, table["fiveSigmaDepth"][::-1])
    np.testing.assert_array_equal(visits.night, np.arange(4))


def test_missing_columns_are_done_without():
    columns = SliceColumns(band="filter", night=None, exptime=None)
    names = np.array(["g_6", "r_57", "i", "y_10"])
    visits = visits_from_slice(_table(filter=names), columns, "lsst")
    assert visits.band.tolist() == ["y", "i", "r", "g"]
    np.testing.assert_array_equal(visits.exptime, 30.0)
    assert (np.diff(visits.night) >= 0).all()


def test_ztf_bands_are_ztf_bands():
    table = _table(n=3, band=np.array(["g", "r", "i"]))
    assert visits_from_slice(table, SliceColumns(), "ztf").bands == ("zg", "zr", "zi")


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(InputError, match=r"no column 'filter'.*band_col"):
        visits_from_slice(_table(), SliceColumns(band="filter"), "lsst")


def test_visit_numbers_do_not_depend_on_the_selection():
    table = _table(n=6)
    everything = visits_from_slice(table, SliceColumns(), "lsst")
    some = visits_from_slice(table[[1, 4]], SliceColumns(), "lsst")
    of_time = dict(zip(everything.mjd.tolist(), everything.visit_id.tolist(), strict=True))
    assert [of_time[t] for t in some.mjd.tolist()] == some.visit_id.tolist()


def test_repeated_rows_get_numbers_of_their_own():
    table = np.repeat(_table(n=2), 3)
    visits = visits_from_slice(table, SliceColumns(), "lsst")
    assert np.unique(visits.visit_id).size == 6


def test_named_visit_numbers_are_used():
    table = _table(observationId=np.array([7, 5, 3, 1]))
    visits = visits_from_slice(table, SliceColumns(visit_id="observationId"), "lsst")
    assert visits.visit_id.tolist() == [1, 3, 5, 7]


def _visits(nights: list[int], bands: list[str]) -> Visits:
    n = len(nights)
    order = np.argsort(nights, kind="stable")
    night = np.array(nights, dtype=np.int64)[order]
    return Visits(
        mjd=60300.0 + night + np.arange(n) * 1e-4,
        band=np.array(bands)[order],
        m5=np.full(n, 24.0),
        night=night,
        visit_id=np.arange(n),
        exptime=np.full(n, 30.0),
    )


def test_few_visits_are_not_thinned():
    visits = _visits([0, 0, 1], ["g", "g", "r"])
    assert thin_visits(visits, 3) is visits


def test_thinning_keeps_the_same_number_of_each_night_and_band():
    visits = _visits([0] * 12 + [1] * 3, ["g"] * 8 + ["r"] * 4 + ["g"] * 3)
    thinned = thin_visits(visits, 9)
    groups = list(zip(thinned.night.tolist(), thinned.band.tolist(), strict=True))
    assert sorted((g, groups.count(g)) for g in set(groups)) == [
        ((0, "g"), 3), ((0, "r"), 3), ((1, "g"), 3),
    ]  # fmt: skip
    # Evenly over the eight visits of the first night, the first one included.
    first = thinned.visit_id[(thinned.night == 0) & (thinned.band == "g")]
    assert first.tolist() == [0, 3, 6]


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    groups=st.lists(
        st.tuples(st.integers(0, 20), st.sampled_from("gri"), st.integers(1, 30)),
        min_size=1, max_size=20,
    ),
    limit=st.integers(1, 150),
)  # fmt: skip
def test_thinning_meets_any_limit(groups, limit):
    nights = [night for night, _, size in groups for _ in range(size)]
    bands = [band for _, band, size in groups for _ in range(size)]
    visits = _visits(nights, bands)
    thinned = thin_visits(visits, limit)
    assert len(thinned) <= limit
    assert set(thinned.visit_id.tolist()) <= set(visits.visit_id.tolist())
    if len(visits) > limit >= len({(n, b) for n, b in zip(nights, bands, strict=True)}):
        assert set(thinned.night.tolist()) == set(nights)


def test_a_limit_below_one_is_refused():
    with pytest.raises(InputError, match="max_visits"):
        thin_visits(_visits([0, 1], ["g", "g"]), 0)
