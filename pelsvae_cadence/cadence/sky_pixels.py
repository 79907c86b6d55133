"""HEALPix pixels of the sky, the same to the last bit as healpy's, without healpy.

Importing healpy loads matplotlib and takes longer than making a small catalogue. Numbers of stars and the
order of sites hang on these pixels, also of positions on the border of two, so the steps here are those of
healpy's C++ code, with the mathematics of the same C library; a test compares the two.

References
----------
Górski et al. 2005, ApJ 622, 759, sections 4 and 5.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["is_nside", "nested_centre", "nested_pixel", "ring_centres", "spread_bits"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_MOST: Final = 2**29
# Of the twelve faces: ring and longitude of their southernmost corner, in units of nside and of 45 degrees.
_FACE_RING: Final = np.array([2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4])
_FACE_LONGITUDE: Final = np.array([1, 3, 5, 7, 0, 2, 4, 6, 1, 3, 5, 7])


def is_nside(value: int) -> bool:
    """Tell whether a number is a resolution of nested pixels: a power of two up to 2^29."""
    whole = int(value)
    return whole == value and 0 < whole <= _MOST and whole & (whole - 1) == 0


def _by_the_c_library(function: Callable[[float], float], values: FloatArray) -> FloatArray:
    """Apply a function of the C library: NumPy's own may differ from it in the last bit."""
    return np.array([function(value) for value in values.ravel().tolist()]).reshape(values.shape)


def spread_bits(number: IntArray) -> IntArray:
    """Put a zero bit before each bit of a number below 2^32."""
    masks = (
        0x0000FFFF0000FFFF,
        0x00FF00FF00FF00FF,
        0x0F0F0F0F0F0F0F0F,
        0x3333333333333333,
        0x5555555555555555,
    )
    for shift, mask in zip((16, 8, 4, 2, 1), masks, strict=True):
        number = (number | (number << shift)) & mask
    return number


def _gathered(number: IntArray) -> IntArray:
    """Take every other bit, from the lowest on: undo `spread_bits`."""
    masks = (
        0x3333333333333333,
        0x0F0F0F0F0F0F0F0F,
        0x00FF00FF00FF00FF,
        0x0000FFFF0000FFFF,
        0x00000000FFFFFFFF,
    )
    number = number & 0x5555555555555555
    for shift, mask in zip((1, 2, 4, 8, 16), masks, strict=True):
        number = (number | (number >> shift)) & mask
    return number


def nested_pixel(nside: int, ra: npt.ArrayLike, dec: npt.ArrayLike) -> IntArray:
    """Find the pixels in which positions lie.

    Parameters
    ----------
    nside : int
        Resolution: see `is_nside`.
    ra, dec : array_like, shape (N,)
        Degrees.

    Returns
    -------
    ndarray of int64, shape (N,)
        Numbers in the nested scheme.
    """
    longitude = np.radians(np.asarray(ra, dtype=np.float64))
    theta = np.pi / 2.0 - np.radians(np.asarray(dec, dtype=np.float64))
    z = _by_the_c_library(math.cos, theta)
    height = np.abs(z)
    turned = longitude * 0.6366197723675813430755350534900574
    quarter = np.where((turned >= 0.0) & (turned < 4.0), turned, np.fmod(turned, 4.0))
    quarter = np.where(turned < 0.0, quarter + 4.0, quarter)
    quarter[quarter == 4.0] = 0.0
    # Equatorial zone: indices of the edge lines that go up and down to the east.
    along, across = nside * (0.5 + quarter), nside * (z * 0.75)
    up, down = (along - across).astype(np.int64), (along + across).astype(np.int64)
    face_up, face_down = up // nside, down // nside
    face = np.where(face_up == face_down, face_up | 4, np.where(face_up < face_down, face_up, face_down + 8))
    x, y = down % nside, nside - up % nside - 1
    # Polar caps; close to the poles the sine of the angle keeps the digits that 1 - |z| loses.
    corner = np.minimum(quarter.astype(np.int64), 3)
    fraction = quarter - corner
    close = ((theta < 0.01) | (theta > 3.14159 - 0.01)) & (height >= 0.99)
    scale = nside * np.sqrt(3.0 * (1.0 - height))
    sine = _by_the_c_library(math.sin, theta[close])
    scale[close] = nside * sine / np.sqrt((1.0 + height[close]) / 3.0)
    east = np.minimum((fraction * scale).astype(np.int64), nside - 1)
    west = np.minimum(((1.0 - fraction) * scale).astype(np.int64), nside - 1)
    polar, north = height > 2.0 / 3.0, z >= 0
    face = np.where(polar, np.where(north, corner, corner + 8), face)
    x = np.where(polar, np.where(north, nside - west - 1, east), x)
    y = np.where(polar, np.where(north, nside - east - 1, west), y)
    return np.asarray(face * nside**2 + spread_bits(x) + 2 * spread_bits(y), dtype=np.int64)


def _colatitudes(nside: int, ring: IntArray) -> FloatArray:
    """Give the angles of rings from the north pole in radians; the northernmost ring is number 1."""
    rings = np.unique(ring)
    per_square = 4.0 / (12 * nside**2)
    theta = np.empty(rings.size)
    for k, i in enumerate(rings.tolist()):
        from_pole = min(i, 4 * nside - i)
        if nside <= i <= 3 * nside:
            theta[k] = math.acos((2 * nside - i) * ((nside << 1) * per_square))
            continue
        part = (from_pole * from_pole) * per_square
        z = 1.0 - part if i < nside else part - 1.0
        theta[k] = math.atan2(math.sqrt(part * (2.0 - part)), z) if abs(z) > 0.99 else math.acos(z)
    return theta[np.searchsorted(rings, ring)]


def _degrees(theta: FloatArray, phi: FloatArray) -> tuple[FloatArray, FloatArray]:
    return np.degrees(phi), 90.0 - np.degrees(theta)


def nested_centre(nside: int, pixel: IntArray) -> tuple[FloatArray, FloatArray]:
    """Give the centres of pixels.

    Parameters
    ----------
    nside : int
        Resolution: see `is_nside`.
    pixel : ndarray of int64, shape (N,)
        Numbers in the nested scheme.

    Returns
    -------
    ra, dec : ndarray of float64, shape (N,)
        Degrees.
    """
    face, inside = pixel // nside**2, pixel % nside**2
    x, y = _gathered(inside), _gathered(inside >> 1)
    ring = _FACE_RING[face] * nside - x - y - 1
    size = np.minimum(np.minimum(ring, 4 * nside - ring), nside)
    place = _FACE_LONGITUDE[face] * size + x - y
    place = np.where(place < 0, place + 8 * size, place)
    per_ring = (nside << 1) * (4.0 / (12 * nside**2))
    half = 0.5 * np.pi
    phi = np.where(size == nside, 0.75 * half * place * per_ring, (0.5 * half * place) / size)
    return _degrees(_colatitudes(nside, ring), phi)


def ring_centres(nside: int) -> tuple[FloatArray, FloatArray]:
    """Give the centres of all pixels in the order of the ring scheme.

    Parameters
    ----------
    nside : int
        Resolution.

    Returns
    -------
    ra, dec : ndarray of float64, shape (12 nside^2,)
        Degrees.
    """
    rings = np.arange(1, 4 * nside)
    size = np.minimum(np.minimum(rings, 4 * nside - rings), nside)
    ring = np.repeat(rings, 4 * size)
    first = np.cumsum(4 * size) - 4 * size
    place = np.arange(12 * nside**2) - np.repeat(first, 4 * size) + 1
    per_ring = (nside << 1) * (4.0 / (12 * nside**2))
    near = np.repeat(size, 4 * size)
    start = np.where((ring + nside) & 1, 1.0, 0.5)
    belt = (ring >= nside) & (ring <= 3 * nside)
    phi = np.where(belt, (place - start) * np.pi * 0.75 * per_ring, (place - 0.5) * (0.5 * np.pi) / near)
    return _degrees(_colatitudes(nside, ring), phi)
