"""Deep fields lose visits, but no night and no band."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelsvae_cadence.cadence.changes.thinning import thin_visits
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.errors import InputError


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
    assert sorted((g, groups.count(g)) for g in set(groups)) == [((0, "g"), 3), ((0, "r"), 3), ((1, "g"), 3)]
    # Evenly over the eight visits of the first night, the first one included.
    first = thinned.visit_id[(thinned.night == 0) & (thinned.band == "g")]
    assert first.tolist() == [0, 3, 6]


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    groups=st.lists(
        st.tuples(st.integers(0, 20), st.sampled_from("gri"), st.integers(1, 30)), min_size=1, max_size=20
    ),
    limit=st.integers(1, 150),
)
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
