"""I light curves of binaries: exact spheres, finished orbits in a checkpoint file, shapes.

Deformed stars are in `roche_orbits`. Both give the flux over one orbit as a function of phase, phase 0
at superior conjunction of the first star. `orbit_shape` turns fluxes into the standard shape.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.training.binaries.systems import BinarySystems
from pelsvae_cadence.training.shapes.harmonics import peak_to_peak, to_standard_shape

__all__ = [
    "compute_orbits",
    "gravity_brightening",
    "half_orbit_phases",
    "limb_darkening",
    "orbit_shape",
    "read_orbits",
    "sphere_orbit",
]

_LOG: Final = logging.getLogger(__name__)
_GRID: Final = 2048


def limb_darkening(teff: npt.ArrayLike) -> FloatArray:
    """Give the linear limb-darkening coefficient in I.

    Parameters
    ----------
    teff : array_like
        Effective temperature in K.

    Returns
    -------
    ndarray of float64
        Coefficient u of I(mu) = 1 - u (1 - mu): a line in log Teff through the run of Claret's
        (2000, A&A 363, 1081) coefficients in I, rounded to 0.05.
    """
    line = np.interp(
        np.log10(np.asarray(teff, dtype=np.float64)),
        np.log10([3300.0, 4000.0, 5000.0, 6000.0, 7000.0, 10000.0, 20000.0, 40000.0]),
        [0.70, 0.65, 0.55, 0.45, 0.40, 0.30, 0.22, 0.18],
    )
    return np.asarray(line, dtype=np.float64)


def gravity_brightening(teff: float) -> float:
    """Give the exponent beta of gravity darkening, T^4 proportional to g^beta.

    Parameters
    ----------
    teff : float
        Effective temperature in K.

    Returns
    -------
    float
        1 for radiative envelopes (von Zeipel 1924, MNRAS 84, 665) from 7200 K, 0.32 for convective
        ones (Lucy 1967, ZA 65, 89).
    """
    return 1.0 if teff >= 7200.0 else 0.32


def _intensity(teff: float) -> float:
    """Blackbody intensity at 800 nm, the middle of the I band, in arbitrary units."""
    return 1.0 / float(np.expm1(14387769.0 / 800.0 / teff))


def _true_anomaly(mean_anomaly: npt.ArrayLike, eccentricity: float) -> FloatArray:
    """Solve Kepler's equation."""
    m = np.mod(np.asarray(mean_anomaly, dtype=np.float64), 2 * np.pi)
    e = m + eccentricity * np.sin(m)
    for _ in range(50):
        step = (e - eccentricity * np.sin(e) - m) / (1.0 - eccentricity * np.cos(e))
        e = e - step
        if np.abs(step).max() < 1e-13:
            break
    half = np.sqrt((1.0 + eccentricity) / (1.0 - eccentricity)) * np.tan(e / 2.0)
    return np.asarray(2.0 * np.arctan(half))


def _blocked(distance: FloatArray, star: float, screen: float, u: float) -> FloatArray:
    """Fraction of a limb-darkened disc of radius `star` hidden by a dark disc of radius `screen`.

    Integrates over 400 rings of equal projected area; the covered arc of a ring is exact.
    """
    rings = 400
    r = star * np.sqrt((np.arange(rings) + 0.5) / rings)
    weight = 1.0 - u * (1.0 - np.sqrt(1.0 - (r / star) ** 2))
    d = np.maximum(distance, 1e-12)[:, None]
    cosine = (d**2 + r**2 - screen**2) / (2.0 * d * r)
    arc = np.arccos(np.clip(cosine, -1.0, 1.0)) / np.pi
    return np.asarray((arc * weight).sum(axis=1) / weight.sum())


def sphere_orbit(systems: BinarySystems, row: int, phase: npt.ArrayLike) -> FloatArray:
    """Compute the flux of one binary with spherical stars and first-order proximity terms.

    Parameters
    ----------
    systems : BinarySystems
        The systems.
    row : int
        Index of the system.
    phase : array_like, shape (n,)
        Phases in cycles of the period; 0 is superior conjunction of the first star.

    Returns
    -------
    ndarray of float64, shape (n,)
        Flux in units of the total light outside eclipse.

    Notes
    -----
    Eclipses of limb-darkened discs are integrated numerically on the Keplerian orbit. The tidal
    term is the leading one of Morris (1985, ApJ 295, 143, eq. 1), amplitude
    0.15 (15 + u)(1 + tau) / (3 - u) q (R / d)^3 sin^2 i, tau = beta/4 x/(1 - exp(-x)) the gravity
    darkening in the band. Reflection and beaming are left out, as in the PHOEBE runs.
    """
    e = float(systems.eccentricity[row])
    omega = np.radians(systems.periastron[row])
    incl = np.radians(systems.inclination[row])
    a = float(systems.separation[row])
    q = float(systems.mass_ratio[row])
    radius = (float(systems.radius_1[row]) / a, float(systems.radius_2[row]) / a)
    teff = (float(systems.teff_1[row]), float(systems.teff_2[row]))
    # Superior conjunction of the first star: true anomaly pi/2 - omega.
    nu_0 = np.pi / 2.0 - omega
    e_0 = 2.0 * np.arctan(np.sqrt((1 - e) / (1 + e)) * np.tan(nu_0 / 2.0))
    mean_0 = e_0 - e * np.sin(e_0)
    nu = _true_anomaly(mean_0 + 2 * np.pi * np.asarray(phase, dtype=np.float64), e)
    distance = (1.0 - e**2) / (1.0 + e * np.cos(nu))
    angle = nu + omega  # pi/2 at superior conjunction of the first star
    projected = distance * np.sqrt(1.0 - (np.sin(angle) * np.sin(incl)) ** 2)
    first_behind = np.sin(angle) > 0
    light = np.array([_intensity(t) * r**2 for t, r in zip(teff, radius, strict=True)])
    light = light * (1.0 - limb_darkening(teff) / 3.0)
    share = light / light.sum()
    flux = np.zeros_like(projected)
    for star in (0, 1):
        u = float(limb_darkening(teff[star]))
        x = 14387769.0 / 800.0 / teff[star]
        tau = gravity_brightening(teff[star]) / 4.0 * x / -np.expm1(-x)
        pull = q if star == 0 else 1.0 / q
        alpha = 0.15 * (15.0 + u) * (1.0 + tau) / (3.0 - u)
        tide = -alpha * pull * (radius[star] / distance) ** 3 * np.sin(incl) ** 2
        behind = first_behind if star == 0 else ~first_behind
        hidden = np.zeros_like(projected)
        near = behind & (projected < radius[0] + radius[1])
        if near.any():
            hidden[near] = _blocked(projected[near], radius[star], radius[1 - star], u)
        # cos 2(angle - pi/2) is -1 at quadrature, where the deformed star is brightest.
        flux += share[star] * (1.0 + tide * np.cos(2 * (angle - np.pi / 2))) * (1.0 - hidden)
    return np.asarray(flux, dtype=np.float64)


def half_orbit_phases(systems: BinarySystems, row: int) -> FloatArray:
    """Choose phases of half an orbit, denser in the eclipses where these are narrow.

    Parameters
    ----------
    systems : BinarySystems
        The systems.
    row : int
        Index of the system.

    Returns
    -------
    ndarray of float64, shape (45,)
        Phases from 0 to 0.5.
    """
    a = float(systems.separation[row])
    reach = (float(systems.radius_1[row]) + float(systems.radius_2[row])) / a
    cos_i = float(np.cos(np.radians(systems.inclination[row])))
    chord = np.sqrt(max(reach**2 - cos_i**2, 0.0))
    half_width = 1.15 * float(np.arcsin(min(chord, 1.0))) / (2 * np.pi)
    if not 0.01 < half_width < 0.15:
        return np.linspace(0.0, 0.5, 45)
    eclipse = np.linspace(0.0, half_width, 17)
    between = np.linspace(half_width, 0.5 - half_width, 13)[1:-1]
    return np.concatenate([eclipse, between, 0.5 - eclipse[::-1]])


def read_orbits(checkpoint: Path, systems: BinarySystems) -> dict[int, tuple[FloatArray, FloatArray]]:
    """Read the finished systems of a checkpoint file.

    Parameters
    ----------
    checkpoint : path
        A file of `compute_orbits`; it may be absent, and its last line may be torn.
    systems : BinarySystems
        The systems wanted. Curves of other systems, or of other parameters under the same number,
        are left alone.

    Returns
    -------
    dict
        (phase, flux) per row of `systems`.
    """
    row_of = {int(number): row for row, number in enumerate(systems.number)}
    finished: dict[int, tuple[FloatArray, FloatArray]] = {}
    if not checkpoint.exists():
        return finished
    for line in checkpoint.read_text().splitlines():
        try:
            entry = json.loads(line)
            curve = (np.array(entry["phase"], dtype=float), np.array(entry["flux"], dtype=float))
            row = row_of.get(int(entry["number"]))
            if row is not None and entry["system"] == systems.fingerprint(row):
                finished[row] = curve
        except (ValueError, KeyError):
            _LOG.warning("a torn line in %s is computed again", checkpoint.name)
    return finished


def compute_orbits(
    systems: BinarySystems,
    checkpoint: Path,
    *,
    runner: Callable[[BinarySystems, int], tuple[FloatArray, FloatArray]],
) -> int:
    """Compute all systems that a checkpoint file does not hold yet.

    Parameters
    ----------
    systems : BinarySystems
        Systems with circular orbits.
    checkpoint : path
        Text file, one JSON object per finished system; a run that was killed goes on from it.
    runner : callable
        What computes one system: `pelsvae_cadence.training.binaries.roche_orbits.roche_orbit`.

    Returns
    -------
    int
        Number of systems computed now. A system that the runner refuses is written with an empty
        curve and so is not tried again.
    """
    finished = read_orbits(checkpoint, systems)
    open_rows = [i for i in range(len(systems)) if i not in finished]
    if not open_rows:
        return 0
    torn = checkpoint.exists() and not checkpoint.read_bytes().endswith(b"\n")
    done = 0
    with checkpoint.open("a") as file:
        if torn:
            file.write("\n")
        for row in open_rows:
            try:
                phase, flux = runner(systems, row)
            except (ValueError, RuntimeError, TypeError) as error:
                # Refused: overflow by a hair's breadth, and necks too thin for the mesh.
                _LOG.warning("system %d refused: %s", systems.number[row], error)
                phase, flux = np.empty(0), np.empty(0)
            entry = {
                "number": int(systems.number[row]),
                "system": systems.fingerprint(row),
                "phase": np.round(phase, 6).tolist(),
                "flux": np.round(flux, 7).tolist(),
            }
            file.write(json.dumps(entry) + "\n")
            file.flush()
            done += 1
    return done


def orbit_shape(
    phase: npt.ArrayLike, flux: npt.ArrayLike, n_harmonics: int
) -> tuple[PhaseCurve, float, float]:
    """Turn the fluxes of an orbit into the standard shape.

    Parameters
    ----------
    phase, flux : array_like, shape (n,)
        Phases, and fluxes: half an orbit from 0 to 0.5 (mirrored here), or a whole one, 0 to
        below 1.
    n_harmonics : int
        Number of harmonics K.

    Returns
    -------
    shape : PhaseCurve
        One standard shape, phase zero at the primary minimum.
    amplitude : float
        Peak-to-peak amplitude in mag.
    truncation : float
        Root mean square of what K harmonics leave out, in units of the amplitude.
    """
    x, y = np.asarray(phase, dtype=np.float64), np.asarray(flux, dtype=np.float64)
    if x[-1] <= 0.5 + 1e-9:
        x = np.concatenate([x, 1.0 - x[-2:0:-1]])
        y = np.concatenate([y, y[-2:0:-1]])
    mag = -2.5 * np.log10(y)
    padded_x = np.concatenate([x[-8:] - 1.0, x, x[:8] + 1.0])
    padded_y = np.concatenate([mag[-8:], mag, mag[:8]])
    grid = np.arange(_GRID) / _GRID
    # Monotone between the points: no overshoot at the edges of eclipses.
    fine = PchipInterpolator(padded_x, padded_y)(grid)
    amplitude = float(np.ptp(fine))
    spectrum = np.fft.rfft(fine)[1 : n_harmonics + 1] * 2.0 / _GRID
    curve = PhaseCurve(cos=spectrum.real[None], sin=-spectrum.imag[None])
    rest = fine - fine.mean() - curve.evaluate(grid)[0]
    truncation = float(np.sqrt(np.mean(rest**2))) / amplitude
    shape = to_standard_shape(curve, binary=True)
    return shape, float(peak_to_peak(curve)[0]), truncation
