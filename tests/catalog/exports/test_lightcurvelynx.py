"""Our stars in LightCurveLynx's simulation, and its survey tables in ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pelsvae_cadence.bands import BANDS
from pelsvae_cadence.cadence import SyntheticSurvey, read_survey
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.flux import mag_to_flux
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.photometry.magnitudes import at_magnitude
from pelsvae_cadence.simulation.simulate import simulate

pytest.importorskip("lightcurvelynx", reason="LightCurveLynx is an option")
# What it and the packages behind it warn of is theirs.
pytestmark = pytest.mark.filterwarnings("default")


def opsim_frame(ra: float, dec: float) -> pd.DataFrame:
    visits = SyntheticSurvey(preset="lsst-v3", seed=2, years=0.5).at(ra, dec)
    n = len(visits)
    return pd.DataFrame(
        {
            "observationId": visits.visit_id,
            "fieldRA": np.full(n, ra),
            "fieldDec": np.full(n, dec),
            "observationStartMJD": visits.mjd - 0.5 * visits.exptime / 86400.0,
            "visitExposureTime": visits.exptime,
            "filter": visits.band,
            "fiveSigmaDepth": visits.m5,
            "numExposures": np.ones(n, int),
            "rotSkyPos": np.zeros(n),
            "seeingFwhmEff": visits.seeing if visits.seeing is not None else np.full(n, 0.9),
            "skyBrightness": np.full(n, 21.0),
            "airmass": np.full(n, 1.2),
            "night": visits.night,
        }
    )


def passbands() -> Any:
    from lightcurvelynx.astro_utils.passbands import Passband, PassbandGroup

    made = []
    for name in "ugrizy":
        wave = np.arange(-500.0, 500.0, 5.0) + 10.0 * BANDS[name].wavelength
        made.append(Passband(np.column_stack([wave, np.hanning(wave.size)]), "LSST", name))
    return PassbandGroup(made)


def test_fluxes_are_ours_and_the_noise_is_theirs() -> None:
    from lightcurvelynx.obstable.opsim import OpSim
    from lightcurvelynx.simulate import simulate_lightcurves
    from lightcurvelynx.survey_info import SurveyInfo

    from pelsvae_cadence.catalog.exports.lightcurvelynx import PeriodicStars, survey_from_obstable

    ra, dec = 35.6, -4.8
    table = OpSim(opsim_frame(ra, dec))
    model = LightCurveModel.load()
    stars = at_magnitude(model.sample("RRab", n=4, seed=1, ra=ra, dec=dec), "r", 20.0)
    theirs = simulate_lightcurves(
        PeriodicStars(stars, model=model, seed=1),
        4,
        SurveyInfo(table, passbands=passbands()),
        progress_bar=False,
        rng=np.random.default_rng(1),
    )
    visits = survey_from_obstable(table).at(ra, dec)
    ours = simulate(stars, visits, model=model, seed=1)
    residuals = []
    for i in range(4):
        curve = theirs["lightcurve"].iloc[i]
        star = ours.star(i)
        np.testing.assert_allclose(curve["mjd"], star.mjd - 15.0 / 86400.0, atol=1e-8)
        assert curve["filter"].tolist() == star.band.tolist()
        np.testing.assert_allclose(curve["flux_perfect"], mag_to_flux(star.mag_true), rtol=1e-6)
        residuals.append((curve["flux"] - curve["flux_perfect"]) / curve["fluxerr"])
    assert 0.8 < np.concatenate(residuals).std() < 1.2
    assert theirs["ra"].tolist() == stars.ra.tolist()


def test_its_tables_of_real_surveys_are_read_as_ours(shared_data: Path) -> None:
    from lightcurvelynx.obstable.opsim import OpSim
    from lightcurvelynx.obstable.ztf_obstable import ZTFObsTable

    from pelsvae_cadence.catalog.exports.lightcurvelynx import survey_from_obstable

    path = shared_data / "cadence" / "baseline_v3.0_10yrs_12points.db"
    ours, theirs = read_survey(path), survey_from_obstable(OpSim.from_db(path))
    assert len(ours) == len(theirs) > 10_000
    for name in ("ra", "dec", "mjd", "m5", "exptime"):
        np.testing.assert_allclose(getattr(theirs, name), getattr(ours, name), rtol=1e-12)
    assert theirs.band.tolist() == ours.band.tolist()
    assert theirs.survey == "lsst"
    ours = read_survey(shared_data / "cadence" / "ztf_2018_2022_40points.db")
    # Its own ZTF tables have ZTF's column names.
    frame = pd.DataFrame(
        {
            "obsmjd": ours.mjd - 0.5 * ours.exptime / 86400.0,
            "ra": ours.ra,
            "dec": ours.dec,
            "maglim": ours.m5,
            "filter": [name[1] for name in ours.band],
            "exptime": ours.exptime,
            "fwhm": 2.0,
            "scibckgnd": 100.0,
        }
    )
    theirs = survey_from_obstable(ZTFObsTable(frame))
    np.testing.assert_allclose(theirs.mjd, ours.mjd, rtol=1e-12)
    assert theirs.band.tolist() == ours.band.tolist()
    assert theirs.survey == "ztf"


def test_a_table_without_depths_is_refused() -> None:
    from lightcurvelynx.obstable.opsim import OpSim

    from pelsvae_cadence.catalog.exports.lightcurvelynx import survey_from_obstable

    table = OpSim(opsim_frame(10.0, -30.0).drop(columns="fiveSigmaDepth"))
    with pytest.raises(InputError, match="has no column 'maglim'"):
        survey_from_obstable(table)
