"""Bands of other instruments: names, what is known of them, search, features and pictures in any band."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from pelsvae_cadence.bands import (
    BANDS,
    KNOWN_BANDS,
    UnknownBandWarning,
    band_filter,
    band_names,
    filter_wavelength,
    in_order,
)
from pelsvae_cadence.classify.features.extraction import extract
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.extinction import EXTINCTION, TrueEBV, extinction
from pelsvae_cadence.core.flux import AB_ZERO_NJY, VEGA_TO_AB
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.periods.search import search
from pelsvae_cadence.periods.verdicts import judge
from pelsvae_cadence.plotting.light_curve import plot_folded, plot_light_curve
from pelsvae_cadence.plotting.periodogram import plot_periodogram

PERIOD = 0.6
SPECLITE = {
    **{band: f"bessell-{band}" for band in "UBR"},
    **{band: f"gaiadr3-{band}" for band in ("BP", "RP")},
    **{f"ps_{band}": f"panstarrs-{band}" for band in "grizyw"},
    **{f"sdss_{band}": f"sdss2010-{band}" for band in "ugriz"},
    **{f"decam_{band}": f"decam2014-{band}" for band in "ugrizY"},
}


def curve(*bands: str, flux_kind: str = "total", n: int = 120) -> LightCurves:
    rng = np.random.default_rng(1)
    time = 60000.0 + np.sort(rng.uniform(0.0, 200.0, n))
    offset = 0.0 if flux_kind == "difference" else 1e4
    flux = offset + 1e3 * np.sin(2.0 * np.pi * time / PERIOD) + rng.normal(0.0, 50.0, n)
    names = np.array(bands)[np.arange(n) % len(bands)]
    return LightCurves.from_arrays(time, names, flux=flux, flux_err=np.full(n, 50.0), flux_kind=flux_kind)


def found(light_curves: LightCurves) -> float:
    return float(search(light_curves, period_range=(0.3, 2.0)).period[0])


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("LSST_r", "r"),
        ("lsstg", "g"),
        ("LSSTCam y_10", "y"),
        ("i_39", "i"),
        ("ztf_g", "zg"),
        ("ZTF-r", "zr"),
        ("ps1::g", "ps_g"),
        ("Pan-STARRS_y", "ps_y"),
        ("sdssu", "sdss_u"),
        ("DES_Y", "decam_Y"),
        ("bessell-V", "V"),
        ("Cousins_I", "I"),
        ("Gaia_G_BP", "BP"),
        ("gaia::grp", "RP"),
        ("ATLAS_o", "o"),
        ("HST_F814W", "F814W"),
        ("f606w", "F606W"),
        ("EROS_B", "B_E"),
        ("white", "white"),
        ("gaiety", "gaiety"),
        *((name, name) for name in KNOWN_BANDS),
    ],
)
def test_spellings(spelling: str, name: str) -> None:
    assert band_names(np.array([spelling])).tolist() == [name]
    assert LightCurves.from_arrays([6e4], [spelling], [20.0], 0.1).band.tolist() == [name]


@pytest.mark.parametrize("name", SPECLITE)
def test_wavelengths_are_pivots_of_the_filters(name: str) -> None:
    filters = pytest.importorskip("speclite.filters")
    found = filters.load_filter(SPECLITE[name])
    wave, response = found.wavelength, found.response
    pivot = np.sqrt(np.trapezoid(response * wave, wave) / np.trapezoid(response / wave, wave))
    assert filter_wavelength(name) == pytest.approx(0.1 * pivot, abs=1.0)  # curves are coarse


def test_everything_is_known_of_known_bands() -> None:
    assert set(EXTINCTION) == set(KNOWN_BANDS)
    assert set(VEGA_TO_AB) == set(KNOWN_BANDS) - set(BANDS)
    for name, known in KNOWN_BANDS.items():
        assert 0.5 < known.amplitude <= 1.0
        assert known.extinction == EXTINCTION[name]
        assert known.zero_point() == pytest.approx(3631e9)
        assert extinction(name, TrueEBV(np.array(0.1))) == pytest.approx(0.1 * EXTINCTION[name])
    assert KNOWN_BANDS["V"].zero_point("Vega") == pytest.approx(10 ** (0.4 * (AB_ZERO_NJY - 0.02)))
    with pytest.raises(InputError, match="Vega zero point of band 'white' is not known"):
        band_filter("white").zero_point("Vega")
    with pytest.raises(InputError, match="magnitude system 'vega'"):
        band_filter("V").zero_point("vega")
    redder = sorted((k for k in KNOWN_BANDS.values() if k.extinction), key=lambda k: k.wavelength)
    assert redder[0].extinction > redder[-1].extinction


def test_order_of_bands() -> None:
    assert in_order(["white", "I", "zr", "V", "y", "g", "V"]) == ("g", "y", "zr", "V", "white", "I")


@pytest.mark.parametrize("band", ["V", "I", "G", "o", "LSST_r", "F606W", "R_E", "ps_g"])
def test_search_in_known_bands_is_silent(band: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UnknownBandWarning)
        assert found(curve(band)) == pytest.approx(PERIOD, rel=1e-4)


def test_unknown_bands_are_searched_with_one_warning() -> None:
    many = LightCurves.concatenate([curve("white", "J", "V")] * 3)
    with pytest.warns(UnknownBandWarning, match="nothing is known of band 'J', 'white'") as seen:
        result = search(many, period_range=(0.3, 2.0))
    assert sum(w.category is UnknownBandWarning for w in seen) == 1
    assert result.period == pytest.approx([PERIOD] * 3, rel=1e-4)
    assert judge(result, [PERIOD] * 3).verdict.tolist() == ["exact"] * 3


def test_features_in_any_band() -> None:
    some = curve("V", "I", "white")
    with pytest.warns(UnknownBandWarning, match="'white'"):
        periods = search(some, period_range=(0.3, 2.0))
    with pytest.warns(UnknownBandWarning, match="'white'"):
        table = extract(some, periods, bands=("V", "I", "white"))
    assert np.isfinite(table["colour_V_I"]).all()
    assert np.isfinite(table["skew_white"]).all()
    assert table["amplitude"][0] == pytest.approx(2.0 * 0.1 * 0.65 * 1.0857, rel=0.3)
    with pytest.raises(InputError, match="unknown band 'rr'"):
        extract(some, periods, bands=("V", "rr"))


def test_pictures_in_any_band() -> None:
    some = curve("V", "white", "r", "ps_g")
    labels = plot_light_curve(some).get_legend_handles_labels()[1]
    assert labels == ["r", "ps_g", "V", "white"]
    assert plot_folded(some, period=PERIOD).get_legend_handles_labels()[1] == labels
    assert plot_periodogram(some).get_xlabel() == "frequency [1/d]"


def test_difference_fluxes_are_searched_and_have_no_magnitudes() -> None:
    some = curve("r", "V", flux_kind="difference")
    result = search(some, period_range=(0.3, 2.0))
    assert result.period[0] == pytest.approx(PERIOD, rel=1e-4)
    with pytest.raises(InputError, match="fluxes of difference images"):
        extract(some, result, bands=("r", "V"))
    axes = plot_light_curve(some)
    assert axes.get_ylabel() == "difference flux (nJy)"
    assert not axes.yaxis_inverted()
    assert sum(len(line.get_xdata()) for line in axes.lines if line.get_marker() != "None") >= 120
