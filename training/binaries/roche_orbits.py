"""Light curves of circular Roche binaries with PHOEBE's compiled geometry, without its bundles.

PHOEBE spends nine tenths of its time on parameters and constraints. Here the same compiled
routines (surface triangulation, visibility of triangles; module ``libphoebe``) are called directly,
with the same physics as PHOEBE's own runs: blackbodies in I, linear limb darkening, gravity
darkening, synchronous rotation, no irradiation. Full runs, kept in ``phoebe_reference.jsonl``, are
the reference that `dataset_report` compares it with.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.training.binaries.spheres import gravity_brightening, half_orbit_phases, limb_darkening
from pelsvae_cadence.training.binaries.systems import BinarySystems

__all__ = ["roche_orbit"]

_SECOND_RADIATION: Final = 1.438776877e8  # hc/k [Angstrom K], CODATA 2018
#: Triangles per star. Where no eclipse needs the visibility routine, more cost nothing.
_TRIANGLES: Final = 700
_TRIANGLES_WITHOUT_ECLIPSE: Final = 2500


def _i_band_response() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Read the Cousins I curve."""
    try:
        import speclite.filters
    except ImportError as error:
        raise InputError(
            "binary light curves need the package speclite", remedy="pip install speclite"
        ) from error
    curve = speclite.filters.load_filters("bessell-I")[0]
    return np.asarray(curve.wavelength, dtype=float), np.asarray(curve.response, dtype=float)


@lru_cache(maxsize=1)
def _intensity_table() -> tuple[FloatArray, FloatArray]:
    wavelength, response = _i_band_response()
    teff = np.geomspace(2000.0, 60000.0, 400)
    x = _SECOND_RADIATION / np.outer(teff, wavelength)
    # Energy-weighted mean of the Planck function, constants left out.
    planck = (wavelength / 8000.0) ** -5 / np.expm1(x)
    mean = np.trapezoid(planck * response, wavelength) / np.trapezoid(response, wavelength)
    return np.log(teff), np.log(mean)


def _i_band_intensity(teff: npt.ArrayLike) -> FloatArray:
    """Planck's function of a temperature [K], averaged over the Cousins I curve, in arbitrary units."""
    log_teff, log_intensity = _intensity_table()
    return np.asarray(np.exp(np.interp(np.log(np.asarray(teff)), log_teff, log_intensity)))


def _contact_radius(mass_ratio: float, fillout: float) -> float:
    """Give the size of the first star of a contact binary."""
    os.environ.setdefault("PHOEBE_ENABLE_ONLINE_PASSBANDS", "FALSE")
    os.environ.setdefault("PHOEBE_ENABLE_EXTERNAL_ATMS", "FALSE")
    import phoebe
    from phoebe.constraints.builtin import requiv_contact_L1, requiv_contact_L23

    phoebe.logger(clevel="ERROR")

    low = float(requiv_contact_L1(q=mass_ratio, sma=1.0, compno=1))
    high = float(requiv_contact_L23(q=mass_ratio, sma=1.0, compno=1))
    return low + float(fillout) * (high - low)


@dataclass(frozen=True, kw_only=True)
class _Surface:
    """Triangles of one or both stars in units of the separation, first star at the origin."""

    vertices: FloatArray
    triangles: npt.NDArray[Any]
    normals: FloatArray
    areas: FloatArray
    intensity: FloatArray
    darkening: FloatArray


def _gravity(centres: FloatArray, q: float) -> FloatArray:
    """Norm of the gradient of the Roche potential (Kopal 1959; d = F = 1)."""
    x, y, z = centres.T
    near = (x**2 + y**2 + z**2) ** 1.5
    far = ((1.0 - x) ** 2 + y**2 + z**2) ** 1.5
    gx = -x / near + q * ((1.0 - x) / far - 1.0) + (1.0 + q) * x
    gy = -y / near - q * y / far + (1.0 + q) * y
    gz = -z / near - q * z / far
    return np.asarray(np.sqrt(gx**2 + gy**2 + gz**2))


def _brightness(mesh: dict[str, Any], q: float, teff: float, mask: npt.NDArray[np.bool_]) -> FloatArray:
    """Local intensity: T^4 goes with g^beta about the mean temperature of the star."""
    law = _gravity(mesh["centers"][mask], q) ** gravity_brightening(teff)
    mean = float((law * mesh["areas"][mask]).sum() / mesh["areas"][mask].sum())
    return _i_band_intensity(teff * (law / mean) ** 0.25)


def _mesh(library: Any, q: float, potential: float, choice: int, n: int) -> dict[str, Any]:
    size = library.roche_area_volume(q, 1.0, 1.0, potential, choice=choice, larea=True, lvolume=True)
    # Side of an equilateral triangle when n of them cover the surface.
    side = float(np.sqrt(4.0 / np.sqrt(3.0) * size["larea"] / n))
    made: dict[str, Any] = library.roche_marching_mesh(
        q,
        1.0,
        1.0,
        potential,
        delta=side,
        choice=choice,
        full=True,
        max_triangles=3 * n,
        vertices=True,
        triangles=True,
        centers=True,
        vnormals=False,
        tnormals=True,
        cnormals=False,
        vnormgrads=False,
        cnormgrads=False,
        areas=True,
        volume=False,
        init_phi=0.0,
    )
    return made


def _detached(library: Any, systems: BinarySystems, row: int, n: int) -> list[_Surface]:
    q = float(systems.mass_ratio[row])
    a = float(systems.separation[row])
    surfaces = []
    for first, radius, teff in (
        (True, systems.radius_1[row] / a, float(systems.teff_1[row])),
        (False, systems.radius_2[row] / a, float(systems.teff_2[row])),
    ):
        own_q = q if first else 1.0 / q
        volume = 4.0 / 3.0 * np.pi * float(radius) ** 3
        # The general routine finds surfaces closer to the lobe than the aligned one does.
        potential = library.roche_misaligned_Omega_at_vol(volume, own_q, 1.0, 1.0, np.array([0.0, 0.0, 1.0]))
        mesh = _mesh(library, own_q, potential, 0, n)
        intensity = _brightness(mesh, own_q, teff, np.ones(len(mesh["areas"]), dtype=bool))
        vertices, normals = mesh["vertices"], mesh["tnormals"]
        if not first:
            # Turn the second star by half a turn about the axis of the orbit and move it to x = 1.
            turn = np.array([-1.0, -1.0, 1.0])
            vertices, normals = vertices * turn + np.array([1.0, 0.0, 0.0]), normals * turn
        surfaces.append(
            _Surface(
                vertices=vertices,
                triangles=mesh["triangles"],
                normals=normals,
                areas=mesh["areas"],
                intensity=intensity,
                darkening=np.full(len(mesh["areas"]), float(limb_darkening(teff))),
            )
        )
    return surfaces


def _contact(library: Any, systems: BinarySystems, row: int, n: int) -> list[_Surface]:
    q = float(systems.mass_ratio[row])
    radius = _contact_radius(q, float(systems.fillout[row]))
    volume = 4.0 / 3.0 * np.pi * radius**3
    potential = library.roche_contact_Omega_at_partial_vol(volume, np.pi / 2.0, q, 1.0, choice=0)
    neck = float(library.roche_contact_neck_min(np.pi / 2.0, q, 1.0, potential)["xmin"])
    mesh = _mesh(library, q, potential, 2, 2 * n)
    of_first = mesh["centers"][:, 0] <= neck
    intensity, darkening = np.empty(of_first.size), np.empty(of_first.size)
    for mask, teff in ((of_first, systems.teff_1[row]), (~of_first, systems.teff_2[row])):
        intensity[mask] = _brightness(mesh, q, float(teff), mask)
        darkening[mask] = float(limb_darkening(teff))
    return [
        _Surface(
            vertices=mesh["vertices"],
            triangles=mesh["triangles"],
            normals=mesh["tnormals"],
            areas=mesh["areas"],
            intensity=intensity,
            darkening=darkening,
        )
    ]


def _may_hide(systems: BinarySystems, row: int, phase: FloatArray) -> npt.NDArray[np.bool_]:
    """Phases at which one star may hide part of another: discs 30 % larger than they are touch.

    A star inside its lobe is convex and reaches at most 30 % beyond its mean radius. Contact
    envelopes have a waist and may hide themselves at any phase.
    """
    if np.isfinite(systems.fillout[row]):
        return np.ones(phase.size, dtype=bool)
    a = float(systems.separation[row])
    reach = 1.3 * (float(systems.radius_1[row]) + float(systems.radius_2[row])) / a
    sin_i = np.sin(np.radians(systems.inclination[row]))
    projected = np.sqrt(1.0 - (sin_i * np.cos(2 * np.pi * phase)) ** 2)
    return np.asarray(projected < reach)


def roche_orbit(systems: BinarySystems, row: int) -> tuple[FloatArray, FloatArray]:
    """Compute the flux of one circular binary over half an orbit.

    Parameters
    ----------
    systems : BinarySystems
        The systems.
    row : int
        Index of the system.

    Returns
    -------
    phase, flux : ndarray of float64, shape (n,)
        Phases from 0 (superior conjunction of the first star) to 0.5, denser in eclipse, and
        fluxes relative to the brightest.

    Raises
    ------
    InputError
        If the orbit is eccentric, or a surface cannot be triangulated.
    """
    if systems.eccentricity[row] != 0:
        raise InputError("an eccentric orbit", allowed="eccentricity 0")
    try:
        libphoebe: Any = importlib.import_module("libphoebe")
    except ImportError as error:
        raise InputError(
            "binary light curves need the package phoebe", remedy="pip install phoebe"
        ) from error
    contact = bool(np.isfinite(systems.fillout[row]))
    phase = half_orbit_phases(systems, row)
    incl = np.radians(systems.inclination[row])
    hidden = _may_hide(systems, row, phase)
    n = _TRIANGLES if hidden.any() else _TRIANGLES_WITHOUT_ECLIPSE
    try:
        surfaces = (_contact if contact else _detached)(libphoebe, systems, row, n)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"system {int(systems.number[row])} has no surface: {error}") from error
    offsets = np.cumsum([0] + [len(s.vertices) for s in surfaces])
    vertices = np.concatenate([s.vertices for s in surfaces])
    triangles = np.concatenate(
        [s.triangles + offset for s, offset in zip(surfaces, offsets, strict=False)]
    ).astype(surfaces[0].triangles.dtype)
    normals = np.concatenate([s.normals for s in surfaces])
    light = np.concatenate([s.areas * s.intensity for s in surfaces])
    darkening = np.concatenate([s.darkening for s in surfaces])
    flux = np.empty(phase.size)
    for i, angle in enumerate(2 * np.pi * phase):
        # The observer turns backwards in the frame of the orbit.
        view = np.array([np.sin(incl) * np.cos(angle), -np.sin(incl) * np.sin(angle), np.cos(incl)])
        mu = normals @ view
        share = np.where(mu > 0, mu * (1.0 - darkening * (1.0 - mu)), 0.0)
        if hidden[i]:
            share = share * np.asarray(
                libphoebe.mesh_visibility(
                    view,
                    vertices,
                    triangles,
                    normals,
                    tvisibilities=True,
                    taweights=False,
                    method=b"boolean",
                    horizon=False,
                )["tvisibilities"]
            )
        flux[i] = float((light * share).sum())
    return phase, flux / flux.max()
