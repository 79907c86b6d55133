"""Extract features from light curves and their period results."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import DEFAULT_BAND_SCALES, KNOWN_BANDS, LSST_BANDS, warn_of_unknown_bands
from pelsvae_cadence.classify.features.curve_shape import SHAPE_PHASES, shape_of_curve
from pelsvae_cadence.classify.features.folded_curve import FoldedCurves, fold
from pelsvae_cadence.classify.features.relative_flux import RelativeFlux, relative_flux
from pelsvae_cadence.classify.features.table import (
    BAND_STATISTICS,
    DEFAULT_GROUPS,
    JOINT_STATISTICS,
    FeatureTable,
    definitions_of,
)
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.flux import flux_to_mag
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.periods.result import PeriodResult

__all__ = ["FeatureWarning", "extract"]

FloatArray = npt.NDArray[np.float64]

# Relative fluxes below this are noise, not darkness: 5 mag of eclipse.
_DARKEST: Final = 0.01
_REFERENCE_SCALE: Final = DEFAULT_BAND_SCALES["i"]
_SMALLEST_ALARM: Final = -30.0
# Fewer points in a band do not make a distribution.
_LEAST_IN_BAND: Final = 5


class FeatureWarning(UserWarning):
    """Light curves lack what features need; the features are NaN, not wrong."""


def extract(
    light_curves: LightCurves,
    periods: PeriodResult,
    *,
    bands: Sequence[str] = LSST_BANDS,
    groups: Iterable[str] = DEFAULT_GROUPS,
) -> FeatureTable:
    """Measure the features of light curves.

    Forced fluxes are used, also of visits without a detection; saturated points are not. What
    cannot be measured is NaN: every feature of a band without points, the shape of a star
    without a period.

    Parameters
    ----------
    light_curves : LightCurves
        The light curves of N stars.
    periods : PeriodResult
        What the search found for them, in the same order.
    bands : sequence of str
        The bands to use, which fix the columns; points in others are ignored. Bands out of
        `pelsvae_cadence.bands.KNOWN_BANDS`, or others that the light curves have.
    groups : iterable of str
        Groups of features out of `pelsvae_cadence.classify.FEATURE_GROUPS`. Mean magnitudes
        ("magnitude") have to be asked for: they give the distance away.

    Returns
    -------
    FeatureTable
        N stars; the columns are those of `pelsvae_cadence.classify.feature_definitions`. A row
        does not depend on which other stars are there.

    Raises
    ------
    InputError
        If light curves and periods do not belong together, a band or group is unknown, or the fluxes
        are those of difference images: of these nothing follows that is relative to the star's light.

    Warns
    -----
    FeatureWarning
        If a band has no usable point of any star.
    UnknownBandWarning
        If nothing is known of a band.
    """
    if light_curves.flux_kind == "difference":
        raise InputError(
            "these light curves are fluxes of difference images, which have no magnitudes",
            allowed="total fluxes",
            remedy='Read total fluxes (flux_kind="total"), or add the flux of the reference image.',
        )
    if not np.array_equal(light_curves.star_id, periods.star_id):
        raise InputError(
            f"{len(light_curves)} light curves and {len(periods)} periods are not of the same "
            "stars in the same order"
        )
    there = set(np.unique(light_curves.band).tolist())
    definitions = definitions_of(bands, groups, known={*KNOWN_BANDS, *there})
    warn_of_unknown_bands(bands)
    points = relative_flux(light_curves, bands)
    _warn_of_empty_bands(points, light_curves)
    curves = fold(points, periods.frequency)
    values: dict[str, FloatArray] = {}
    wanted = {feature.group for feature in definitions}
    if "period" in wanted:
        values |= _period_features(periods)
    if "shape" in wanted:
        values |= _shape_features(curves)
    if "variability" in wanted:
        values |= _variability_features(points, curves)
    if "amplitude" in wanted or "colour" in wanted:
        values |= _band_ratios(points, curves, [feature.name for feature in definitions])
    if "significance" in wanted:
        values |= _significance_features(periods, curves)
    if "magnitude" in wanted:
        magnitudes = flux_to_mag(np.nan_to_num(points.unit, nan=-1.0))
        values |= {f"mag_{band}": magnitudes[:, b] for b, band in enumerate(points.bands)}
    names = tuple(feature.name for feature in definitions)
    table = np.column_stack([values[name] for name in names])
    table[~np.isfinite(table)] = np.nan
    return FeatureTable(star_id=light_curves.star_id.copy(), names=names, values=table)


def _warn_of_empty_bands(points: RelativeFlux, light_curves: LightCurves) -> None:
    if not len(light_curves):
        return
    empty = [b for b, n in zip(points.bands, points.counts.sum(axis=0), strict=True) if n == 0]
    observed = set(np.unique(light_curves.band).tolist())
    if len(empty) == len(points.bands):
        warnings.warn(
            f"no usable point in the bands {', '.join(empty)}: all features are missing",
            FeatureWarning,
            stacklevel=3,
        )
        return
    for band in empty:
        why = "is all NaN or saturated" if band in observed else "was not observed"
        warnings.warn(f"band {band} {why}: its features are missing", FeatureWarning, stacklevel=3)


def _period_features(periods: PeriodResult) -> dict[str, FloatArray]:
    n, kept = len(periods), min(3, periods.top_frequencies.shape[1])
    top, scores = np.full((2, n, 3), np.nan)
    top[:, :kept] = periods.top_frequencies[:, :kept]
    scores[:, :kept] = periods.top_scores[:, :kept]
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = np.where(scores[:, 0] > 0, (scores[:, 0] - scores[:, 1]) / scores[:, 0], np.nan)
        return {
            "log_period": -np.log10(periods.frequency),
            "log_period_2": -np.log10(top[:, 1]),
            "log_period_3": -np.log10(top[:, 2]),
            "score_gap": gap,
            "n_harmonics": np.where(periods.n_harmonics > 0, periods.n_harmonics, np.nan),
        }


def _shape_features(curves: FoldedCurves) -> dict[str, FloatArray]:
    flux = 1.0 + _REFERENCE_SCALE * curves.evaluate(np.arange(SHAPE_PHASES) / SHAPE_PHASES)
    values = shape_of_curve(-2.5 * np.log10(np.maximum(flux, _DARKEST)))
    values["order"] = curves.order.astype(np.float64)
    for k in (2, 3, 4):  # terms that were not fitted: rounding, not shape
        there = curves.order >= k
        values[f"r{k}1"] = np.where(there, values[f"r{k}1"], 0.0)
        values[f"phi{k}1"] = np.where(there, values[f"phi{k}1"], np.nan)
    signal = curves.chi2_constant - curves.chi2_by_band
    values["odd_share"] = curves.odd_gain / np.maximum(signal + curves.odd_gain, 1e-12)
    return {name: np.where(curves.order > 0, value, np.nan) for name, value in values.items()}


def _significance_features(periods: PeriodResult, curves: FoldedCurves) -> dict[str, FloatArray]:
    alarm = np.maximum(periods.false_alarm_probability, 10.0**_SMALLEST_ALARM)
    searched = periods.status == "ok"
    # Each band by a curve of its own: how far the shapes of the bands differ is known for some
    # classes only, and would tell simulated stars apart better than real ones.
    chi2, freedom = curves.chi2_by_band, curves.freedom_by_band
    signal = curves.chi2_constant - chi2
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.maximum(chi2 / freedom, 1.0)
        return {
            "log_false_alarm": np.where(searched, np.log10(alarm), np.nan),
            "explained": signal / np.maximum(curves.chi2_constant, 1e-12),
            "residual_scatter": np.sqrt(np.maximum(chi2 - freedom, 0.0) / np.maximum(signal, 1e-12)),
            "odd_significance": np.log1p(curves.odd_gain / scale),
        }


def _band_ratios(points: RelativeFlux, curves: FoldedCurves, names: Sequence[str]) -> dict[str, FloatArray]:
    place = {band: b for b, band in enumerate(points.bands)}
    unit = points.unit
    values = {}
    for name in names:
        kind, _, pair = name.rpartition("_")
        kind, _, first = kind.rpartition("_")
        if kind == "colour":
            a, b = place[first], place[pair]
            values[name] = -2.5 * np.log10(unit[:, a] / unit[:, b])
        elif kind == "amplitude_ratio":
            a, b = place[first], place[pair]
            ratio = np.log(curves.scales[:, a] / curves.scales[:, b])
            values[name] = np.where(curves.order > 0, ratio, np.nan)
    return values


@cache
def _statistics() -> tuple[Any, Any]:
    """Make the extractors of the light-curve package, for a band and for all bands together."""
    import light_curve

    percentiles = light_curve.MagnitudePercentageRatio(quantile_numerator=0.25, quantile_denominator=0.05)
    per_band = light_curve.Extractor(
        light_curve.Skew(), light_curve.BeyondNStd(1.0), light_curve.StetsonK(), percentiles
    )
    joint = light_curve.Extractor(
        light_curve.Skew(),
        light_curve.Kurtosis(),
        light_curve.AndersonDarlingNormal(),
        light_curve.EtaE(),
        light_curve.StetsonK(),
        percentiles,
    )
    return per_band, joint


def _variability_features(points: RelativeFlux, curves: FoldedCurves) -> dict[str, FloatArray]:
    per_band, joint = _statistics()
    n_stars, n_bands = points.mean.shape
    # Within a star the points are sorted by band; a band is sorted by time if the curve is.
    order = np.lexsort((points.time, points.star * n_bands + points.band))
    columns = [column[order] for column in (points.time, points.value, points.error)]
    by_band = _run(per_band, columns, points.edges, len(BAND_STATISTICS))
    scales = np.nan_to_num(curves.scales, nan=1.0)[points.star, points.band]
    order = np.lexsort((points.time, points.star))
    columns = [points.time[order], (points.value / scales)[order], (points.error / scales)[order]]
    together = _run(joint, columns, points.edges[::n_bands], len(JOINT_STATISTICS))
    values = {f"joint_{name}": together[:, k] for k, (name, _) in enumerate(JOINT_STATISTICS)}
    with np.errstate(invalid="ignore", divide="ignore"):
        for name in ("joint_anderson_darling", "joint_eta_e"):
            values[name] = np.log10(values[name])
    by_band = by_band.reshape(n_stars, n_bands, -1)
    for b, band in enumerate(points.bands):
        values |= {f"{name}_{band}": by_band[:, b, k] for k, (name, _) in enumerate(BAND_STATISTICS)}
    return values


def _run(
    extractor: Any, columns: list[FloatArray], edges: npt.NDArray[np.int64], n_columns: int
) -> FloatArray:
    """Measure the runs of points between edges; NaN where there are too few."""
    found = np.full((edges.size - 1, n_columns), np.nan)
    enough = np.flatnonzero(np.diff(edges) >= _LEAST_IN_BAND)
    series = [tuple(column[edges[i] : edges[i + 1]] for column in columns) for i in enough.tolist()]
    if series:
        # One thread: the rows must not depend on the machine, and jobs are split by position.
        found[enough] = extractor.many(series, sorted=True, check=False, fill_value=np.nan, n_jobs=1)
    return found
