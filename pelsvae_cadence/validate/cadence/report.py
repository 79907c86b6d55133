"""Figures of merit of synthetic surveys: statistics against published tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.statistics import GAP_PERCENTILES, CadenceSummary, summarise
from pelsvae_cadence.cadence.synthetic.footprint import WIDE
from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.validate.report import Figure, Report

__all__ = ["cadence_report"]

FloatArray = npt.NDArray[np.float64]

_NSIDE: Final = 16
# The tolerances of the comparison.
_MEDIANS: Final = 0.10
_SHARES: Final = 0.03
_DEPTH: Final = 0.10
_DEPTH_SCATTER: Final = 0.05
_GAP: Final = 1.0
_INTERVAL_NAMES: Final = ("under 5", "5-15", "15-60", "60-120", "over 120")
_NIGHTLY_NAMES: Final = ("1", "2", "3", "4 or more")


@dataclass(frozen=True, kw_only=True)
class _Published:
    """Statistics of a real survey; triples are 10, 50 and 90 % over positions."""

    source: str
    visits: tuple[float, float, float]
    nights: tuple[float, float, float]
    season_length: tuple[float, float, float]
    visits_per_band: Mapping[str, tuple[float, float, float]]
    visits_per_year: tuple[tuple[float, float, float], ...]
    gaps_in_season: tuple[float, ...]
    nightly_shares: tuple[float, ...]
    interval_shares: tuple[float, ...]
    pair_shares: Mapping[str, float]
    m5: Mapping[str, float]
    m5_scatter: Mapping[str, float]


# Where and how they were measured is noted in the file.
_PUBLISHED: Final = {
    preset: _Published(**numbers)
    for preset, numbers in json.loads(
        (files("pelsvae_cadence.validate.cadence") / "published.json").read_text()
    ).items()
    if preset != "notes"
}


def _wide_positions(survey: SyntheticSurvey, n_positions: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """Draw positions of the wide survey, spread evenly over it."""
    import healpy as hp  # it loads matplotlib, which only this check needs

    ra, dec = hp.pix2ang(_NSIDE, np.arange(hp.nside2npix(_NSIDE)), lonlat=True)
    pixels = np.flatnonzero(survey.region(ra, dec) == WIDE)
    if isinstance(n_positions, bool) or not 1 <= n_positions <= pixels.size:
        raise InputError(f"n_positions = {n_positions!r}", allowed=f"1 to {pixels.size}")
    start = float(KeyedRandom(seed=seed).uniform("positions", 0))
    chosen = pixels[((np.arange(n_positions) + start) * pixels.size / n_positions).astype(int)]
    return np.asarray(ra[chosen]), np.asarray(dec[chosen])


def _near_median(name: str, value: float, published: tuple[float, float, float], unit: str) -> Figure:
    """Within 10 % of the published median and inside the published 10-90 % range."""
    low, median, high = published
    return Figure.within(
        name,
        value,
        round(max((1.0 - _MEDIANS) * median, low), 2),
        round(min((1.0 + _MEDIANS) * median, high), 2),
        unit=unit,
        note=f"published {median:g} ({low:g} .. {high:g})",
    )


def _around(name: str, value: float, published: float, tolerance: float, unit: str = "") -> Figure:
    return Figure.within(
        name,
        value,
        round(published - tolerance, 4),
        round(published + tolerance, 4),
        unit=unit,
        note=f"published {published:g}",
    )


def _compare(label: str, found: CadenceSummary, published: _Published) -> Iterator[Figure]:
    """Make the figures of one survey."""
    for name, values, reference, unit in (
        ("visits", found.visits, published.visits, "visits"),
        ("nights", found.nights, published.nights, "nights"),
        ("season length", found.season_length, published.season_length, "d"),
    ):
        yield _near_median(f"{label}: {name}, median", float(values[2]), reference, unit)
    for band, reference in published.visits_per_band.items():
        count = found.visits_per_band.get(band, np.zeros(5))
        yield _near_median(f"{label}: visits in {band}, median", float(count[2]), reference, "visits")
    low, middle, high = found.visits_per_year
    for number, reference in enumerate(published.visits_per_year):
        yield _near_median(
            f"{label}: visits in year {number + 1}, median", float(middle[number]), reference, "visits"
        )
    if label.startswith("lsst"):
        # The published ratios of years 3 to 10 are 3.5 to 4.7: half of that is still plain to see.
        ratio = float(np.min(high[2:] / np.maximum(low[2:], 1.0)))
        yield Figure.within(
            f"{label}: rolling, least 90 % / 10 % of the visits of a year, years 3-10",
            ratio,
            2.0,
            note="published 3.5 (year 4) to 4.7 (year 3)",
        )
    for percentile, value, expected in zip(
        GAP_PERCENTILES, found.gaps_in_season, published.gaps_in_season, strict=True
    ):
        yield _around(f"{label}: gap in season, {percentile:g} %", float(value), expected, _GAP, "nights")
    for names, shares, wanted, what in (
        (_NIGHTLY_NAMES, found.nightly_shares, published.nightly_shares, "nights with {} visits"),
        (_INTERVAL_NAMES, found.interval_shares, published.interval_shares, "intervals {} min"),
    ):
        for name, share, expected in zip(names, shares, wanted, strict=True):
            yield _around(f"{label}: share of {what.format(name)}", float(share), expected, _SHARES)
    for name, expected in published.pair_shares.items():
        share = float(found.pair_shares.get(name, 0.0))
        yield _around(f"{label}: share of {name} pairs", share, expected, _SHARES)
    for band, expected in published.m5.items():
        median = float(found.m5[band][2]) if band in found.m5 else float("nan")
        yield _around(f"{label}: m5 in {band}, median", median, expected, _DEPTH, "mag")
    for band, expected in published.m5_scatter.items():
        scatter = found.m5_scatter.get(band, float("nan"))
        yield _around(
            f"{label}: m5 in {band}, scatter at one position", scatter, expected, _DEPTH_SCATTER, "mag"
        )


def _table(summary: CadenceSummary) -> dict[str, Any]:
    """Turn a summary into plain lists, for the JSON form of the report."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: plain(item) for key, item in value.items()}
        return np.asarray(value).tolist() if isinstance(value, np.ndarray) else value

    return {name: plain(value) for name, value in vars(summary).items()}


def cadence_report(seed: int = 0, n_positions: int = 150) -> Report:
    """Compare the synthetic presets with the published statistics of the surveys they imitate.

    Parameters
    ----------
    seed : int
        Seed of the surveys and of the positions.
    n_positions : int
        Number of wide-survey positions for each preset.

    Returns
    -------
    Report
        Figures for ``lsst-v3`` and ``ztf``; the full tables are under ``extra``. Medians must lie
        within 10 % of the published ones and inside the published 10-90 % range, depths within
        0.1 mag, their scatter within 0.05 mag, shares within 0.03, gaps within one night.

    Raises
    ------
    InputError
        If `n_positions` is not a possible number.
    """
    figures: list[Figure] = []
    extra: dict[str, Any] = {}
    for preset, published in _PUBLISHED.items():
        survey = SyntheticSurvey(preset=preset, seed=seed)
        positions = zip(*_wide_positions(survey, n_positions, seed), strict=True)
        visits = [survey.at(float(ra), float(dec)) for ra, dec in positions]
        summary = summarise(
            [seen for seen in visits if len(seen)],
            mjd_start=survey.mjd_start,
            n_years=len(published.visits_per_year),
        )
        figures.append(
            Figure.within(
                f"{preset}: positions without visits", float(n_positions - summary.n_positions), 0, 0
            )
        )
        figures.extend(_compare(preset, summary, published))
        extra[preset] = {"published": published.source, "measured": _table(summary)}
    return Report(
        topic="cadence",
        data="; ".join(
            [f"{n_positions} wide-survey positions", *(known.source for known in _PUBLISHED.values())]
        ),
        seed=seed,
        figures=tuple(figures),
        extra=extra,
    )
