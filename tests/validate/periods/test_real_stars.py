"""The period search on real light curves."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.periods import judge, search
from pelsvae_cadence.photometry.noise import mag_to_flux
from pelsvae_cadence.validate.periods.real_stars import RR_LYRAE_RANGE, real_star_figures
from pelsvae_cadence.validate.real_light_curves import cepheids_at_the_lmc, lmc_visits, stripe82_rr_lyrae


@pytest.fixture(scope="module")
def visits(shared_data):
    return lmc_visits(shared_data)


def test_stripe_82_stars_come_as_they_were_measured(shared_data):
    stars = stripe82_rr_lyrae(shared_data)
    curves = stars.light_curves
    assert len(curves) == 250
    assert set(stars.subtype.tolist()) == {"RRab", "RRc"}
    # 20 magnitudes and 85 errors are marked as missing, some of them together.
    assert 69_725 - 105 <= curves.n_points <= 69_725 - 85
    assert curves.mag_true.max() < 30.0
    assert set(curves.band.tolist()) == set("ugriz")
    assert 51_000 < curves.mjd.min() < curves.mjd.max() < 55_000
    assert 0.95 < curves.detected.mean() < 1.0  # u is the shallowest band
    np.testing.assert_allclose(curves.flux, mag_to_flux(curves.mag_true))
    # A magnitude error is a relative flux error, to first order.
    seen = curves.detected & (curves.mag_err < 0.05)
    ratio = curves.flux_err[seen] / curves.flux[seen] / curves.mag_err[seen]
    np.testing.assert_allclose(ratio, np.log(10) / 2.5, rtol=0.03)


def test_a_smaller_sample_is_part_of_a_larger_one(shared_data):
    few = stripe82_rr_lyrae(shared_data, 5, seed=2)
    more = stripe82_rr_lyrae(shared_data, 9, seed=2)
    assert set(few.name.tolist()) < set(more.name.tolist())
    assert set(few.name.tolist()) != set(stripe82_rr_lyrae(shared_data, 5, seed=3).name.tolist())


def test_real_rr_lyrae_are_found(shared_data):
    stars = stripe82_rr_lyrae(shared_data, 15, seed=1)
    result = search(stars.light_curves, period_range=RR_LYRAE_RANGE)
    verdicts = judge(result, stars.period)
    assert verdicts.within_1pct.mean() >= 0.8
    low, high = RR_LYRAE_RANGE
    assert ((result.period > 0.999 * low) & (result.period < 1.001 * high)).all()
    close = np.abs(result.top_frequencies * stars.period[:, None] - 1.0) < 0.01
    assert close.any(axis=1).mean() >= 0.9
    # Against periods that are five per cent longer than the catalogue's, none is right.
    assert not judge(result, stars.period * 1.05).within_1pct.any()


def test_cepheids_are_seen_at_the_surveys_visits(shared_data, visits):
    assert len(visits) == 201
    assert visits.bands == ("i",)
    stars = cepheids_at_the_lmc(shared_data, visits, 15, seed=4)
    curves = stars.light_curves
    for i in range(15):
        np.testing.assert_array_equal(curves.mjd[curves.rows(i)], visits.mjd)
    assert not curves.saturated.any()
    pull = (curves.flux - mag_to_flux(curves.mag_true)) / curves.flux_err
    assert abs(pull.mean()) < 0.1
    assert pull.std() == pytest.approx(1.0, abs=0.05)
    # A star does not depend on which others are drawn with it.
    alone = cepheids_at_the_lmc(shared_data, visits, 1, seed=4).light_curves
    row = int(np.flatnonzero(curves.star_id == alone.star_id[0])[0])
    np.testing.assert_array_equal(curves.star(row).flux, alone.flux)
    assert judge(search(curves), stars.period).recovered.mean() >= 0.85


def test_at_their_own_distance_many_cepheids_saturate(shared_data, visits):
    stars = cepheids_at_the_lmc(shared_data, visits, 15, seed=4, fainter_by=0.0)
    assert 0.3 < stars.light_curves.saturated.mean() < 1.0


def test_missing_data_are_named(tmp_path):
    with pytest.raises(InputError, match=r"sdss_s82_rrlyr_ugriz.npz is not in .*PELSVAE_DATA"):
        stripe82_rr_lyrae(tmp_path)


def test_a_sample_of_none_is_refused(shared_data):
    with pytest.raises(InputError, match="0 stars"):
        stripe82_rr_lyrae(shared_data, 0)


@pytest.mark.slow
def test_the_figures_of_real_stars_meet_their_targets(shared_data):
    figures = real_star_figures(shared_data, 60, seed=1)
    assert [figure.name for figure in figures if figure.passed is False] == []
    assert sum(figure.passed is not None for figure in figures) == 4
    by_name = {figure.name: figure.value for figure in figures}
    name = "Stripe 82 RR Lyrae, 0.2-1.2 d:"
    among = by_name[f"{name} one of the five best within 1 %"]
    assert by_name[f"{name} period within 1 %"] <= among
