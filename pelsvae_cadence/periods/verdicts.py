"""Verdicts: how a period that was found compares with the true one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.arrays import freeze
from pelsvae_cadence.errors import InputError
from pelsvae_cadence.periods.result import PeriodResult

__all__ = ["ALIAS_FREQUENCIES", "STRICT", "TOLERANCE", "VERDICTS", "Verdicts", "judge"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

#: The verdicts, in the order in which they are tried.
VERDICTS: Final = ("no detection", "exact", "imprecise", "harmonic", "alias", "wrong")

#: Phase drift over the baseline, in cycles, below which a period can be used to fold.
TOLERANCE: Final = 0.1

#: Phase drift of Oluseyi et al. 2012, AJ 144, 9: |dP| <= P^2 dphi / T with dphi = 0.037.
STRICT: Final = 0.037

# Frequencies of the window function in cycles a day: the sidereal day of 23.9345 h, and the year.
_SIDEREAL_DAY: Final = 1.0027379
_YEAR: Final = 1.0 / 365.25

#: Offsets of the aliases from the true frequency in 1/d (one and two sidereal days, one year).
ALIAS_FREQUENCIES: Final = (_SIDEREAL_DAY, 2.0 * _SIDEREAL_DAY, _YEAR)


@dataclass(frozen=True, kw_only=True)
class Verdicts:
    """Verdicts on N periods.

    Parameters
    ----------
    verdict : ndarray of str, shape (N,)
        One of `VERDICTS`.
    strict : ndarray of bool, shape (N,)
        Detected, with a phase drift below 0.037 cycles over the baseline.
    within_1pct : ndarray of bool, shape (N,)
        Detected, with the period right to one per cent.
    top5 : ndarray of bool, shape (N,)
        Detected, with the exact frequency among the five best (or as many as were kept).
    recovered_or_half : ndarray of bool, shape (N,)
        Exact, or exactly half or twice the true period: the loose count for binaries.
    """

    verdict: npt.NDArray[np.str_]
    strict: BoolArray
    within_1pct: BoolArray
    top5: BoolArray
    recovered_or_half: BoolArray

    def __post_init__(self) -> None:
        for value in vars(self).values():
            freeze(value)

    def __len__(self) -> int:
        return int(self.verdict.size)

    @property
    def recovered(self) -> BoolArray:
        """Whether the verdict is "exact"."""
        return np.asarray(self.verdict == "exact")

    def fraction(self, verdict: str) -> float:
        """Count one verdict.

        Parameters
        ----------
        verdict : str
            One of `VERDICTS`.

        Returns
        -------
        float
            Its share of all stars; NaN without stars.
        """
        if verdict not in VERDICTS:
            raise InputError(f"unknown verdict {verdict!r}", allowed=", ".join(VERDICTS))
        return float(np.mean(self.verdict == verdict)) if len(self) else float("nan")


def judge(
    result: PeriodResult,
    true_period: npt.ArrayLike,
    *,
    tolerance: float = TOLERANCE,
    false_alarm_level: float = 0.01,
) -> Verdicts:
    r"""Compare found with true periods.

    With T the baseline and f, f0 the found and the true frequency a verdict is

    * **no detection**: no frequency, or a false-alarm probability above the level;
    * **exact**: :math:`|f - f_0|\,T < 0.1`, the phase drifts by less than a tenth of a cycle;
    * **imprecise**: not exact, but :math:`|f - f_0|\,T < 1`: the right peak of the periodogram,
      too uncertain to fold with (faint stars, short surveys);
    * **harmonic**: as exact for :math:`f_0/2` or :math:`2 f_0` (half and double period);
    * **alias**: within the wider :math:`|f - f_a|\,T < 1`, for
      :math:`f_a = |f_0 \pm k|` and :math:`|k - f_0|`, k being one or two sidereal days or one
      year (VanderPlas 2018, ApJS 236, 16, section 7.2);
    * **wrong** otherwise.

    Where the baseline is shorter than some years a yearly alias is not resolved: it counts only
    where 1/yr is at least 1/T from the true frequency.

    Parameters
    ----------
    result : PeriodResult
        The periods found.
    true_period : array_like, shape (N,)
        The true periods in days.
    tolerance : float
        Phase drift that still counts as exact, in cycles over the baseline.
    false_alarm_level : float
        Largest false-alarm probability of a detection, 0 to 1; 1 accepts everything.

    Returns
    -------
    Verdicts
        One row per star.

    Raises
    ------
    InputError
        If the shapes differ or a period is not positive.
    """
    period = np.asarray(true_period, dtype=np.float64)
    if period.shape != (len(result),):
        raise InputError(f"true_period has shape {period.shape}, expected ({len(result)},)")
    if not (np.isfinite(period) & (period > 0)).all():
        raise InputError("a true period is not a positive number of days")
    if not 0 < tolerance < 1:
        raise InputError(f"tolerance = {tolerance!r} cycles", allowed="0 < tolerance < 1")
    if not 0 < false_alarm_level <= 1:
        raise InputError(f"false_alarm_level = {false_alarm_level!r}", allowed="0 .. 1")

    f0 = 1.0 / period
    f = result.frequency
    baseline = result.grid.baseline
    with np.errstate(invalid="ignore"):  # NaN marks stars without a frequency
        detected = np.isfinite(f) & (result.false_alarm_probability <= false_alarm_level)

        def near(target: FloatArray, cycles: float) -> BoolArray:
            return np.asarray(detected & (np.abs(f - target) * baseline < cycles))

        exact = near(f0, tolerance)
        half_or_double = near(0.5 * f0, tolerance) | near(2.0 * f0, tolerance)
        alias = np.zeros(len(result), dtype=bool)
        for offset in ALIAS_FREQUENCIES:
            if offset * baseline < 1.0:
                continue  # not resolved from the true frequency
            for shifted in (f0 + offset, np.abs(f0 - offset)):
                alias |= near(shifted, min(1.0, 0.5 * offset * baseline))
        in_top = (np.abs(result.top_frequencies[:, :5] - f0[:, None]) * baseline) < tolerance
        within = detected & (np.abs(f / f0 - 1.0) < 0.01)
    verdict = np.select(
        [~detected, exact, near(f0, 1.0), half_or_double, alias],
        ["no detection", "exact", "imprecise", "harmonic", "alias"],
        "wrong",
    ).astype("U12")
    return Verdicts(
        verdict=verdict,
        strict=near(f0, STRICT),
        within_1pct=np.asarray(within),
        top5=np.asarray(detected & in_top.any(axis=1)),
        recovered_or_half=exact | half_or_double,
    )
