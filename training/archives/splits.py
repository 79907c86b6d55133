"""Training, validation and test sets split by star, never by row, and stars kept out of all of them.

An augmented copy of a light curve carries the identity of its star. The paper (Martinez-Palomera,
Bloom & Abrahams 2020) splits 60/20/20; the published code splits the augmented rows 80/20, so that
copies of one star stand on both sides. Here a star has one split, fixed before any augmentation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.training.archives.star_table import OGLE_NAME

__all__ = ["SPLITS", "is_reserved", "require_whole_stars", "split_by_star", "star_numbers"]

#: Names of the splits, in the order of the fractions.
SPLITS: Final = ("train", "validation", "test")

_PURPOSE: Final = "training split"


def star_numbers(star: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Give every star a number that depends on its name only.

    Parameters
    ----------
    star : array_like of str, shape (n_rows,)
        Names of the stars; a name may occur in many rows.

    Returns
    -------
    ndarray of int64, shape (n_rows,)
        The first 63 bits of the BLAKE2b digest of the name: the address of the star for
        `pelsvae_cadence.core.randomness.KeyedRandom`.

    Raises
    ------
    InputError
        If a name is empty.

    Examples
    --------
    >>> bool(star_numbers(["OGLE-LMC-CEP-0002"])[0] == star_numbers(["OGLE-LMC-CEP-0002"])[0])
    True
    """
    unique, inverse = np.unique(_names(star), return_inverse=True)
    numbers = [
        int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little") >> 1
        for name in unique.tolist()
    ]
    return np.array(numbers, dtype=np.int64)[inverse]


def is_reserved(stars: Iterable[str]) -> npt.NDArray[np.bool_]:
    """Tell which stars are reserved.

    Reserved are the OGLE-LMC-CEP stars with odd numbers, and every star of the OGLE catalogue, of
    any class, whose number ends in 7.

    Parameters
    ----------
    stars : iterable of str
        Names such as ``"OGLE-LMC-CEP-0002"``; names from outside the OGLE catalogue are not
        reserved.

    Returns
    -------
    ndarray of bool, shape (N,)
        True for a reserved star.

    Examples
    --------
    >>> is_reserved(["OGLE-LMC-CEP-0003", "OGLE-SMC-CEP-0003", "OGLE-BLG-RRLYR-01237"]).tolist()
    [True, False, True]
    """
    verdicts = []
    for star in stars:
        match = OGLE_NAME.match(str(star))
        if match is None:
            verdicts.append(False)
            continue
        odd_cepheid = match["field"] == "LMC" and match["cls"] == "CEP"
        number = int(match["number"])
        verdicts.append(number % 10 == 7 or (odd_cepheid and number % 2 == 1))
    return np.array(verdicts, dtype=bool)


def split_by_star(
    star: npt.ArrayLike, strata: npt.ArrayLike, *, fractions: Sequence[float] = (0.6, 0.2, 0.2), seed: int
) -> npt.NDArray[np.str_]:
    """Split rows into training, validation and test sets so that no star is in two of them.

    In each stratum the stars are ordered by a number keyed by (seed, name) and cut at the
    fractions. So the counts are exact, further rows of known stars change nothing, and further
    stars move only those whose number lies next to a cut.

    Parameters
    ----------
    star : array_like of str, shape (n_rows,)
        Name of the star behind each row.
    strata : array_like of str, shape (n_rows,)
        Stratum of the row, usually the class or class and subtype; the same in all rows of a star.
    fractions : sequence of three float
        Fractions of training, validation and test stars; they add up to one.
        Default: 60/20/20, as in the paper.
    seed : int
        The random seed.

    Returns
    -------
    ndarray of str, shape (n_rows,)
        ``"train"``, ``"validation"`` or ``"test"`` for every row.

    Raises
    ------
    InputError
        On unequal lengths, a star in two strata, or fractions that do not add up to one.

    Notes
    -----
    Counts are rounded by the largest remainder. A stratum of at least as many stars as there are
    sets with a fraction above zero gives one star to each of them; in a smaller one the training
    set comes first.

    Examples
    --------
    >>> names = [f"star {i // 2}" for i in range(20)]
    >>> split = split_by_star(names, ["CEP"] * 20, seed=1)
    >>> [int((split == part).sum()) for part in SPLITS]
    [12, 4, 4]
    """
    share = np.asarray(fractions, dtype=np.float64)
    if share.shape != (3,) or not (share >= 0).all() or abs(share.sum() - 1.0) > 1e-9:
        raise InputError(
            f"split fractions {tuple(fractions)!r} are not usable",
            allowed="three numbers of 0 or more that add up to 1",
        )
    names = _names(star)
    stratum = np.asarray(strata).astype(str)
    if stratum.shape != names.shape:
        raise InputError(f"strata has shape {stratum.shape}, expected {names.shape}")
    unique, first, inverse = np.unique(names, return_index=True, return_inverse=True)
    star_stratum = stratum[first]
    crossing = np.flatnonzero(star_stratum[inverse] != stratum)
    if crossing.size:
        row = int(crossing[0])
        raise InputError(
            f"star '{names[row]}' is in two strata, '{stratum[row]}' and '{star_stratum[inverse[row]]}'",
            remedy="Give all rows of a star the same stratum, or mend the names.",
        )
    key = KeyedRandom(seed=seed).uniform(_PURPOSE, star_numbers(unique))
    order = np.lexsort((unique, key, star_stratum))
    split = np.empty(unique.size, dtype="U10")
    _, starts = np.unique(star_stratum[order], return_index=True)
    for members in np.split(order, starts[1:]):
        split[members] = np.repeat(SPLITS, _counts(members.size, share))
    return split[inverse]


def require_whole_stars(star: npt.ArrayLike, split: npt.ArrayLike) -> None:
    """Refuse a split in which rows of one star are in two sets.

    Parameters
    ----------
    star : array_like of str, shape (n_rows,)
        Name of the star behind each row.
    split : array_like of str, shape (n_rows,)
        Set of each row.

    Raises
    ------
    InputError
        If a star is in more than one set.
    """
    names = _names(star)
    sets = np.asarray(split).astype(str)
    if sets.shape != names.shape:
        raise InputError(f"split has shape {sets.shape}, expected {names.shape}")
    _, first, inverse = np.unique(names, return_index=True, return_inverse=True)
    bad = np.flatnonzero(sets[first][inverse] != sets)
    if bad.size:
        crossing = np.unique(names[bad])
        raise InputError(
            f"{crossing.size} stars are in more than one set, the first is '{crossing[0]}'",
            remedy="Split by star before augmenting (split_by_star).",
        )


def _names(star: npt.ArrayLike) -> npt.NDArray[np.str_]:
    names = np.asarray(star).astype(str)
    if names.ndim != 1:
        raise InputError(f"star has shape {names.shape}, expected (n_rows,)")
    if (names == "").any():
        raise InputError(f"row {int(np.flatnonzero(names == '')[0])} has an empty star name")
    return names


def _counts(n: int, share: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Round n * share to whole stars: largest remainder, then one star for every set in use."""
    exact = n * share
    counts = np.floor(exact + 1e-9).astype(np.int64)
    # Stable sort: among equal remainders the training set comes first.
    by_remainder = np.argsort(-(exact - counts), kind="stable")
    counts[by_remainder[: n - int(counts.sum())]] += 1
    used = np.flatnonzero(share > 0)
    if n >= used.size:
        for i in used[counts[used] == 0]:
            counts[i] += 1
            counts[np.argmax(counts)] -= 1
    return counts
