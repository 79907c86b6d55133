r"""Where variable stars are: spatial models of the Galaxy and the Magellanic Clouds.

Each component is sampled by inverting its distribution functions at keyed uniform numbers, so that
the place of a star depends on (seed, star_id) alone. Scale lengths are published ones; which share
of a class lies in which component follows the counts of known stars and is rounded.

Heliocentric Galactic longitude, latitude and distance map to Galactocentric axes
:math:`X = d\cos b\cos l - R_0`, :math:`Y = d\cos b\sin l`, :math:`Z = d\sin b + z_\odot` (kpc).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import gammainc, gammaincinv, k0, ndtri

from pelsvae_cadence.classes import parse_star_class
from pelsvae_cadence.core.arrays import column
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom

__all__ = [
    "COMPONENTS",
    "LMC_CENTRE",
    "R_SUN",
    "SMC_CENTRE",
    "SPATIAL_MODELS",
    "Z_SUN",
    "Places",
    "choose_components",
    "component_weights",
    "draw_places",
    "equatorial_to_galactic",
    "galactic_to_equatorial",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Distance of the Galactic centre in kpc: GRAVITY Collaboration 2019 (A&A 625, L10).
R_SUN: Final = 8.178
#: Height of the Sun above the plane in kpc: Bennett & Bovy 2019 (MNRAS 482, 1417).
Z_SUN: Final = 0.0208

#: Right ascension, declination [deg] and distance modulus [mag] of the Large Magellanic Cloud:
#: Pietrzynski et al. 2019 (Nature 567, 200).
LMC_CENTRE: Final = (80.05, -69.30, 18.477)
#: The same of the Small Magellanic Cloud: de Vaucouleurs & Freeman 1972 (Vistas in Astronomy 14,
#: 163) for the centre, Graczyk et al. 2020 (ApJ 904, 13) for the distance.
SMC_CENTRE: Final = (13.19, -72.83, 18.977)

# Rotation from ICRS to Galactic axes: ESA 1997, The Hipparcos Catalogue, vol. 1, eq. 1.5.11.
_TO_GALACTIC: Final = (
    (-0.0548755604162154, -0.8734370902348850, -0.4838350155487132),
    (+0.4941094278755837, -0.4448296299600112, +0.7469822444972189),
    (-0.8676661490190047, -0.1980763734312015, +0.4559837761750669),
)

# Discs (Juric et al. 2008, ApJ 673, 864, table 10): scale length and height in kpc. The height of
# the young disc is that of classical Cepheids (Skowron et al. 2019, Science 365, 478: 74 pc).
_DISCS: Final = {
    "young-disc": (2.6, 0.074, 4.0, 16.0),
    "thin-disc": (2.6, 0.30, 0.0, 20.0),
    "thick-disc": (3.6, 0.90, 0.0, 20.0),
}
# Bar of the red clump stars, scale lengths in kpc and angle to the line of sight in degrees: Cao
# et al. 2013 (MNRAS 434, 595). Their boxy radius is replaced by the ellipsoidal one.
_BAR: Final = (0.68, 0.28, 0.25, 29.4)
# Halo of RR Lyrae stars: r^-2.7 to 25 kpc, then r^-3.8, flattening 0.7, after Juric et al. 2008
# (n = 2.8, q = 0.64), Sesar et al. 2010 (ApJ 708, 717) and Watkins et al. 2009 (MNRAS 398, 1757).
_HALO: Final = (2.7, 3.8, 25.0, 0.7)
_HALO_LIMITS: Final = (0.5, 150.0)  # kpc; a power law needs ends
# LMC disc: inclination and position angle of the line of nodes in degrees (Pietrzynski et al.
# 2019), scale length in kpc (van der Marel 2001, AJ 122, 1827), thickness in kpc (estimate).
_LMC: Final = (25.0, 132.0, 1.4, 0.4)
# SMC: Gaussian of this width on the sky in kpc (estimate) and along the line of sight in kpc
# (Subramanian & Subramaniam 2012, ApJ 744, 128).
_SMC: Final = (1.2, 4.5)

#: Components of the model.
COMPONENTS: Final = ("young-disc", "thin-disc", "thick-disc", "bulge", "halo", "LMC", "SMC")

#: What a user may ask for: one component, the Milky Way (``"galaxy"``) or everything (``"sky"``).
SPATIAL_MODELS: Final = ("galaxy", "sky", *COMPONENTS)

# Thousands of known stars per component. RRLYR: Soszynski et al. 2019 (AcA 69, 321), 2016 (AcA 66,
# 131) and Gaia DR3 (Clementini et al. 2023, A&A 674, A18); CEP: Soszynski et al. 2017 (AcA 67,
# 103), Pietrukowicz et al. 2021 (AcA 71, 205); LPV (Miras): Iwanek et al. 2022 (ApJS 260, 46) and
# the OGLE-III counts of the Clouds; ECL, ELL: Soszynski et al. 2016 (AcA 66, 405), Pawlak et al.
# 2016 (AcA 66, 421); T2CEP, ACEP: Soszynski et al. 2017, 2018 (AcA 68, 89), 2020 (AcA 70, 101);
# DSCT: Pietrukowicz et al. 2020 (AcA 70, 241), Soszynski et al. 2021 (AcA 71, 189). The division
# between the discs and between thick disc and halo is an estimate.
_KNOWN: Final[dict[str, dict[str, float]]] = {
    "ACEP": {"halo": 0.12, "LMC": 0.14, "SMC": 0.12},
    "CEP": {"young-disc": 3.7, "LMC": 4.7, "SMC": 4.9},
    "DSCT": {"thin-disc": 30.0, "thick-disc": 4.0, "LMC": 3.0},
    "ECL": {"thin-disc": 350.0, "thick-disc": 30.0, "bulge": 90.0, "LMC": 40.0, "SMC": 8.4},
    "ELL": {"thin-disc": 10.0, "bulge": 15.0, "LMC": 1.1},
    "LPV": {"thin-disc": 26.0, "bulge": 40.0, "LMC": 1.7, "SMC": 0.35},
    "RRLYR": {"thick-disc": 50.0, "bulge": 70.0, "halo": 100.0, "LMC": 39.0, "SMC": 6.4},
    "T2CEP": {"thick-disc": 0.5, "bulge": 0.9, "halo": 0.2, "LMC": 0.29, "SMC": 0.05},
}


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where N stars are.

    Parameters
    ----------
    ra, dec : ndarray of float64, shape (N,)
        ICRS position in degrees.
    distance : ndarray of float64, shape (N,)
        Distance from the Sun in kpc.
    component : ndarray of str, shape (N,)
        Component out of `COMPONENTS`.
    """

    ra: FloatArray
    dec: FloatArray
    distance: FloatArray
    component: npt.NDArray[np.str_]

    @property
    def distance_modulus(self) -> FloatArray:
        """True distance moduli in mag."""
        return np.asarray(5.0 * np.log10(self.distance) + 10.0)


def _unit(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    a, d = np.radians(lon), np.radians(lat)
    return np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.asarray(np.sin(d))


def _angles(x: FloatArray, y: FloatArray, z: FloatArray) -> tuple[FloatArray, FloatArray]:
    lon = np.degrees(np.arctan2(y, x)) % 360.0
    return lon, np.degrees(np.arctan2(z, np.hypot(x, y)))


def equatorial_to_galactic(ra: npt.ArrayLike, dec: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Convert ICRS positions to Galactic longitude and latitude.

    This function is the inverse of `galactic_to_equatorial`.

    Parameters
    ----------
    ra, dec : array_like, shape (N,)
        ICRS position in degrees.

    Returns
    -------
    l, b : ndarray of float64, shape (N,)
        Galactic longitude (0 to 360) and latitude in degrees.
    """
    v = _unit(ra, dec)
    # Sums written out: a matrix product rounds differently for other N.
    x, y, z = (row[0] * v[0] + row[1] * v[1] + row[2] * v[2] for row in _TO_GALACTIC)
    return _angles(x, y, z)


def galactic_to_equatorial(l: npt.ArrayLike, b: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Convert Galactic longitude and latitude to ICRS positions.

    This function is the inverse of `equatorial_to_galactic`.

    Parameters
    ----------
    l, b : array_like, shape (N,)
        Galactic longitude and latitude in degrees.

    Returns
    -------
    ra, dec : ndarray of float64, shape (N,)
        ICRS position in degrees.
    """
    v = _unit(l, b)
    columns = tuple(zip(*_TO_GALACTIC, strict=True))
    x, y, z = (c[0] * v[0] + c[1] * v[1] + c[2] * v[2] for c in columns)
    return _angles(x, y, z)


def component_weights(star_class: str, model: str) -> dict[str, float]:
    """Give the share of each component for a class.

    Parameters
    ----------
    star_class : str
        Class or alias.
    model : str
        One of `SPATIAL_MODELS`.

    Returns
    -------
    dict of str to float
        Shares that add up to one. A single component is honoured for every class.

    Raises
    ------
    InputError
        For an unknown class or model, or a class that the Milky Way model does not hold.
    """
    name, _ = parse_star_class(star_class)
    if model not in SPATIAL_MODELS:
        raise InputError(f"unknown spatial model {model!r}", allowed=", ".join(SPATIAL_MODELS))
    if model in COMPONENTS:
        return {model: 1.0}
    known = _KNOWN[name]
    if model == "galaxy":
        known = {key: value for key, value in known.items() if key not in ("LMC", "SMC")}
    total = sum(known.values())
    return {key: value / total for key, value in known.items()}


def choose_components(
    star_class: str, model: str, star_id: IntArray, random: KeyedRandom
) -> npt.NDArray[np.str_]:
    """Choose the component of each star.

    Parameters
    ----------
    star_class : str
        Class or alias; it sets the shares.
    model : str
        One of `SPATIAL_MODELS`.
    star_id : ndarray of int64, shape (N,)
        Addresses of the draws.
    random : KeyedRandom
        Source of the draws.

    Returns
    -------
    ndarray of str, shape (N,)
        Components.
    """
    weights = component_weights(star_class, model)
    names = np.array(list(weights))
    edges = np.cumsum(list(weights.values()))[:-1]
    return names[np.searchsorted(edges, random.uniform("component", star_id), side="right")]


def _disc(u: FloatArray, length: float, height: float, inner: float, outer: float) -> FloatArray:
    """Exponential disc: R from the gamma distribution of order two, z from the Laplace one."""
    low, high = gammainc(2.0, inner / length), gammainc(2.0, outer / length)
    radius = length * gammaincinv(2.0, low + u[:, 0] * (high - low))
    azimuth = 2.0 * np.pi * u[:, 1]
    side = 2.0 * u[:, 2] - 1.0
    z = -height * np.sign(side) * np.log1p(-np.abs(side))
    return np.stack([radius * np.cos(azimuth), radius * np.sin(azimuth), z], axis=1)


def _young_disc(u: FloatArray) -> FloatArray:
    r"""Thin disc of Cepheids with their warp.

    Zhou et al. 2025 (arXiv:2507.06494, abstract): :math:`Z_w = 0.00019\,R^{3.08}
    \sin(\phi - (3.87 R - 41.79))` in kpc and degrees, azimuth from the Sun in the direction of
    rotation.
    """
    place = _disc(u, *_DISCS["young-disc"])
    radius = np.hypot(place[:, 0], place[:, 1])
    # The Sun is at X = -R0 and rotation carries it towards +Y.
    azimuth = np.degrees(np.arctan2(place[:, 1], -place[:, 0]))
    node = 3.87 * radius - 41.79
    place[:, 2] += 0.00019 * radius**3.08 * np.sin(np.radians(azimuth - node))
    return place


def _direction(u: FloatArray, v: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    z = 2.0 * u - 1.0
    flat = np.sqrt(1.0 - z * z)
    return flat * np.cos(2.0 * np.pi * v), flat * np.sin(2.0 * np.pi * v), z


def _inverse(density: Callable[[FloatArray], FloatArray], grid: FloatArray, u: FloatArray) -> FloatArray:
    """Invert the radial distribution r^2 rho(r) on a grid."""
    mass = grid**2 * density(grid)
    total = np.concatenate([[0.0], np.cumsum(0.5 * (mass[1:] + mass[:-1]) * np.diff(grid))])
    return np.interp(u, total / total[-1], grid)


def _bulge(u: FloatArray) -> FloatArray:
    a, b, c, angle = _BAR
    radius = _inverse(k0, np.linspace(1e-4, 12.0, 4000), u[:, 0])
    x, y, z = _direction(u[:, 1], u[:, 2])
    x, y, z = a * radius * x, b * radius * y, c * radius * z
    # The near end of the bar lies at positive longitudes: from -X towards +Y.
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return np.stack([-x * cos + y * sin, x * sin + y * cos, z], axis=1)


def _halo(u: FloatArray) -> FloatArray:
    inner, outer, at, flattening = _HALO

    def density(r: FloatArray) -> FloatArray:
        return np.where(r < at, (r / at) ** -inner, (r / at) ** -outer)

    radius = _inverse(density, np.geomspace(*_HALO_LIMITS, 4000), u[:, 0])
    x, y, z = _direction(u[:, 1], u[:, 2])
    return np.stack([radius * x, radius * y, flattening * radius * z], axis=1)


def _lmc(u: FloatArray) -> FloatArray:
    """LMC: offsets east, north and along the line of sight in kpc."""
    tilt, nodes, length, thickness = _LMC
    radius = length * gammaincinv(2.0, u[:, 0] * gammainc(2.0, 6.0))
    azimuth = 2.0 * np.pi * u[:, 1]
    along, across = radius * np.cos(azimuth), radius * np.sin(azimuth)
    height = thickness * ndtri(u[:, 2])
    i, theta = np.radians(tilt), np.radians(nodes)
    # `across` points to the near side, 90 degrees from the nodes towards north-east.
    flat = across * np.cos(i) + height * np.sin(i)
    east = along * np.sin(theta) + flat * np.sin(theta - np.pi / 2)
    north = along * np.cos(theta) + flat * np.cos(theta - np.pi / 2)
    return np.stack([east, north, -across * np.sin(i) + height * np.cos(i)], axis=1)


def _smc(u: FloatArray) -> FloatArray:
    width, depth = _SMC
    return np.asarray(ndtri(u) * np.array([width, width, depth]))


def _around(centre: tuple[float, float, float], offset: FloatArray) -> tuple[FloatArray, ...]:
    """Turn offsets east, north and outwards from a galaxy's centre into places."""
    ra, dec, modulus = centre
    distance = 10.0 ** (0.2 * modulus - 2.0)
    a, d = np.radians(ra), np.radians(dec)
    outward = (np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d))
    east = (-np.sin(a), np.cos(a), 0.0)
    north = (-np.sin(d) * np.cos(a), -np.sin(d) * np.sin(a), np.cos(d))
    reach = distance + offset[:, 2]
    x, y, z = (reach * outward[k] + offset[:, 0] * east[k] + offset[:, 1] * north[k] for k in range(3))
    return (*_angles(x, y, z), np.sqrt(x * x + y * y + z * z))


def draw_places(component: npt.ArrayLike, star_id: npt.ArrayLike, random: KeyedRandom) -> Places:
    """Draw positions and distances.

    Parameters
    ----------
    component : array_like of str, shape (N,)
        Component of each star, out of `COMPONENTS`.
    star_id : array_like of int, shape (N,)
        Addresses of the draws.
    random : KeyedRandom
        Source of the draws.

    Returns
    -------
    Places
        The places; each depends on (seed, star_id, component) alone.

    Raises
    ------
    InputError
        For an unknown component.
    """
    ids = column("star_id", np.atleast_1d(star_id), None, np.int64)
    names = np.broadcast_to(np.asarray(component, dtype=np.str_), ids.shape)
    unknown = sorted(set(names.tolist()) - set(COMPONENTS))
    if unknown:
        raise InputError(f"unknown component {unknown[0]!r}", allowed=", ".join(COMPONENTS))
    u = random.uniform("place", ids[:, None], np.arange(3))
    ra, dec, distance = (np.empty(ids.size) for _ in range(3))
    for name in sorted(set(names.tolist())):
        here = np.flatnonzero(names == name)
        if name in ("LMC", "SMC"):
            centre, draw = (LMC_CENTRE, _lmc) if name == "LMC" else (SMC_CENTRE, _smc)
            ra[here], dec[here], distance[here] = _around(centre, draw(u[here]))
            continue
        if name == "young-disc":
            place = _young_disc(u[here])
        elif name in _DISCS:
            place = _disc(u[here], *_DISCS[name])
        else:
            place = _bulge(u[here]) if name == "bulge" else _halo(u[here])
        x, y, z = place[:, 0] + R_SUN, place[:, 1], place[:, 2] - Z_SUN
        distance[here] = np.sqrt(x * x + y * y + z * z)
        ra[here], dec[here] = galactic_to_equatorial(*_angles(x, y, z))
    return Places(ra=ra, dec=dec, distance=distance, component=names.copy())
