"""Simulated stars whose truths are drawn from the prior that `infer` uses.

Simulation-based calibration (Talts et al. 2018, arXiv:1804.06788): if truths follow the prior, and the noise
what the likelihood supposes, then truths lie anywhere among the samples of their posterior alike.
Classes are alike likely, subtypes as in the model's population; periods have half the density of the
population and half a flat one; temperature, luminosity, amplitude and shape are drawn given the period;
E(B-V) is exponential, distance moduli are flat at a given apparent magnitude; zero points and
colours scatter from band to band as the posterior allows for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.flux import flux_to_mag
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.inference.bank import shape_bank
from pelsvae_cadence.inference.physics.dust import EBV_SCALE
from pelsvae_cadence.inference.points import colour_scatter
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.photometry.magnitudes import at_magnitude
from pelsvae_cadence.simulation.simulate import simulate
from pelsvae_cadence.stars import Stars
from pelsvae_cadence.validate.periods.control import control_visits

__all__ = ["CADENCES", "SimulatedStars", "simulated_stars"]

#: Cadences: years of the control cadence, and points kept; all of them if None.
CADENCES: Final[dict[str, tuple[float, int | None]]] = {
    "10 yr": (10.0, None),
    "1 yr": (1.0, None),
    "40 points": (1.0, 40),
}
# Apparent r magnitudes, below saturation and well detected.
_MAGNITUDES: Final = (17.5, 21.0)
# The ecliptic pole: elsewhere the Earth's way round the Sun, which is not taken off the times of points,
# moves periods of a season by up to 1e-4, many times their error.
_POLE: Final = (90.0, -66.56)
_STARS_OF_CADENCE: Final = 12


@dataclass(frozen=True, kw_only=True)
class SimulatedStars:
    """Stars with their truths and their light curves.

    Parameters
    ----------
    stars : Stars
        The truths.
    light_curves : LightCurves
        The points.
    """

    stars: Stars
    light_curves: LightCurves


def simulated_stars(
    model: LightCurveModel,
    classes: Sequence[str],
    n: int,
    cadence: str,
    *,
    scattered: bool = True,
    seed: int = 0,
) -> SimulatedStars:
    """Draw stars from the prior and observe them.

    Parameters
    ----------
    model : LightCurveModel
        The source model.
    classes : sequence of str
        Classes, each as likely as the others.
    n : int
        Number of stars.
    cadence : str
        Out of `CADENCES`.
    scattered : bool
        Whether colours scatter about those of the model, as real ones do.
    seed : int
        Seed of truths, cadences and noise. The shapes of the posterior's own bank have other seeds.

    Returns
    -------
    SimulatedStars
        The stars.
    """
    years, n_points = CADENCES[cadence]
    stars = _stars(model, classes, n, seed)
    parts = []
    for start in range(0, n, _STARS_OF_CADENCE):
        part = stars.take(np.arange(start, min(start + _STARS_OF_CADENCE, n)))
        visits = control_visits(7000 + 1000 * seed + start, years)
        curves = simulate(part, visits, seed=seed, curve=model.phase_curve(part, extrapolate="flag"))
        parts.append(curves if n_points is None else _some_points(curves, n_points, seed))
    curves = LightCurves.concatenate(parts)
    if scattered:
        curves = _with_scatter(curves, stars, seed)
    return SimulatedStars(stars=stars, light_curves=curves)


def _stars(model: LightCurveModel, classes: Sequence[str], n: int, seed: int) -> Stars:
    random, ids = KeyedRandom(seed=seed), np.arange(n)
    groups = shape_bank(model, ("r",)).groups
    kind = np.array(classes)[(random.uniform("class", ids) * len(classes)).astype(int)]
    u, step = random.uniform("subtype", ids), random.normal("period kernel", ids)
    parts = []
    for name in classes:
        mine = np.flatnonzero(kind == name)
        own = [group for group in groups if group.star_class == name]
        edges = np.cumsum([group.share for group in own])
        which = np.minimum(np.searchsorted(edges / edges[-1], u[mine]), len(own) - 1)
        for j, group in enumerate(own):
            rows = mine[which == j]
            if not rows.size:
                continue
            total = np.cumsum(group.density)
            member = np.searchsorted(total / total[-1], random.uniform("period", rows))
            ln_period = group.ln_period[np.minimum(member, len(group) - 1)] + group.width * step[rows]
            low, high = np.log(model.ranges(name, group.subtype)["period"])
            parts.append(
                model.sample(
                    name,
                    subtype=group.subtype,
                    # A period beyond the range is mirrored into it.
                    period=np.exp(high - np.abs(high - low - np.abs(ln_period - low))),
                    star_id=rows,
                    seed=seed + 50,
                    ebv=-EBV_SCALE * np.log(random.uniform("dust", rows)),
                    ra=_POLE[0],
                    dec=_POLE[1],
                    extrapolate="flag",
                )
            )
    stars = Stars.concatenate(parts)
    stars = stars.take(np.argsort(stars.star_id))
    magnitude = _MAGNITUDES[0] + (_MAGNITUDES[1] - _MAGNITUDES[0]) * random.uniform("magnitude", ids)
    return at_magnitude(stars, "r", magnitude)


def _some_points(curves: LightCurves, n_points: int, seed: int) -> LightCurves:
    """Keep some points of each star."""
    keep = np.zeros(curves.n_points, dtype=np.bool_)
    random = KeyedRandom(seed=seed)
    for i, star_id in enumerate(curves.star_id.tolist()):
        rows = np.arange(curves.n_points)[curves.rows(i)]
        drawn = random.uniform("points kept", star_id, np.arange(rows.size))
        keep[rows[np.argsort(drawn, kind="stable")[:n_points]]] = True
    return curves.keep(keep)


def _with_scatter(curves: LightCurves, stars: Stars, seed: int) -> LightCurves:
    """Shift the zero point of each star and band."""
    random = KeyedRandom(seed=seed)
    bands = tuple(np.unique(curves.band).tolist())
    factor: FloatArray = np.ones(curves.n_points)
    for i, star_id in enumerate(stars.star_id.tolist()):
        rows = curves.rows(i)
        scatter = colour_scatter(bands, str(stars.star_class[i]))
        shift = scatter * random.normal("zero points", star_id, np.arange(len(bands)))
        factor[rows] = 10.0 ** (-0.4 * shift[np.searchsorted(bands, curves.band[rows])])
    flux, error = curves.flux * factor, curves.flux_err * factor
    return replace(
        curves,
        flux=flux,
        flux_err=error,
        mag=np.where(curves.detected, flux_to_mag(flux), np.nan),
        mag_err=curves.mag_err,
    )
