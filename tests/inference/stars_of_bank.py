"""Stars that are members of the shape bank, and stars drawn anew, at sparse times with noise."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.flux import mag_to_flux
from pelsvae_cadence.inference.bank import GroupShapes, shape_bank
from pelsvae_cadence.inference.points import StarPoints, star_points
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.simulation.simulate import simulate

FloatArray = npt.NDArray[np.float64]

START = 60000.0
BANDS = ("g", "r", "i")


@cache
def model() -> LightCurveModel:
    return LightCurveModel.load()


def group(subtype: str, bands: tuple[str, ...] = BANDS) -> GroupShapes:
    """Members of a subtype; the bank itself is drawn once a process, for `infer` too."""
    return next(g for g in shape_bank(model(), bands).groups if g.subtype == subtype)


def curve(harmonics: npt.ArrayLike, phase: npt.ArrayLike) -> FloatArray:
    """Sum a Fourier series c_0 + 2 Re sum c_k exp(2 pi i k phi), term by term."""
    c = np.asarray(harmonics, dtype=np.complex128)
    x = np.asarray(phase, dtype=np.float64)
    out = np.full(x.shape, c[0].real)
    for k in range(1, c.size):
        out += 2.0 * (c[k] * np.exp(2j * np.pi * k * x)).real
    return out


def nights(n: int, span: float, seed: int) -> FloatArray:
    """Times of n points in as many nights, within eight hours of each."""
    rng = np.random.default_rng(seed)
    night = np.sort(rng.choice(int(span), n, replace=False))
    return START + night + rng.uniform(0.0, 1.0 / 3.0, n)


def member_light_curves(
    shapes: GroupShapes,
    member: int,
    *,
    n: int,
    span: float = 200.0,
    noise: float = 0.02,
    seed: int = 0,
    bands: tuple[str, ...] = BANDS,
    mag: float = 17.0,
) -> LightCurves:
    """One star of a member's own period, colours and shape; `noise` is the relative error."""
    rng = np.random.default_rng(seed + 1)
    mjd = nights(n, span, seed)
    band = np.arange(n) % len(bands)
    phase = (mjd - START) / np.exp(shapes.ln_period[member])
    mean = np.asarray(mag_to_flux(shapes.mean_mag[member] - shapes.mean_mag[member].mean() + mag))[band]
    relative = np.empty(n)
    for b in range(len(bands)):
        relative[band == b] = curve(shapes.harmonics[member, b], phase[band == b])
    error = noise * mean
    return LightCurves(
        star_id=np.array([1]),
        offsets=np.array([0, n]),
        mjd=mjd,
        band=np.array(bands)[band],
        flux=mean * (1.0 + relative) + error * rng.standard_normal(n),
        flux_err=error,
    )


def member_points(shapes: GroupShapes, member: int, **options: object) -> StarPoints:
    return star_points(member_light_curves(shapes, member, **options), 0)  # type: ignore[arg-type]


@cache
def drawn(
    star_class: str,
    subtype: str,
    *,
    n_stars: int,
    n_points: int,
    span: float = 200.0,
    seed: int = 31,
    mag: float = 17.5,
) -> tuple[FloatArray, LightCurves]:
    """Periods, and light curves of stars that are not in the bank, seen by a survey of 24 mag depth."""
    stars = model().sample(star_class, subtype=subtype, n=n_stars, seed=seed)
    stars = model().sample(
        star_class,
        subtype=subtype,
        period=stars.period,
        teff=stars.teff,
        abs_mag_g=stars.abs_mag_g,
        distance_modulus=mag - stars.abs_mag_g,
        seed=seed,
    )
    mjd = nights(n_points, span, seed)
    visits = Visits(
        mjd=mjd,
        band=np.array(BANDS)[np.arange(n_points) % 3],
        m5=np.full(n_points, 24.0),
        night=np.floor(mjd).astype(np.int64),
        visit_id=np.arange(n_points),
        exptime=np.full(n_points, 30.0),
    )
    return np.array(stars.period), simulate(stars, visits, seed=seed, model=model())


def shuffled(light_curves: LightCurves, seed: int) -> LightCurves:
    """The same fluxes in another order within each star and band: nothing of the period is left."""
    rng = np.random.default_rng(seed)
    flux, error = light_curves.flux.copy(), light_curves.flux_err.copy()
    for i in range(len(light_curves)):
        rows = np.arange(light_curves.offsets[i], light_curves.offsets[i + 1])
        for band in np.unique(light_curves.band[rows]):
            mine = rows[light_curves.band[rows] == band]
            other = rng.permutation(mine)
            flux[mine], error[mine] = light_curves.flux[other], light_curves.flux_err[other]
    return LightCurves(
        star_id=light_curves.star_id,
        offsets=light_curves.offsets,
        mjd=light_curves.mjd,
        band=light_curves.band,
        flux=flux,
        flux_err=error,
    )
