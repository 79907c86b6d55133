"""Cost of the features beside feets, in one process, on the same points.

feets 1.0 (Cabral et al. 2018, Astronomy and Computing 25, 213) calls the same light-curve package for
statistics, series by series; its values have to be ours. For the folded curve it fits sines by
`scipy.optimize.curve_fit`. Only ratios mean anything: both sides are charged for processor time.
feets is given the points ready made, per band and joined; ours starts from the light curves.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pelsvae_cadence.bands import LSST_BANDS
from pelsvae_cadence.classify import extract
from pelsvae_cadence.classify.features.folded_curve import fold
from pelsvae_cadence.classify.features.relative_flux import relative_flux
from pelsvae_cadence.validate.classify.report import many_light_curves

pytestmark = pytest.mark.slow

N_STARS, N_VISITS = 42, 824
PER_BAND = {
    "skew": "Skew",
    "beyond_1_std": "BeyondNStd",
    "stetson_k": "StetsonK",
    "percentile_ratio": "PercentageRatio",
}
JOINT = {
    "skew": "Skew",
    "kurtosis": "SmallKurtosis",
    "anderson_darling": "AndersonDarling",
    "eta_e": "EtaE",
    "stetson_k": "StetsonK",
    "percentile_ratio": "PercentageRatio",
}
LOGARITHMIC = ("anderson_darling", "eta_e")
QUANTILES = {"quantile_numerator": 0.25, "quantile_denominator": 0.05}
#: Least cost of feets in units of ours.
LEAST = 3.0
#: Sines that feets always fits, and those of one frequency: it takes three frequencies.
FITS, WANTED = 12, 4

Series = dict[str, Any]


def _processor_time(function: Callable[[], object], repeats: int = 3) -> float:
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


@pytest.fixture(scope="module")
def stars():
    """Light curves of all classes but one at a position, and their true periods."""
    return many_light_curves(0, N_STARS, N_VISITS)


@pytest.fixture(scope="module")
def prepared(stars) -> tuple[list[tuple[int, str, Series]], list[Series]]:
    """What feets is given: relative fluxes of each band, and of all bands at one amplitude."""
    light_curves, periods = stars
    points = relative_flux(light_curves, LSST_BANDS)
    scales = np.nan_to_num(fold(points, periods.frequency).scales, nan=1.0)
    by_band, joined = [], []
    for i in range(len(light_curves)):
        for b, band in enumerate(LSST_BANDS):
            rows = np.flatnonzero((points.star == i) & (points.band == b))
            if rows.size >= 5:
                order = rows[np.argsort(points.time[rows], kind="stable")]
                by_band.append((i, band, _series(points, order, 1.0)))
        rows = np.flatnonzero(points.star == i)
        order = rows[np.argsort(points.time[rows], kind="stable")]
        joined.append(_series(points, order, scales[i, points.band[order]]))
    return by_band, joined


def _series(points, order, scale) -> Series:
    return {
        "time": points.time[order],
        "magnitude": points.value[order] / scale,
        # feets 1.0.1 hands 1 / error^2 to light-curve, which takes it for the error.
        "error": (points.error[order] / scale) ** -0.5,
    }


@pytest.mark.filterwarnings("ignore")  # feets and dask warn of their own
def test_statistics_beside_feets(benchmark, stars, prepared):
    """The same 30 numbers a star; feets measures 23 to 28 times the cost."""
    feets = pytest.importorskip("feets", reason="feets is in the train extra")
    by_band, joined = prepared
    one = feets.FeatureSpace(
        only=list(PER_BAND.values()), PercentageRatio=QUANTILES, BeyondNStd={"nstd": 1.0}
    )
    all_bands = feets.FeatureSpace(only=list(JOINT.values()), PercentageRatio=QUANTILES)
    synchronous = {"scheduler": "synchronous"}
    one.dask_options = all_bands.dask_options = synchronous
    found: dict[str, list[dict[str, float]]] = {}

    def theirs() -> None:
        found["band"] = list(one.extract_many(*(series for _, _, series in by_band)))
        found["joint"] = list(all_bands.extract_many(*joined))

    def ours() -> Any:
        return extract(*stars, groups=("variability",))

    table = ours()
    ratio = _processor_time(theirs, 2) / _processor_time(ours)
    benchmark.extra_info["feets / this"] = round(ratio, 1)
    benchmark.pedantic(ours, rounds=3)
    print(f"statistics: feets / this = {ratio:.1f}")

    for (i, band, _), values in zip(by_band, found["band"], strict=True):
        for mine, name in PER_BAND.items():
            assert table[f"{mine}_{band}"][i] == pytest.approx(values[name], rel=1e-9, abs=1e-12)
    for i, values in enumerate(found["joint"]):
        for mine, name in JOINT.items():
            expected = np.log10(values[name]) if mine in LOGARITHMIC else values[name]
            assert table[f"joint_{mine}"][i] == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert ratio > LEAST


@pytest.mark.filterwarnings("ignore")
def test_folded_curve_beside_feets(benchmark, stars, prepared):
    """Harmonics at a known period: feets measures 5 to 11 times the cost for four of one series.

    Ours fits eight, their order, the amplitudes of six bands and the odd harmonics of half the
    frequency. feets always fits three frequencies: it is charged for one.
    """
    feets = pytest.importorskip("feets", reason="feets is in the train extra")
    _, joined = prepared
    _, periods = stars
    spaces = []
    for i, series in enumerate(joined):
        df = 1.0 / np.ptp(series["time"])
        f = periods.frequency[i]
        grid = {
            "minimum_frequency": f,
            "maximum_frequency": f + 2 * df,
            "samples_per_peak": 1,
            "method": "slow",
        }
        options = {"autopower_kwds": grid, "fap_kwds": {"method": "naive"}}
        space = feets.FeatureSpace(
            only=["Freq1_harmonics_amplitude_0"], FourierComponents={"lscargle_kwds": options}
        )
        space.dask_options = {"scheduler": "synchronous"}
        spaces.append(space)

    def theirs() -> None:
        for space, series in zip(spaces, joined, strict=True):
            space.extract(**series)

    def ours() -> Any:
        return extract(*stars, groups=("shape", "amplitude", "significance"))

    ratio = _processor_time(theirs, 1) * WANTED / FITS / _processor_time(ours)
    benchmark.extra_info["feets / this"] = round(ratio, 1)
    benchmark.pedantic(ours, rounds=3)
    print(f"folded curve: feets / this = {ratio:.1f}")
    assert ratio > LEAST
