"""Verdicts: how a period that was found compares with the true one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import StructOfArrays, column, freeze
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.containers import number
from pelsvae_cadence.core.times import JULIAN_YEAR
from pelsvae_cadence.periods.result import PeriodResult

__all__ = ["DAILY_ALIASES", "STRICT", "TOLERANCE", "VERDICTS", "YEARLY_ALIASES", "Verdicts", "judge"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

#: The verdicts, in the order in which they are tried.
VERDICTS: Final = ("no detection", "exact", "imprecise", "harmonic", "alias", "wrong")

#: Phase drift over the baseline, in cycles, below which a period can be used to fold.
TOLERANCE: Final = 0.1

#: Phase drift of Oluseyi et al. 2012, AJ 144, 9: |dP| <= P^2 dphi / T with dphi = 0.037.
STRICT: Final = 0.037

# Frequencies of the window function in cycles a day. A survey returns to a field at the same
# sidereal time through a season, and at the same solar time from year to year: the sidereal day of
# 23.9345 h and its yearly sidelobes, which for k days reach the k-th solar one.
_SIDEREAL_DAY: Final = 1.0027379
_YEAR: Final = 1.0 / JULIAN_YEAR
_MOST_DAYS: Final = 3
_MOST_YEARS: Final = 2


def _daily_aliases() -> tuple[float, ...]:
    return tuple(
        days * _SIDEREAL_DAY + years * _YEAR
        for days in range(1, _MOST_DAYS + 1)
        for years in range(-days - 1, 2)
    )


#: Offsets of daily aliases from the true frequency in 1/d: k sidereal days plus j years, k = 1 to 3
#: and j = -k - 1 to 1, so that k solar days (j = -k) and one year on either side are among them.
DAILY_ALIASES: Final = _daily_aliases()

#: Offsets of yearly aliases in 1/d: one and two years.
YEARLY_ALIASES: Final = tuple(years * _YEAR for years in range(1, _MOST_YEARS + 1))


@dataclass(frozen=True, kw_only=True)
class Verdicts(StructOfArrays):
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
    daily_alias : ndarray of bool, shape (N,)
        The verdict is "alias", and a day is in it (sidereal or solar, with or without a year).
    """

    verdict: npt.NDArray[np.str_]
    strict: BoolArray
    within_1pct: BoolArray
    top5: BoolArray
    recovered_or_half: BoolArray
    daily_alias: BoolArray

    def __post_init__(self) -> None:
        for value in vars(self).values():
            freeze(value)

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
      :math:`f_a = f_0 + \delta` and :math:`|f_0 - \delta|`, :math:`\delta` being one of
      `DAILY_ALIASES` and `YEARLY_ALIASES` (VanderPlas 2018, ApJS 236, 16, section 7.2);
    * **wrong** otherwise.

    Where the baseline is shorter than some years a yearly alias is not resolved: it counts only
    where 1/yr is at least 1/T from the true frequency.

    Parameters
    ----------
    result : PeriodResult
        The periods found.
    true_period : array_like or Quantity, shape (N,)
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
        If the shapes differ or a period is missing or not positive.
    """
    period = column("true_period", true_period, len(result), unit="d", finite=False)
    wrong = np.flatnonzero(~(np.isfinite(period) & (period > 0)))
    if wrong.size:
        raise InputError(
            f"true_period = {period[wrong[0]]:g} in row {wrong[0]} is not a positive number of days",
            remedy="Leave out stars whose period is not known.",
        )
    tolerance = number("tolerance", tolerance)
    false_alarm_level = number("false_alarm_level", false_alarm_level)
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

        def alias_of(offsets: tuple[float, ...]) -> BoolArray:
            found = np.zeros(len(result), dtype=bool)
            for offset in offsets:
                if offset * baseline < 1.0:
                    continue  # not resolved from the true frequency
                for shifted in (f0 + offset, np.abs(f0 - offset)):
                    found |= near(shifted, min(1.0, 0.5 * offset * baseline))
            return found

        daily = alias_of(DAILY_ALIASES)
        alias = daily | alias_of(YEARLY_ALIASES)
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
        daily_alias=np.asarray(daily & (verdict == "alias")),
    )
