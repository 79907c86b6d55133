"""Keyed random numbers: each draw is a pure function of (seed, purpose, star, item).

A stream that is read in order gives other numbers when stars are simulated in other chunks, on
more workers, or when a survey loses a visit. Here every number has an address instead: the
counter-based generator Philox-4x32-10 (Salmon et al. 2011, SC'11, doi:10.1145/2063384.2063405)
enciphers the 128-bit counter (item, star_id) under a 64-bit key made of (seed, purpose).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from pelsvae_cadence.core.compiled import compiled_philox
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.containers import whole_number

__all__ = ["KeyedRandom", "philox4x32"]

_MULTIPLIER: Final = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL: Final = (0x9E3779B9, 0xBB67AE85)
_LOW: Final = np.uint64(0xFFFFFFFF)
_32: Final = np.uint64(32)

UIntArray = npt.NDArray[np.uint64]
FloatArray = npt.NDArray[np.float64]


def philox4x32(
    counter: tuple[UIntArray, UIntArray, UIntArray, UIntArray], key: tuple[int, int]
) -> tuple[UIntArray, UIntArray, UIntArray, UIntArray]:
    """Apply the ten rounds of Philox-4x32 to an array of counters.

    References
    ----------
    Salmon, Moraes, Dror & Shaw 2011, SC'11, section 3.3 and the Random123 known answers.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0 = _MULTIPLIER[0] * c0
        p1 = _MULTIPLIER[1] * c2
        c0, c1, c2, c3 = (
            (p1 >> _32) ^ c1 ^ np.uint64(k0),
            p1 & _LOW,
            (p0 >> _32) ^ c3 ^ np.uint64(k1),
            p0 & _LOW,
        )
        k0 = (k0 + _WEYL[0]) & 0xFFFFFFFF
        k1 = (k1 + _WEYL[1]) & 0xFFFFFFFF
    return c0, c1, c2, c3


@dataclass(frozen=True, kw_only=True)
class KeyedRandom:
    """Random numbers addressed by (seed, purpose, star, item).

    Parameters
    ----------
    seed : int
        The user's seed, 0 or larger.
    """

    seed: int

    def __post_init__(self) -> None:
        try:
            whole_number("seed", self.seed, 0)
        except InputError:
            raise InputError(f"seed = {self.seed!r} is not a whole number of 0 or more") from None

    def _words(
        self, purpose: str, star_id: npt.ArrayLike, item: npt.ArrayLike
    ) -> tuple[UIntArray, UIntArray]:
        digest = hashlib.blake2b(f"{int(self.seed)}|{purpose}".encode(), digest_size=8).digest()
        key = int.from_bytes(digest, "little")
        star = np.asarray(star_id, dtype=np.int64).astype(np.uint64)
        index = np.asarray(item, dtype=np.int64).astype(np.uint64)
        star, index = np.broadcast_arrays(star, index)
        compiled = compiled_philox(20 * index.size)  # a round is two multiplications
        if compiled is not None:
            first, second = np.empty(index.shape, np.uint64), np.empty(index.shape, np.uint64)
            compiled(
                index.ravel(),
                star.ravel(),
                np.uint64(key & 0xFFFFFFFF),
                np.uint64(key >> 32),
                first.reshape(-1),
                second.reshape(-1),
            )
            return first, second
        w0, w1, w2, w3 = philox4x32(
            (index & _LOW, index >> _32, star & _LOW, star >> _32), (key & 0xFFFFFFFF, key >> 32)
        )
        return w0 | (w1 << _32), w2 | (w3 << _32)

    def uniform(self, purpose: str, star_id: npt.ArrayLike, item: npt.ArrayLike = 0) -> FloatArray:
        """Draw uniform numbers on the open interval (0, 1).

        Parameters
        ----------
        purpose : str
            What the number is for; different purposes are independent.
        star_id, item : array_like of int
            Address of each draw (a visit, a harmonic, ...); they broadcast together.

        Returns
        -------
        ndarray of float64
            One number per address.
        """
        word, _ = self._words(purpose, star_id, item)
        return ((word >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53

    def normal(self, purpose: str, star_id: npt.ArrayLike, item: npt.ArrayLike = 0) -> FloatArray:
        """Draw standard normal numbers.

        Parameters
        ----------
        purpose : str
            What the number is for; different purposes are independent.
        star_id, item : array_like of int
            Address of each draw; they broadcast together.

        Returns
        -------
        ndarray of float64
            One number per address, by inversion of the normal distribution.
        """
        return np.asarray(ndtri(self.uniform(purpose, star_id, item)), dtype=np.float64)

    def generator(self, purpose: str, star_id: int, item: int = 0) -> np.random.Generator:
        """Make a NumPy generator for one address, for draws whose number is not known ahead.

        Parameters
        ----------
        purpose : str
            What the numbers are for.
        star_id, item : int
            The address.

        Returns
        -------
        numpy.random.Generator
            A Philox generator keyed by the address.
        """
        words = self._words(purpose, star_id, item)
        key = np.array([int(words[0]), int(words[1])], dtype=np.uint64)
        return np.random.Generator(np.random.Philox(key=key))
