"""Modes of the posterior: frequency and subtype, their evidence, and the fit that stands for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from pelsvae_cadence.bands import band_filter
from pelsvae_cadence.inference.local_fit import Hypotheses, LocalFits, fit_hypotheses
from pelsvae_cadence.inference.matching import AMPLITUDE_SCATTER, GroupDesign, PointSums, match, point_sums
from pelsvae_cadence.inference.points import StarPoints, expected_offsets, offset_precision
from pelsvae_cadence.inference.scan import Candidates, highest_maxima
from pelsvae_cadence.inference.slack import curves_with_slack, harmonic_curves

__all__ = ["FIT_ERROR", "UNSEEN", "Mode", "any_colours", "class_modes", "free_modes"]

FloatArray = npt.NDArray[np.float64]

#: In place of a subtype's index: a shape unlike all classes.
UNSEEN: Final = -1

#: Error of the model in units of the star's scatter, for members with slack.
FIT_ERROR: Final = 0.08
_MODEL_ERROR: Final = 0.08  # for members as they are
_MEMBERS: Final = 3  # of each frequency and subtype that are fitted
_MODES_OF_SUBTYPE: Final = 12
_MODES: Final = 40
_DROP: Final = 30.0  # in log evidence: what is further below is not fitted
_MOST_LEFT_OUT: Final = 3.0  # log of (all members / those fitted)
# Shapes that nobody has seen: harmonics, and their size in units of the star's scatter.
_HARMONICS_FEW: Final = 4
_HARMONICS_MANY: Final = 8
_SIZES: Final = np.array([0.9, 2.2])
_HARMONICS_NARROW: Final = 48
_UNKNOWN_COLOUR: Final = "LPV"  # the class whose colours scatter most


@dataclass(frozen=True, kw_only=True)
class Mode:
    """One frequency with one kind of shape.

    Parameters
    ----------
    log_evidence : float
        Log of evidence times prior.
    frequency, frequency_error : float
        In 1/d.
    group : int
        Index of the subtype, or `UNSEEN`.
    member : int
        The member that fits best; -1 without one.
    phase : float
        Phase in cycles at the star's zero of time.
    curves : ndarray of complex128, shape (n_bands, K + 1)
        Fourier coefficients of the fitted curve of relative flux.
    offset : ndarray of float64, shape (n_bands,)
        Mean relative fluxes.
    """

    log_evidence: float
    frequency: float
    frequency_error: float
    group: int
    member: int
    phase: float
    curves: npt.NDArray[np.complex128]
    offset: FloatArray


@dataclass(frozen=True, kw_only=True)
class _Best:
    """The best members at the frequencies of one subtype."""

    total: FloatArray  # (F,)
    member: npt.NDArray[np.int64]  # (F, m)
    evidence: FloatArray  # (F, m)
    phase: FloatArray  # (F, m)


def _log_density(
    design: GroupDesign, member: npt.NDArray[np.int64] | slice, frequency: FloatArray
) -> FloatArray:
    """Give the log prior density in 1/d of a frequency and a member."""
    shapes = design.shapes
    distance = (np.log(frequency) + shapes.ln_period[member]) / shapes.width
    return np.asarray(
        np.log(shapes.density[member])
        - 0.5 * distance**2
        - np.log(shapes.width * np.sqrt(2.0 * np.pi))
        - np.log(frequency)
    )


def _match_all(
    star: StarPoints,
    design: GroupDesign,
    frequency: FloatArray,
    wanted: npt.NDArray[np.bool_],
    weight: FloatArray,
    sums: PointSums,
    colours: bool,
) -> _Best:
    x = -np.log(frequency)
    shapes = design.shapes
    near = np.flatnonzero(
        wanted & (x > shapes.ln_period[0] - design.reach) & (x < shapes.ln_period[-1] + design.reach)
    )
    m = min(_MEMBERS, len(shapes))
    total = np.full(frequency.size, -np.inf)
    member = np.zeros((frequency.size, m), dtype=np.int64)
    evidence = np.full((frequency.size, m), -np.inf)
    phase = np.zeros((frequency.size, m))
    if near.size:
        rows = np.searchsorted(sums.frequency, frequency[near])
        matched, at = match(star, weight, sums.take(rows), design, colours=colours)
        own = matched + _log_density(design, slice(None), frequency[near][:, None])
        total[near] = logsumexp(own, axis=1)
        top = np.argpartition(-own, m - 1, axis=1)[:, :m]
        member[near] = top
        evidence[near] = np.take_along_axis(own, top, axis=1)
        phase[near] = np.take_along_axis(at, top, axis=1) / design.n_phases
    return _Best(total=total, member=member, evidence=evidence, phase=phase)


def class_modes(
    star: StarPoints,
    designs: Sequence[GroupDesign],
    priors: Mapping[str, float],
    candidates: Candidates,
    *,
    colours: bool,
) -> list[Mode]:
    """Give the modes of all classes.

    Parameters
    ----------
    star : StarPoints
        The points.
    designs : sequence of GroupDesign
        All members of the subtypes.
    priors : mapping of str to float
        Prior probabilities of the classes.
    candidates : Candidates
        Frequencies, and the subtypes to be matched there.
    colours : bool
        Whether mean colours count.

    Returns
    -------
    list of Mode
        The fitted modes.
    """
    frequency = candidates.frequency
    if not frequency.size:
        return []
    prior = [np.log(priors[d.shapes.star_class] * d.shapes.share) for d in designs]
    weight = star.with_model_error(_MODEL_ERROR) ** -2.0
    used = frequency[candidates.wanted.any(axis=0)]
    sums = point_sums(star, weight, used, max(design.n_harmonics for design in designs))
    best = [
        _match_all(star, design, frequency, candidates.wanted[j], weight, sums, colours)
        for j, design in enumerate(designs)
    ]
    found = [
        (float(one.total[i] + prior[j]), j, int(i))
        for j, one in enumerate(best)
        for i in highest_maxima(one.total, _MODES_OF_SUBTYPE)
    ]
    found.sort(key=lambda item: -item[0])
    found = [item for item in found if item[0] > found[0][0] - _DROP][:_MODES]
    modes: list[Mode] = []
    for j, design in enumerate(designs):
        rows = np.array([i for _, group, i in found if group == j], dtype=np.int64)
        if rows.size:
            modes += _fit_members(star, design, j, prior[j], frequency, best[j], rows, colours)
    return modes


def _fit_members(
    star: StarPoints,
    design: GroupDesign,
    group: int,
    prior: float,
    frequency: FloatArray,
    best: _Best,
    rows: npt.NDArray[np.int64],
    colours: bool,
) -> list[Mode]:
    """Fit the best members at each of some frequencies."""
    shapes = design.shapes
    n_members = best.member.shape[1]
    which = np.repeat(np.arange(rows.size), n_members)
    usable = np.isfinite(best.evidence[rows].ravel())
    which, member = which[usable], best.member[rows].ravel()[usable]
    precision = offset_precision(star.bands, np.isfinite(star.mean_mag), shapes.star_class, colours)
    curves = curves_with_slack(shapes, member)
    fits = fit_hypotheses(
        star,
        star.with_model_error(FIT_ERROR),
        Hypotheses(
            frequency=frequency[rows][which],
            phase=best.phase[rows].ravel()[usable],
            curves=curves,
            offset=expected_offsets(star, shapes.mean_mag[member]),
            precision=np.broadcast_to(precision, (member.size, *precision.shape)),
            amplitude_scatter=np.full(member.size, AMPLITUDE_SCATTER),
        ),
    )
    own = fits.log_evidence + _log_density(design, member, fits.frequency) + prior
    modes = []
    for q, row in enumerate(rows.tolist()):
        mine = np.flatnonzero(which == q)
        # Members that were not fitted count as they did before the fits.
        rest = min(float(best.total[row] - logsumexp(best.evidence[row])), _MOST_LEFT_OUT)
        modes.append(_mode(fits, curves, own, mine, rest, group, member))
    return modes


def _mode(
    fits: LocalFits,
    curves: npt.NDArray[np.complex128],
    own: FloatArray,
    mine: npt.NDArray[np.intp],
    rest: float,
    group: int,
    member: npt.NDArray[np.int64] | None,
) -> Mode:
    top = int(mine[np.argmax(own[mine])])
    return Mode(
        log_evidence=float(logsumexp(own[mine]) + rest),
        frequency=float(fits.frequency[top]),
        frequency_error=float(fits.frequency_error[top]),
        group=group,
        member=-1 if member is None else int(member[top]),
        phase=float(fits.phase[top]),
        curves=curves[top] @ fits.coefficients[top],
        offset=fits.offset[top],
    )


def any_colours(star: StarPoints, mean_mag: FloatArray, colours: bool) -> tuple[FloatArray, FloatArray]:
    """Give expected offsets and their precision of a star of no known class: mean colours, loosely."""
    precision = offset_precision(star.bands, np.isfinite(star.mean_mag), _UNKNOWN_COLOUR, colours)
    return expected_offsets(star, mean_mag), precision


def free_modes(
    star: StarPoints,
    frequency: FloatArray,
    mean_mag: FloatArray,
    log_prior: float,
    limits: tuple[float, float],
    *,
    colours: bool,
    eclipses_of: int | None = None,
) -> list[Mode]:
    """Give the modes of shapes that the bank does not hold: free harmonics at some frequencies.

    Parameters
    ----------
    star : StarPoints
        The points.
    frequency : ndarray of float64, shape (F,)
        Frequencies in 1/d.
    mean_mag : ndarray of float64, shape (n_bands,)
        Typical absolute magnitudes, for the colours.
    log_prior : float
        Log of the prior probability of such a shape.
    limits : (float, float)
        Lowest and highest frequency in 1/d, over which ln P has a flat prior.
    colours : bool
        Whether mean colours count.
    eclipses_of : int, optional
        Index of the subtype of narrow eclipses: many harmonics, all alike, the same in all bands.
        Otherwise the shape is `UNSEEN`: few harmonics, falling with their order.

    Returns
    -------
    list of Mode
        The fitted modes.
    """
    if not frequency.size or log_prior == -np.inf:
        return []
    offset, precision = any_colours(star, mean_mag, colours)
    even = np.ones(len(star.bands))
    if eclipses_of is None:
        n_harmonics = _HARMONICS_FEW if star.has_few_points else _HARMONICS_MANY
        # Amplitudes of a pulsating star, or the same in all bands.
        ratios = [np.array([band_filter(band).amplitude for band in star.bands]), even]
    else:
        n_harmonics, ratios = _HARMONICS_NARROW, [even]
    kinds = np.concatenate(
        [
            harmonic_curves(ratio, _SIZES * star.scatter, n_harmonics, narrow=eclipses_of is not None)
            for ratio in ratios
        ]
    )
    which = np.repeat(np.arange(frequency.size), len(kinds))
    curves = np.tile(kinds, (frequency.size, 1, 1, 1))
    n = which.size
    fits = fit_hypotheses(
        star,
        star.with_model_error(FIT_ERROR),
        Hypotheses(
            frequency=frequency[which],
            phase=np.zeros(n),
            curves=curves,
            offset=np.broadcast_to(offset, (n, offset.size)),
            precision=np.broadcast_to(precision, (n, *precision.shape)),
            amplitude_scatter=np.full(n, AMPLITUDE_SCATTER),
        ),
        shape="free",
    )
    density = -np.log(fits.frequency) - np.log(np.log(limits[1] / limits[0]))
    own = fits.log_evidence + density + log_prior - np.log(len(kinds))
    group = UNSEEN if eclipses_of is None else eclipses_of
    return [
        _mode(fits, curves, own, np.flatnonzero(which == q), 0.0, group, None) for q in range(frequency.size)
    ]
