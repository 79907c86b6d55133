"""Real light curves: as they were measured, and at the visits of a survey."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence import SyntheticSurvey
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.flux import mag_to_flux
from pelsvae_cadence.periods import judge, search
from pelsvae_cadence.validate.periods.real_stars import RR_LYRAE_RANGE
from pelsvae_cadence.validate.real_light_curves import (
    FIVE_BANDS,
    binaries_at,
    cepheid_colours,
    cepheids_at_the_lmc,
    lmc_visits,
    rr_lyrae_at,
    stripe82_rr_lyrae,
)


@pytest.fixture(scope="module")
def visits(shared_data):
    return lmc_visits(shared_data)


@pytest.fixture(scope="module")
def cepheids(shared_data, visits):
    return cepheids_at_the_lmc(shared_data, visits, 15, seed=4)


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


def test_cepheids_are_seen_at_the_surveys_visits(shared_data, visits, cepheids):
    assert len(visits) == 201
    assert visits.bands == ("i",)
    stars, curves = cepheids, cepheids.light_curves
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


@pytest.fixture(scope="module")
def five():
    visits = SyntheticSurvey(preset="lsst-v3", seed=0).at(200.0, -25.0)
    return visits.take(np.isin(visits.band, FIVE_BANDS))


def test_rr_lyrae_keep_colours_and_amplitudes(shared_data, five):
    stars = rr_lyrae_at(shared_data, five, 3, seed=1)
    assert len(stars) == 3
    for i in range(3):
        one = stars.star(i)
        r = one.mag_true[one.band == "r"]
        assert np.mean(r) == pytest.approx(20.0, abs=0.15)
        g = one.mag_true[one.band == "g"]
        assert np.ptp(g) > np.ptp(r) > 0.15
        assert -0.15 < g.mean() - r.mean() < 0.5
    again = rr_lyrae_at(shared_data, five, 3, seed=1)
    np.testing.assert_array_equal(again.flux, stars.flux)
    visits = SyntheticSurvey(preset="lsst-v3", seed=0).at(200.0, -25.0)
    with pytest.raises(InputError, match="visits in"):
        rr_lyrae_at(shared_data, visits)


def test_binaries_stand_at_one_magnitude(shared_data, visits):
    stars = binaries_at(shared_data, visits, 4, seed=1)
    for i in range(4):
        assert np.median(stars.star(i).mag_true) == pytest.approx(20.0, abs=0.1)
    assert (stars.mag_true.max() - stars.mag_true.min()) > 0.3


def test_colours_of_cepheids_are_those_of_the_catalogue(shared_data, cepheids):
    colour = cepheid_colours(shared_data, cepheids.name)
    # Cepheids fill the instability strip: V - I of 0.4 to 1.1 mag with the dust of the LMC.
    assert np.nanmedian(colour) == pytest.approx(0.72, abs=0.12)
    with pytest.raises(InputError, match="no Cepheid 'OGLE-LMC-CEP-9999'"):
        cepheid_colours(shared_data, np.array(["OGLE-LMC-CEP-9999"]))


def test_without_the_data(tmp_path):
    with pytest.raises(InputError, match="PELSVAE_DATA"):
        cepheid_colours(tmp_path, np.array(["OGLE-LMC-CEP-0002"]))
