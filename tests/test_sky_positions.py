"""A SkyCoord wherever a position is taken; positions outside the footprint of a synthetic survey."""

from __future__ import annotations

import warnings

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import AltAz, SkyCoord

from pelsvae_cadence.cadence.changes.joint import JointSurvey
from pelsvae_cadence.cadence.changes.transforms import first_years
from pelsvae_cadence.cadence.footprint_edge import OutsideFootprintWarning, visits_if_any
from pelsvae_cadence.cadence.survey import Survey, check_position
from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
from pelsvae_cadence.catalog.sites import DrawnStars
from pelsvae_cadence.classify.observing import observe_survey
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.sky_positions import position_pairs
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.population.crowding import crowded_field
from pelsvae_cadence.population.dust import reddening

RA, DEC = 30.0, -45.0
COORD = SkyCoord(RA * u.deg, DEC * u.deg)
SYNTHETIC = SyntheticSurvey(preset="lsst-v3", seed=1)
SURVEY = Survey(
    name="made up",
    survey="lsst",
    ra=SkyCoord([30.1, 90.0] * u.deg, [-45.1, 0.0] * u.deg),
    mjd=[61000.0, 61001.0],
    band=["r", "g"],
    m5=24.0,
    night=[0, 1],
    visit_id=[0, 1],
    exptime=30.0,
)


@pytest.mark.parametrize(
    "cadence",
    [SURVEY, SYNTHETIC, first_years(SYNTHETIC, 1.0), JointSurvey(surveys=(SYNTHETIC, SURVEY))],
    ids=lambda c: type(c).__name__,
)
@pytest.mark.parametrize("coord", [COORD, COORD.galactic, COORD.fk5])
def test_a_position_may_be_a_sky_coord(cadence: SyntheticSurvey, coord: SkyCoord) -> None:
    expected = cadence.at(RA, DEC)
    assert len(expected)
    if coord.frame.name == "icrs":
        assert cadence.at(coord) == expected
    assert len(cadence.at(coord)) == pytest.approx(len(expected), rel=0.1)


@pytest.mark.parametrize("cadence", [SURVEY, SYNTHETIC], ids=lambda c: type(c).__name__)
def test_wrong_positions(cadence: Survey) -> None:
    with pytest.raises(InputError, match="beside another coordinate"):
        cadence.at(COORD, 1.75)
    for several in ([RA], [RA, 31.0]):
        with pytest.raises(InputError, match=f"SkyCoord of {len(several)} positions where one"):
            cadence.at(SkyCoord(several * u.deg, DEC * u.deg))
    with pytest.raises(InputError, match="2 positions"):
        cadence.at([1.0, 2.0], [3.0, 4.0])
    with pytest.raises(InputError, match="dec is missing"):
        cadence.at(RA)
    with pytest.raises(InputError, match="cannot be taken to ICRS"):
        cadence.at(SkyCoord(AltAz(az=10 * u.deg, alt=20 * u.deg)))


def test_several_positions() -> None:
    model = LightCurveModel.load()
    pair = [(RA, DEC), (31.0, -45.0)]
    both = SkyCoord(*(np.transpose(pair) * u.deg))
    for given in (pair, both, [pair[0], both[1]], np.array(pair)):
        np.testing.assert_allclose([check_position(*p) for p in position_pairs(given)], pair)
    for wrong in ([(1.0,)], ["ab"], 5.0):
        with pytest.raises(InputError, match="pair"):
            position_pairs(wrong)
    stars = model.sample("RRab", n=2, ra=both)
    assert stars == model.sample("RRab", n=2, ra=both.ra.deg, dec=both.dec.deg)
    assert len(model.sample("RRab", n=3, ra=COORD)) == 3
    assert DrawnStars(ra=both, star_classes=("RRab",)).ra == pytest.approx([RA, 31.0])
    assert reddening(both).value == pytest.approx(reddening(both.ra.deg, both.dec.deg).value)
    field = crowded_field(SkyCoord(80.9 * u.deg, -69.75 * u.deg))
    assert field is not None
    assert field.name == "LMC"
    assert SYNTHETIC.in_footprint(both).tolist() == [True, True]
    assert len(SYNTHETIC.opsim_table(both)) == len(SYNTHETIC.opsim_table(both.ra.deg, both.dec.deg))
    with pytest.raises(InputError, match="no position to observe"):
        observe_survey(SYNTHETIC, SkyCoord([] * u.deg, [] * u.deg), None)


def test_outside_the_footprint() -> None:
    with pytest.warns(OutsideFootprintWarning, match=r"never looks at ra = 10\.0000, dec = 80\.0000 deg"):
        assert len(SYNTHETIC.at(10.0, 80.0)) == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(visits_if_any(SYNTHETIC, 10.0, 80.0)) == 0
        assert len(SYNTHETIC.opsim_table([10.0, RA], [80.0, DEC])) > 0
