"""Equal-area cells of the sky, numbered as HEALPix does in its nested scheme.

healpy and astropy-healpix decide otherwise about positions exactly on the border of two cells, such as
the centres of coarser pixels, which would change the visits of the synthetic survey there.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.sky_pixels import spread_bits

__all__ = ["parent_cell", "sky_cell"]

IntArray = npt.NDArray[np.int64]


def sky_cell(nside: int, ra: npt.ArrayLike, dec: npt.ArrayLike) -> IntArray:
    """Find the cell in which a position lies.

    Parameters
    ----------
    nside : int
        Resolution: a power of two up to 2**15; there are ``12 nside**2`` cells.
    ra, dec : array_like
        Degrees.

    Returns
    -------
    ndarray of int64
        Cell numbers in HEALPix's nested scheme.

    References
    ----------
    Górski et al. 2005, ApJ 622, 759, section 4 and appendix B.
    """
    ra, dec = np.broadcast_arrays(np.asarray(ra, dtype=np.float64), np.asarray(dec, dtype=np.float64))
    z = np.cos(np.radians(90.0 - dec))
    quarter = (np.radians(ra) * (2.0 / np.pi)) % 4.0  # longitude in units of 90 deg
    # Equatorial zone: indices of the edge lines that go up and down to the east.
    along, across = nside * (0.5 + quarter), nside * z * 0.75
    up, down = np.floor(along - across).astype(np.int64), np.floor(along + across).astype(np.int64)
    face_up, face_down = up // nside, down // nside
    face = np.where(
        face_up == face_down, (face_up % 4) + 4, np.where(face_up < face_down, face_up, face_down + 8)
    )
    x, y = down % nside, nside - up % nside - 1
    # Polar caps.
    corner = np.minimum(np.floor(quarter).astype(np.int64), 3)
    fraction = quarter - corner
    # The distance from the pole by its half-angle: 1 - |z| loses digits near the pole.
    scale = nside * np.sqrt(6.0) * np.sin(np.radians(90.0 - np.abs(dec)) / 2.0)
    east = np.minimum(np.floor(fraction * scale).astype(np.int64), nside - 1)
    west = np.minimum(np.floor((1.0 - fraction) * scale).astype(np.int64), nside - 1)
    polar = np.abs(z) > 2.0 / 3.0
    north = z > 0
    face = np.where(polar, np.where(north, corner, corner + 8), face)
    x = np.where(polar, np.where(north, nside - west - 1, east), x)
    y = np.where(polar, np.where(north, nside - east - 1, west), y)
    return np.asarray(face * nside**2 + spread_bits(x) + 2 * spread_bits(y), dtype=np.int64)


def parent_cell(cell: int, nside: int, coarser: int) -> int:
    """Find the coarser cell that holds a cell."""
    return cell // (nside // coarser) ** 2
