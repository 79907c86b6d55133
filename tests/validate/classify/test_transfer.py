"""Real stars at the visits of a survey, and what classifiers of simulated stars say of them."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence import SyntheticSurvey
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.validate.classify.transfer import transfer_to_real_stars
from pelsvae_cadence.validate.real_light_curves import (
    FIVE_BANDS,
    binaries_at,
    cepheid_colours,
    cepheids_at_the_lmc,
    lmc_visits,
    rr_lyrae_at,
)


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


def test_binaries_stand_at_one_magnitude(shared_data):
    stars = binaries_at(shared_data, lmc_visits(shared_data), 4, seed=1)
    for i in range(4):
        assert np.median(stars.star(i).mag_true) == pytest.approx(20.0, abs=0.1)
    assert (stars.mag_true.max() - stars.mag_true.min()) > 0.3


def test_colours_of_cepheids_are_those_of_the_catalogue(shared_data):
    cepheids = cepheids_at_the_lmc(shared_data, lmc_visits(shared_data), 40, seed=1)
    colour = cepheid_colours(shared_data, cepheids.name)
    # Cepheids fill the instability strip: V - I of 0.4 to 1.1 mag with the dust of the LMC.
    assert np.nanmedian(colour) == pytest.approx(0.72, abs=0.12)
    with pytest.raises(InputError, match="no Cepheid 'OGLE-LMC-CEP-9999'"):
        cepheid_colours(shared_data, np.array(["OGLE-LMC-CEP-9999"]))


def test_without_the_data(tmp_path):
    with pytest.raises(InputError, match="PELSVAE_DATA"):
        cepheid_colours(tmp_path, np.array(["OGLE-LMC-CEP-0002"]))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pelsvae_cadence.classify.ClassifierWarning")
def test_a_small_transfer(shared_data, tmp_path):
    seen = []
    options = {"seed": 1, "n_positions": 3, "stars_per_class": 4, "checkpoint_dir": tmp_path}
    found = transfer_to_real_stars(
        shared_data, 5, **options, progress=lambda done, total: seen.append((done, total))
    )
    assert seen[-1] == (9, 9)
    assert len({transfer.name for transfer in found}) == 6
    for transfer in found:
        assert sum(transfer.predicted.values()) == transfer.n_stars == 5
        assert sum(transfer.simulated_predicted.values()) == transfer.n_simulated == 5
        assert transfer.predicted.get(transfer.label, 0) / 5 == pytest.approx(transfer.recall)
        assert transfer.gap == pytest.approx(transfer.recall - transfer.simulated)
