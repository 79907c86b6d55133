"""Sky positions as users bring them: right ascension and declination, or a SkyCoord in the place of both."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from pelsvae_cadence.core.errors import InputError

__all__ = ["position_pairs", "ra_dec", "unpack_sky_coord"]


def ra_dec(ra: Any, dec: Any = None, *, one: bool = False) -> tuple[Any, Any]:
    """Take a SkyCoord apart, in ICRS; leave other coordinates as they are.

    Parameters
    ----------
    ra : SkyCoord or array_like
        A SkyCoord in any frame, then without `dec`; or right ascensions.
    dec : array_like, optional
        Declinations.
    one : bool
        Refuse a SkyCoord of several positions, or of a list of one.

    Returns
    -------
    ra, dec : float or ndarray of float64
        In degrees for a SkyCoord; otherwise what was given.

    Raises
    ------
    InputError
        If there is no `dec`, one beside a SkyCoord, or the frame has no known place on the sky.
    """
    if not hasattr(ra, "transform_to") and not hasattr(dec, "transform_to"):
        if dec is None:
            raise InputError("dec is missing", remedy="Give ra and dec in degrees, or one SkyCoord.")
        return ra, dec
    if not hasattr(ra, "transform_to") or dec is not None:
        raise InputError(
            "a SkyCoord beside another coordinate",
            remedy="Give the SkyCoord alone, in the place of ra; name what else you give, as in radius=2.",
        )
    if one and not ra.isscalar:
        raise InputError(
            f"a SkyCoord of {ra.size} positions where one position is wanted",
            remedy="Ask for one position at a time: coord[0].",
        )
    from astropy.coordinates import ICRS

    try:
        icrs = ra.transform_to(ICRS())
    except Exception as error:
        raise InputError(f"the SkyCoord cannot be taken to ICRS: {error}") from error
    return (icrs.ra.deg.item(), icrs.dec.deg.item()) if ra.isscalar else (icrs.ra.deg, icrs.dec.deg)


def position_pairs(positions: Any) -> list[tuple[Any, Any]]:
    """List the pairs of coordinates of several positions.

    Parameters
    ----------
    positions : SkyCoord or iterable
        One SkyCoord for all; or pairs (ra, dec), SkyCoords, or both.

    Returns
    -------
    list of (ra, dec)
        The pairs, not yet checked.

    Raises
    ------
    InputError
        If something among them is no pair.
    """
    if hasattr(positions, "transform_to"):
        ra, dec = ra_dec(positions)
        return list(zip(np.atleast_1d(ra).tolist(), np.atleast_1d(dec).tolist(), strict=True))
    pairs = []
    try:
        items: Iterable[Any] = iter(positions)
    except TypeError as error:
        raise InputError(f"positions = {positions!r}", allowed="pairs (ra, dec), or a SkyCoord") from error
    for item in items:
        if hasattr(item, "transform_to"):
            pairs += position_pairs(item)
        elif isinstance(item, str) or np.size(item) != 2:
            raise InputError(f"position {item!r} is no pair (ra, dec)", remedy="Give degrees, or a SkyCoord.")
        else:
            pairs.append((item[0], item[1]))
    return pairs


def unpack_sky_coord(struct: Any) -> None:
    """Let a frozen dataclass with `ra` and `dec` take a SkyCoord as `ra`.

    Parameters
    ----------
    struct : object
        The dataclass, whose two fields are set.
    """
    for name, value in zip(("ra", "dec"), ra_dec(struct.ra, struct.dec), strict=True):
        object.__setattr__(struct, name, value)
