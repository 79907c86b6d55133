"""Light curves by band: RR Lyrae, lags, eclipses of two temperatures, tides, intensity means."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.bands import BANDS, filter_wavelength
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.photometry.amplitudes import amplitude_ratio, amplitude_uncertainty, phase_lag
from pelsvae_cadence.photometry.band_curves import BandCurves, band_curves
from pelsvae_cadence.photometry.binaries import _surface_temperatures, eclipse_contrast, ellipsoidal_ratio
from pelsvae_cadence.photometry.colours import colour_uncertainty
from pelsvae_cadence.photometry.magnitudes import band_amplitudes
from pelsvae_cadence.photometry.rr_lyrae import SDSS_WAVELENGTHS, rr_lyrae_ratio, shape_at
from tests.test_stars import make

ALL = (*BANDS, "V", "I", "G")
PHASE = np.arange(2000) / 2000.0


def _curves_of(kind: tuple[str, str], bands: tuple[str, ...] = ALL, **changes):
    rng = np.random.default_rng(4)
    k = np.arange(1, 9) ** 2.0
    curve = PhaseCurve(cos=-1.0 / k + 0.02 * rng.normal(size=(3, 8)), sin=0.1 / k * np.ones((3, 8)))
    curve = curve.normalised()
    stars = make(star_class=kind[0], subtype=kind[1], **changes)
    return stars, curve, band_curves(stars, curve, bands)


def _values(curves: BandCurves, band: str, n: int) -> np.ndarray:
    index = np.full(PHASE.size, curves.bands.index(band))
    return curves.evaluate(np.tile(PHASE, (n, 1)), index)


def _eclipses(depth_1: float, depth_2: float, teff: float):
    """Two narrow eclipses of given depth in mag, as a Fourier series."""
    phase = np.arange(4096) / 4096
    primary = np.exp(-0.5 * ((phase - np.round(phase)) / 0.02) ** 2)
    secondary = np.exp(-0.5 * ((phase - 0.5) / 0.02) ** 2)
    mag = depth_1 * primary + depth_2 * secondary
    spectrum = np.fft.rfft(mag)[1:65] / (0.5 * mag.size)
    size = np.ptp(mag)
    curve = PhaseCurve(cos=np.real(spectrum)[None] / size, sin=-np.imag(spectrum)[None] / size)
    star = make(star_class="ECL", subtype="EA", teff=teff, amplitude_i=size, period=3.0).take([0])
    return star, curve, band_curves(star, curve, ("u", "g", "r", "z", "y", "I"))


@pytest.mark.parametrize(
    "kind",
    [
        ("RRLYR", "RRab"),
        ("RRLYR", "RRc"),
        ("CEP", "F"),
        ("LPV", "Mira"),
        ("ELL", "ELL"),
        ("ECL", "EW"),
        ("DSCT", "DSCT"),
        ("T2CEP", "WVir"),
        ("ACEP", "F"),
    ],
    ids="-".join,
)
def test_flux_means_and_amplitudes_hold_in_every_band(kind):
    stars, _, curves = _curves_of(kind)
    for j, band in enumerate(ALL):
        values = _values(curves, band, 3)
        np.testing.assert_allclose((10 ** (-0.4 * values)).mean(axis=1), 1.0, atol=2e-4)
        np.testing.assert_allclose(np.ptp(values, axis=1), curves.amplitude[:, j], rtol=2e-3)
        # The magnitude mean is fainter than the intensity mean (Jensen's inequality).
        np.testing.assert_allclose(values.mean(axis=1), curves.zero[:, j], atol=2e-4)
        assert (curves.zero[:, j] > 0).all()
    if kind[0] != "ECL":
        np.testing.assert_allclose(curves.amplitude, band_amplitudes(stars, ALL))
        np.testing.assert_allclose(curves.amplitude[:, ALL.index("I")], stars.amplitude_i)


def test_the_native_band_keeps_the_decoded_shape():
    for kind in (("RRLYR", "RRab"), ("CEP", "F"), ("ECL", "EA"), ("LPV", "Mira")):
        stars, curve, curves = _curves_of(kind, ("I",))
        values = _values(curves, "I", 3)
        decoded = stars.amplitude_i[:, None] * curve.evaluate(PHASE)
        np.testing.assert_allclose(
            values - values.mean(axis=1)[:, None], decoded, atol=1e-3 * stars.amplitude_i[0]
        )


def test_rr_lyrae_ratios_are_those_of_stripe_82():
    # Sesar et al. 2010, all 483 stars: medians of A_b / A_i with robust scatter .05 to .10.
    published = {
        "RRab": {"u": 1.658, "g": 1.732, "r": 1.253, "z": 0.903},
        "RRc": {"u": 1.619, "g": 1.816, "r": 1.287, "z": 0.870},
    }
    typical = {"RRab": (0.6, 0.57), "RRc": (0.30, 0.34)}
    native = SDSS_WAVELENGTHS["i"]
    for subtype, ratios in published.items():
        for band, ratio in ratios.items():
            ours = rr_lyrae_ratio(SDSS_WAVELENGTHS[band], subtype, *typical[subtype], native)
            assert ours == pytest.approx(ratio, rel=0.02)


def test_interpolated_ratios_agree_with_model_atmospheres():
    # ATLAS9 temperature swing and grey term fitted to Stripe 82, for the filters of LSST and ZTF.
    atlas = {
        "u": 1.94,
        "g": 1.79,
        "r": 1.31,
        "i": 1.05,
        "z": 0.953,
        "y": 0.945,
        "zg": 1.79,
        "zr": 1.27,
        "zi": 1.00,
    }
    for band, ratio in atlas.items():
        ours = amplitude_ratio(band, "RRLYR", "RRab", 0.57, amplitude_i=0.55)
        assert ours == pytest.approx(ratio, rel=0.04), band


def test_relations_are_held_beyond_the_measured_stars():
    inside = rr_lyrae_ratio(480.0, "RRab", 1.2, 0.55)
    assert rr_lyrae_ratio(480.0, "RRab", 3.0, 0.55) == inside
    curve = PhaseCurve(cos=[[-0.5]], sin=[[0.0]])  # fewer harmonics than the correction
    assert shape_at(curve, 480.0, "RRab", np.array([0.6]), np.array([0.6])).n_harmonics == 6


def test_cepheids_and_miras_peak_earlier_in_the_blue():
    # Freedman 1988; Labhardt et al. 1997: I after V by 0.02 to 0.04 of a cycle.
    assert 0.02 < -phase_lag("V", ["CEP"])[0] < 0.04
    _, _, curves = _curves_of(("CEP", "F"))
    peak = {b: PHASE[_values(curves, b, 3)[0].argmin()] for b in ("g", "I", "y")}
    peak = {b: (v + 0.5) % 1.0 for b, v in peak.items()}
    assert peak["g"] < peak["I"] < peak["y"]
    assert (phase_lag("g", ["RRLYR", "ECL", "DSCT"]) == 0).all()


def test_eclipses_of_two_temperatures():
    # 9000 K and 5000 K, equal radii, half of the first star hidden; a black body of each gives
    # primary .72 .69 .64 .60 .59 .57 and secondary .017 .035 .059 .084 .094 .106 in u g r I z y.
    star, curve, curves = _eclipses(0.60, 0.084, teff=8400.0)
    contrast = eclipse_contrast(curve.evaluate(PHASE), star.amplitude_i, star.teff, curves.bands)
    assert contrast.teff_1[0] == pytest.approx(9000, rel=0.05)
    assert contrast.teff_2[0] == pytest.approx(5000, rel=0.05)
    depth = {}
    for band in curves.bands:
        values = _values(curves, band, 1)[0]
        depth[band] = (values[0] - values.min(), values[1000] - values.min())
    assert depth["I"] == pytest.approx((0.60, 0.084), abs=2e-3)
    for band, expected in {"g": (0.69, 0.035), "r": (0.64, 0.059), "z": (0.59, 0.094)}.items():
        assert depth[band] == pytest.approx(expected, abs=0.03)
    primary = [depth[b][0] for b in ("u", "g", "r", "I", "y")]
    secondary = [depth[b][1] for b in ("u", "g", "r", "I", "y")]
    assert (np.diff(primary) < 0).all()
    assert (np.diff(secondary) > 0).all()


def test_equal_eclipses_have_no_colour():
    _, _, curves = _eclipses(0.4, 0.4, teff=6000.0)
    reference = _values(curves, "I", 1)
    for band in curves.bands:
        np.testing.assert_allclose(_values(curves, band, 1), reference, atol=2e-3)


def test_eclipses_no_pair_of_stars_could_make_stay_finite():
    _, _, curves = _eclipses(2.8, 2.0, teff=30000.0)
    for band in curves.bands:
        values = _values(curves, band, 1)
        assert np.isfinite(values).all()
        assert np.ptp(values) < 2.8 + 2.6  # at most 2.5 mag deeper than in I


def test_temperatures_from_brightness():
    first, second = _surface_temperatures(6000.0, 1.0, 0.5)
    assert (first, second) == (6000.0, 6000.0)
    first, second = _surface_temperatures(9000.0, 0.2, 0.8)
    planck = np.expm1(14387768.8 / 800 / first) / np.expm1(14387768.8 / 800 / second)
    assert planck == pytest.approx(0.2, rel=1e-3)
    assert 0.8 * first + 0.2 * second == pytest.approx(9000.0, rel=1e-3)


def test_tides_are_larger_in_the_blue():
    ratios = [ellipsoidal_ratio(b, [4000.0, 6000.0, 15000.0]) for b in ("u", "g", "r", "I", "y")]
    assert (np.diff(ratios, axis=0) < 0).all()
    assert (np.array(ratios[3]) == 1.0).all()
    assert (np.array(ratios[1]) < 1.45).all()


def test_uncertainties_are_stated():
    assert amplitude_uncertainty("LPV") == max(amplitude_uncertainty(c) for c in ("LPV", "CEP", "ELL"))
    assert colour_uncertainty("g", "LPV") == 1.0
    assert colour_uncertainty("r", "RRLYR") < colour_uncertainty("u", "RRLYR")
    assert colour_uncertainty("I", "CEP") == 0.0


def test_each_star_has_curves_of_its_own():
    """A star's curves do not depend on its company, to the last bit."""
    kinds = [("RRLYR", "RRab"), ("ECL", "EA"), ("CEP", "F")]
    rng = np.random.default_rng(1)
    k = np.arange(1, 20) ** 1.5
    curve = PhaseCurve(cos=rng.normal(size=(3, 19)) / k, sin=rng.normal(size=(3, 19)) / k)
    curve = curve.normalised()
    stars = make(star_class=[c for c, _ in kinds], subtype=[s for _, s in kinds])
    band = rng.integers(0, len(ALL), PHASE.size)
    together = band_curves(stars, curve, ALL).evaluate(np.tile(PHASE, (3, 1)), band)
    for i in range(3):
        alone = band_curves(stars.take([i]), curve.take([i]), ALL)
        np.testing.assert_array_equal(alone.evaluate(PHASE[None], band)[0], together[i])


def test_wrong_input():
    curve = PhaseCurve(cos=np.ones((2, 1)), sin=np.ones((2, 1)))
    with pytest.raises(InputError, match="2 phase curves for 3 stars"):
        band_curves(make(), curve, ("r",))
    for function in (filter_wavelength, lambda b: amplitude_ratio(b, "CEP", "F", 5.0)):
        with pytest.raises(InputError, match="unknown band 'J'"):
            function("J")
    with pytest.raises(InputError, match="unknown star class 'X'"):
        amplitude_uncertainty("X")
