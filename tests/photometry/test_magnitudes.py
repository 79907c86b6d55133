"""Mean magnitudes, colours and amplitudes."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.bands import BANDS
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.extinction import TrueEBV, extinction
from pelsvae_cadence.photometry.amplitudes import amplitude_ratio
from pelsvae_cadence.photometry.colours import colour_minus_i
from pelsvae_cadence.photometry.magnitudes import EXTINCTION, at_magnitude, band_amplitudes, mean_magnitudes
from tests.test_stars import make

ALL = tuple(BANDS)


def test_rr_lyrae_colours_lie_where_stripe_82_has_them():
    # Sesar et al. 2010, dereddened flux means: RRab g-r .129 [.07, .19], r-i .031, i-z -.010
    # (SDSS bands); the model atmospheres are known to sit .04-.05 off in r-i.
    m = dict(zip(ALL, mean_magnitudes(make(ebv=0.0), ALL)[0], strict=True))
    assert m["g"] - m["r"] == pytest.approx(0.13, abs=0.10)
    assert m["r"] - m["i"] == pytest.approx(0.03, abs=0.06)
    assert m["i"] - m["z"] == pytest.approx(-0.01, abs=0.05)
    assert m["u"] - m["g"] == pytest.approx(1.15, abs=0.35)


def test_distance_and_dust_add_up():
    near, far = make(distance_modulus=10.0, ebv=0.0), make(distance_modulus=18.5, ebv=0.0)
    np.testing.assert_allclose(mean_magnitudes(far, ALL) - mean_magnitudes(near, ALL), 8.5)
    dusty = mean_magnitudes(make(ebv=0.1, teff=7000.0), ALL)
    clear = mean_magnitudes(make(ebv=0.0, teff=7000.0), ALL)
    np.testing.assert_allclose((dusty - clear)[0], [0.1 * EXTINCTION[b] for b in ALL])


def test_cool_stars_and_thick_dust_lose_less():
    # Fitzpatrick (1999) through the filters: u 4.18 and G 2.23 at 4000 K, 4.36 and 2.26 at 2 mag.
    assert extinction("u", TrueEBV(0.1), 4000.0) == pytest.approx(0.418)
    assert extinction("G", TrueEBV(0.1), 4000.0) == pytest.approx(0.223)
    assert extinction("u", TrueEBV(2.0), 7000.0) == pytest.approx(2 * 4.36)
    assert extinction("G", TrueEBV(2.0)) == pytest.approx(2 * 2.26)
    for band in ALL:
        behind = extinction(band, TrueEBV(np.linspace(0.0, 5.0, 40)), 3000.0)
        assert (np.diff(behind) > 0).all()


def test_metals_redden_the_blue():
    poor, rich = (make(star_class="CEP", subtype="F", feh=f, period=5.0, teff=5500.0) for f in (-0.5, 0.0))
    change = (mean_magnitudes(rich, ("u", "g", "r", "i")) - mean_magnitudes(poor, ("u", "g", "r", "i")))[0]
    assert change[0] == pytest.approx(0.275)  # 0.55 mag/dex
    assert 0.02 < change[1] < 0.05
    np.testing.assert_allclose(change[2:], 0.0)
    # No atmospheres below -0.5, and no value at all: that of the table.
    for feh in (-2.0, np.nan):
        same = make(star_class="CEP", subtype="F", feh=feh, period=5.0, teff=5500.0)
        np.testing.assert_allclose(mean_magnitudes(same, ALL), mean_magnitudes(poor, ALL))


def test_catalogue_bands():
    star = make(ebv=0.0, distance_modulus=0.0)
    v, i, g = mean_magnitudes(star, ("V", "I", "G"))[0]
    assert g == pytest.approx(star.abs_mag_g[0])
    assert 0.45 < v - i < 0.55  # (V - I)0 of an RRab star of 6500 K


def test_miras_redden_as_they_cool():
    teff = np.array([2400.0, 2900.0, 3400.0])
    for blue, red in (("g", "r"), ("r", "i"), ("i", "z"), ("z", "y"), ("V", "I")):
        colour = colour_minus_i(blue, teff, "LPV") - colour_minus_i(red, teff, "LPV")
        assert (np.diff(colour) < 0).all()
    # Miras of the Clouds, OGLE-III: V - I of 2.1 to 3.8 (5 to 95 %).
    v_i = colour_minus_i("V", teff, "LPV")
    assert 2.0 < v_i[2] < v_i[0] < 3.8


def test_hotter_is_bluer():
    teff = np.array([4000.0, 5000, 6000, 7000, 8000, 10000, 20000])
    colour = colour_minus_i("g", teff, "ECL") - colour_minus_i("i", teff, "ECL")
    assert (np.diff(colour) < 0).all()


def test_at_magnitude():
    stars = at_magnitude(make(), "r", [18.0, 20.0, 22.0])
    np.testing.assert_allclose(mean_magnitudes(stars, ("r",))[:, 0], [18, 20, 22])
    with pytest.raises(InputError, match="magnitude = 99"):
        at_magnitude(make(), "r", 99.0)


def test_amplitudes_follow_the_measured_ratios():
    amplitude = dict(zip(ALL, band_amplitudes(make(), ALL)[0], strict=True))
    assert amplitude["g"] / amplitude["i"] == pytest.approx(1.732, rel=0.05)  # Sesar et al. 2010
    assert amplitude["z"] / amplitude["i"] == pytest.approx(0.903, rel=0.05)
    # Without a subtype the period tells RRab from RRc.
    ratio = amplitude_ratio("g", ["RRLYR", "RRLYR"], ["", ""], [0.32, 0.6])
    named = amplitude_ratio("g", ["RRLYR", "RRLYR"], ["RRc", "RRab"], [0.32, 0.6])
    assert ratio.tolist() == named.tolist()
    assert ratio[0] > ratio[1]  # 1.82 and 1.73 against i (Sesar et al. 2010)


def test_out_of_range():
    with pytest.raises(InputError, match=r"teff = 2000 K has no colours.*3000 to 40000 K"):
        mean_magnitudes(make(teff=2000.0), ("r",))
    assert np.isfinite(
        mean_magnitudes(make(teff=2900.0, star_class="LPV", subtype="Mira", period=300.0), ALL)
    ).all()
    with pytest.raises(InputError, match="unknown band"):
        mean_magnitudes(make(), ("B",))
