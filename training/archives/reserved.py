"""The stars kept back for judging the product: no row of theirs may enter any split."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["is_reserved"]

_OGLE_NAME: Final = re.compile(r"^OGLE-(?P<field>[A-Z]+)-(?P<type>[A-Z0-9]+)-(?P<number>\d+)$")


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
        match = _OGLE_NAME.match(str(star))
        if match is None:
            verdicts.append(False)
            continue
        odd_cepheid = match["field"] == "LMC" and match["type"] == "CEP"
        number = int(match["number"])
        verdicts.append(number % 10 == 7 or (odd_cepheid and number % 2 == 1))
    return np.array(verdicts, dtype=bool)
