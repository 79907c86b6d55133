"""Sets of real stars: what is in them, what may be tuned on, and thinning."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.bands import KNOWN_BANDS
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.flux import VEGA_TO_AB
from pelsvae_cadence.core.real_data import read_light_curve_set
from pelsvae_cadence.validate.few_points import few_points
from pelsvae_cadence.validate.inference.real_sets import REAL_SETS, real_set

pytestmark = pytest.mark.usefixtures("real_stars")


@pytest.mark.parametrize("name", sorted(REAL_SETS))
def test_a_set_has_known_bands_and_periods_in_its_range(shared_data, name):
    stars = real_set(name, shared_data, n=6, seed=1)
    assert len(stars) == len(stars.light_curves) == 6
    assert set(stars.light_curves.band.tolist()) <= set(KNOWN_BANDS)
    low, high = stars.period_range
    assert ((stars.period > low) & (stars.period < high)).all()
    assert np.isfinite(stars.light_curves.flux).all()
    again = real_set(name, shared_data, n=4, seed=1)
    assert set(again.star.tolist()) < set(stars.star.tolist())


def test_points_are_those_of_the_file(shared_data):
    stars = real_set("sculptor", shared_data, n=3, seed=2)
    points, table = read_light_curve_set(shared_data / "realstars", "sculptor_bvi")
    for i, row in enumerate(stars.light_curves.star_id.tolist()):
        one = stars.light_curves.star(i)
        mine = slice(*points["offsets"][row : row + 2])
        assert table["id"][row] == stars.star[i]
        assert table["period"][row] == stars.period[i]
        assert one.n_points == points["mag"][mine].size
        for k, band in enumerate(points["bands"].tolist()):
            seen = np.sort(one.mag[one.band == band]) - VEGA_TO_AB[band]
            np.testing.assert_allclose(
                seen, np.sort(points["mag"][mine][points["band"][mine] == k]), atol=1e-5
            )


def test_stars_to_choose_by_and_stars_to_test_on_do_not_meet(shared_data):
    s82, ps1 = (
        {part: real_set(name, shared_data, part=part) for part in ("tuning", "test")}
        for name in ("stripe82", "ps1")
    )
    for pair in (s82, ps1):
        assert pair["tuning"].tuning.all()
        assert not pair["test"].tuning.any()
        assert not set(pair["tuning"].star.tolist()) & set(pair["test"].star.tolist())
    assert len(s82["tuning"]) == len(s82["test"]) == 125
    _, table = read_light_curve_set(shared_data / "realstars", "ps1_rrlyr_grizy")
    twin = dict(zip(table["id"].astype(str), table["stripe82_id"].astype(str), strict=True))
    for part in ("tuning", "test"):
        twins = {twin[name] for name in ps1[part].star.tolist()}
        assert twins <= set(s82[part].star.tolist())
    eros = real_set("eros1", shared_data, part="tuning", n=20)
    assert (eros.light_curves.star_id % 4 == 0).all()


def test_classes_of_eros_are_those_of_ogle(shared_data):
    stars = real_set("eros1", shared_data, classes=("CEP",), n=5)
    assert all(name.startswith("OGLE-LMC-CEP-") for name in stars.star.tolist())
    binaries = real_set("eros1", shared_data, classes=("ECL",))
    assert set(binaries.star_class.tolist()) == {"ECL"}
    assert not any(name.startswith("OGLE") for name in binaries.star.tolist())


def test_thinning_keeps_the_number_asked_for(shared_data):
    stars = real_set("stripe82_8", shared_data, n=4, seed=3)
    full = real_set("stripe82", shared_data, n=4, seed=3)
    assert stars.star.tolist() == full.star.tolist()
    for i in range(4):
        _, counts = np.unique(stars.light_curves.star(i).band, return_counts=True)
        assert counts.tolist() == [8] * 5
    fewer = few_points(full.light_curves, 5, seed=3)
    assert set(fewer.flux.tolist()) < set(stars.light_curves.flux.tolist())
    alone = few_points(full.light_curves.star(2), 5, seed=3)
    np.testing.assert_array_equal(alone.flux, fewer.star(2).flux)


def test_wrong_sets_are_refused(shared_data):
    with pytest.raises(InputError, match="unknown set 'ps2'"):
        real_set("ps2", shared_data)
    with pytest.raises(InputError, match="has no tuning stars"):
        real_set("crater2", shared_data, part="tuning")
    with pytest.raises(InputError, match="0 points a band"):
        real_set("ps1", shared_data, points_per_band=0, n=1)
