"""The paper's preprocessing: from raw light curves to cleaned, folded ones of equal length.

Martinez-Palomera, Bloom & Abrahams (2020, arXiv:2005.07773), section on the data, and the
published notebook ``preprocess_OGLE3``: signal-to-noise ratio of at least 5, three iterations of
3-sigma clipping in magnitude and in error, selection of subtypes; then folding and undersampling
(`pelsvae_cadence.training.preprocess.folding`). Each light curve that leaves the sample does so at one step,
with one reason; `pelsvae_cadence.training.preprocess.counts` counts them.

Clipping is kept as published, but mind what it does to deep eclipses: of 49 OGLE-II Algols with
SNR >= 5 it leaves 43 % of the amplitude in the median (W UMa stars and pulsators 97 to 100 %). The
log gives ``amplitude_raw`` and ``amplitude_clipped`` of every star; ``clip_iterations=0`` keeps
the eclipses.

Where the published code differs from the text, or we from both:

* the code also asks for 300 raw points; ``min_points`` is that cut;
* malformed light curves are not looked for there; NaN, zero or negative errors, duplicate times,
  fewer than ten points, constant magnitudes and periods that do not fold are rejected here;
  unsorted times are sorted and counted, and repeated rows can be merged and counted;
* a missing period is searched for there between 0.001 and 1 day, whatever the class; here such a
  star is rejected, or, on request, searched in the range of its class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from astropy.stats import sigma_clip
from astropy.timeseries import LombScargle

from pelsvae_cadence.classes import STAR_CLASSES, is_binary
from pelsvae_cadence.core.arrays import BoolArray, FloatArray
from pelsvae_cadence.core.options import at_least
from pelsvae_cadence.training.archives.raw_light_curves import RawLightCurves
from pelsvae_cadence.training.archives.splits import is_reserved

__all__ = ["PERIOD_RANGES", "STEPS", "PreprocessingOptions", "clean_light_curves"]

#: The steps at which a light curve can leave the sample, in order.
STEPS: Final = ("well formed", "not reserved", "subtype", "points", "signal to noise", "clipping", "period")

#: Fewer points than this are no light curve, whatever the user asks for.
FEWEST_POINTS: Final = 10
# Magnitudes outside are codes for missing values (99.999, -99, 100.01), not stars.
_MAGNITUDES: Final = (-10.0, 40.0)

# OGLE's spellings (SRV, OSARG, and C, O for the carbon- and oxygen-rich ones), and what others
# call a semiregular variable.
_DROPPED: Final[dict[str, frozenset[str]]] = {
    "DSCT": frozenset({"multimode"}),
    "LPV": frozenset({"srv", "osarg", "c", "o", "sr", "semiregular pulsating variable"}),
}

#: Shortest and longest period of each class in days: the OGLE ranges (1 to 99 % of the stars of
#: the catalogue), widened by about a fifth. Orbital periods for the binaries.
PERIOD_RANGES: Final[dict[str, tuple[float, float]]] = {
    "ACEP": (0.3, 2.5),
    "CEP": (0.25, 60.0),
    "DSCT": (0.03, 0.3),
    "ECL": (0.2, 400.0),
    "ELL": (0.3, 500.0),
    "LPV": (80.0, 800.0),
    "RRLYR": (0.2, 1.0),
    "T2CEP": (0.9, 80.0),
}
# Points of the frequency grid per width of a peak, 1 / time span.
_OVERSAMPLING: Final = 8.0


@dataclass(frozen=True, kw_only=True)
class PreprocessingOptions:
    """The numbers of the preprocessing; the defaults are the paper's.

    Parameters
    ----------
    t_len : int
        Points of a folded light curve.
    min_points : int
        Fewest points of a raw light curve, 10 or more (published code: 300).
    min_snr : float
        Least ratio of the standard deviation of the magnitudes to the median error.
    clip_sigma : float
        Clipping threshold in standard deviations about the median.
    clip_iterations : int
        Number of clipping passes.
    max_theta : float
        Largest phase dispersion of a folded light curve, clipped or not, see `_phase_dispersion`.
        At 0.7 it rejects 16 of 3,222 light curves of OGLE Cepheids (13 of them pulsate in two
        modes) and none of 322 Hipparcos and OGLE-II stars. Of periods wrong by 10-50 % it lets
        pass 1 % for the OGLE Cepheids, 3 % for eclipsing binaries, 7 % for RR Lyrae, but most of
        those that fit only a few times into the light curve (all of the Hipparcos Miras).
    dropped_subtypes : mapping of str to frozenset of str
        Subtypes to drop per class, in lower case.
    estimate_periods : bool
        Search for missing periods instead of rejecting the star.
    keep_reserved : bool
        Keep the stars reserved for judging the product.
    merge_repeated : bool
        Merge points whose time, magnitude and error are all repeated, instead of rejecting the
        light curve for its duplicate times (a third of the ASAS Miras hold every point twice).

    Raises
    ------
    InputError
        On a number out of its range.
    """

    t_len: int = 300
    min_points: int = 300
    min_snr: float = 5.0
    clip_sigma: float = 3.0
    clip_iterations: int = 3
    max_theta: float = 0.7
    dropped_subtypes: Mapping[str, frozenset[str]] = field(default_factory=lambda: _DROPPED)
    estimate_periods: bool = False
    keep_reserved: bool = False
    merge_repeated: bool = False

    def __post_init__(self) -> None:
        at_least(self, 0, "min_snr", "clip_iterations", "max_theta")
        at_least(self, 1, "clip_sigma")
        at_least(self, 2, "t_len")
        at_least(self, FEWEST_POINTS, "min_points")


def _phase_dispersion(time: FloatArray, mag: FloatArray, period: float) -> float:
    """Measure how little a period orders a light curve.

    Lafler & Kinman 1965, ApJS 11, 216, eq. 1, around the whole cycle and divided by two (the
    von Neumann ratio), so that the expectation for independent magnitudes is 1. It needs no bins,
    which narrow eclipses and sparse curves would defeat.
    """
    folded = mag[np.argsort(np.mod(time, period), kind="stable")]
    steps = np.diff(folded, append=folded[0])
    return float(np.sum(steps**2) / (2.0 * np.sum((folded - folded.mean()) ** 2)))


def _estimate_period(time: FloatArray, mag: FloatArray, mag_err: FloatArray, star_class: str) -> float:
    """Search for the period of one light curve.

    Of the Hipparcos and OGLE-II stars with SNR >= 5, this finds the catalogued period within 3 %
    for 45 of 45 RR Lyrae, 6 of 6 delta Scuti stars, 99 % of the Cepheids, 78 % of the long-period
    variables and 53 % of the eclipsing binaries.
    """
    shortest, longest = PERIOD_RANGES[star_class]
    fold = 2.0 if is_binary(star_class) else 1.0
    span = float(time[-1] - time[0])
    low, high = fold / min(longest, span), fold / shortest
    if not low < high:
        return float("nan")
    frequency = np.arange(low, high, 1.0 / (_OVERSAMPLING * span))
    search = LombScargle(time, mag, mag_err)
    power = search.power(frequency, method="fast", assume_regular_frequency=True)
    return fold / float(frequency[int(np.argmax(power))])


def clean_light_curves(
    curves: RawLightCurves, options: PreprocessingOptions | None = None
) -> tuple[RawLightCurves, pd.DataFrame]:
    """Reject what is malformed or too noisy, and clip outliers.

    Parameters
    ----------
    curves : RawLightCurves
        The light curves.
    options : PreprocessingOptions, optional
        The numbers; the paper's by default.

    Returns
    -------
    cleaned : RawLightCurves
        The light curves that are kept, clipped and in time order.
    log : DataFrame
        One row per light curve of the input: ``star``, ``star_class``, ``subtype``, ``band``,
        ``period`` (as used), ``step`` at which it left and ``reason`` (``""`` if it is kept),
        ``n_raw``, ``n_points`` (left after clipping), ``n_clipped_mag``, ``n_clipped_err``,
        ``n_merged``, ``times_sorted``, ``period_estimated``, ``snr``, ``theta``, and
        ``amplitude_raw`` and ``amplitude_clipped`` (2.5 to 97.5 % range, mag).
    """
    settings = PreprocessingOptions() if options is None else options
    reserved = is_reserved(curves.star.tolist())
    logs = []
    keep = np.zeros(curves.time.size, dtype=bool)
    order = np.arange(curves.time.size)
    for i in range(len(curves)):
        rows = curves.rows(i)
        star = _Star(curves, i)
        star.judge(bool(reserved[i]), settings)
        logs.append(star.log)
        if star.log["step"] == "":
            used = slice(rows.start, rows.start + star.order.size)
            order[used] = rows.start + star.order
            keep[used] = star.kept
    log = pd.DataFrame(logs, columns=list(_EMPTY_LOG))
    kept = (log["step"] == "").to_numpy()
    counts = np.where(kept, log["n_points"].to_numpy(np.int64), 0)
    points = order[keep]
    whole = RawLightCurves(
        star=curves.star,
        star_class=curves.star_class,
        subtype=curves.subtype,
        period=log["period"].to_numpy(np.float64),
        band=curves.band,
        fault=curves.fault,
        offsets=np.concatenate([[0], np.cumsum(counts)]),
        time=curves.time[points],
        mag=curves.mag[points],
        mag_err=curves.mag_err[points],
    )
    return whole.take(kept), log


_EMPTY_LOG: Final[dict[str, object]] = {
    "star": "",
    "star_class": "",
    "subtype": "",
    "band": "",
    "period": np.nan,
    "step": "",
    "reason": "",
    "n_raw": 0,
    "n_merged": 0,
    "n_points": 0,
    "n_clipped_mag": 0,
    "n_clipped_err": 0,
    "times_sorted": False,
    "period_estimated": False,
    "snr": np.nan,
    "theta": np.nan,
    "amplitude_raw": np.nan,
    "amplitude_clipped": np.nan,
}


class _Star:
    """One light curve on its way through the steps."""

    def __init__(self, curves: RawLightCurves, i: int) -> None:
        rows = curves.rows(i)
        self.time, self.mag, self.err = curves.time[rows], curves.mag[rows], curves.mag_err[rows]
        self.fault = str(curves.fault[i])
        self.order = np.arange(self.time.size)
        self.kept: BoolArray = np.ones(self.time.size, dtype=bool)
        self.log = {
            **_EMPTY_LOG,
            "star": str(curves.star[i]),
            "star_class": str(curves.star_class[i]),
            "subtype": str(curves.subtype[i]),
            "band": str(curves.band[i]),
            "period": float(curves.period[i]),
            "n_raw": int(self.time.size),
        }

    def judge(self, reserved: bool, options: PreprocessingOptions) -> None:
        """Walk through the steps until one rejects the star."""
        for step in STEPS:
            reason = self._reason(step, reserved, options)
            if reason:
                self.log |= {"step": step, "reason": reason}
                return

    def _reason(self, step: str, reserved: bool, options: PreprocessingOptions) -> str:
        if step == "well formed":
            return self._malformed(options)
        if step == "not reserved":
            return "reserved for judging" if reserved and not options.keep_reserved else ""
        if step == "subtype":
            dropped = options.dropped_subtypes.get(str(self.log["star_class"]), frozenset())
            return "dropped subtype" if str(self.log["subtype"]).lower() in dropped else ""
        if step == "points":
            few = self.time.size < options.min_points
            return f"fewer than {options.min_points} points" if few else ""
        if step == "signal to noise":
            snr = float(np.std(self.mag) / np.median(self.err))
            self.log["snr"] = snr
            return f"signal to noise below {options.min_snr:g}" if snr < options.min_snr else ""
        if step == "clipping":
            return self._clip(options)
        return self._period(options)

    def _malformed(self, options: PreprocessingOptions) -> str:
        if self.fault:
            return self.fault
        if self.log["star_class"] not in STAR_CLASSES:
            return "unknown class"
        if self.time.size < FEWEST_POINTS:
            return f"fewer than {FEWEST_POINTS} points in the file"
        if not all(np.isfinite(values).all() for values in (self.time, self.mag, self.err)):
            return "NaN or infinity"
        if (self.err <= 0).any():
            return "zero or negative error"
        if (self.mag < _MAGNITUDES[0]).any() or (self.mag > _MAGNITUDES[1]).any():
            return "code for a missing magnitude"
        if np.ptp(self.mag) == 0:
            return "constant magnitude"
        if (np.diff(self.time) < 0).any():
            self.log["times_sorted"] = True
            self._select(np.argsort(self.time, kind="stable"))
        if options.merge_repeated:
            points = np.stack([self.time, self.mag, self.err])
            _, first = np.unique(points, axis=1, return_index=True)
            self.log["n_merged"] = int(self.time.size - first.size)
            self._select(np.sort(first))
        if (np.diff(self.time) == 0).any():
            return "duplicate times"
        few = self.time.size < FEWEST_POINTS
        return f"fewer than {FEWEST_POINTS} points after merging" if few else ""

    def _select(self, points: npt.NDArray[np.int64]) -> None:
        self.order = self.order[points]
        self.time, self.mag, self.err = self.time[points], self.mag[points], self.err[points]

    def _clip(self, options: PreprocessingOptions) -> str:
        # As in the published code: both clips look at the whole light curve, then are joined.
        bad = [_outliers(values, options) for values in (self.mag, self.err)]
        self.kept = ~(bad[0] | bad[1])
        n_points = int(self.kept.sum())
        self.log |= {
            "n_points": n_points,
            "n_clipped_mag": int(bad[0].sum()),
            "n_clipped_err": int(bad[1].sum()),
            "amplitude_raw": _amplitude(self.mag),
        }
        if n_points < FEWEST_POINTS:
            return f"fewer than {FEWEST_POINTS} points after clipping"
        self.log["amplitude_clipped"] = _amplitude(self.mag[self.kept])
        return ""

    def _period(self, options: PreprocessingOptions) -> str:
        period = float(str(self.log["period"]))
        if np.isnan(period) and options.estimate_periods:
            period = _estimate_period(self.time, self.mag, self.err, str(self.log["star_class"]))
            self.log |= {"period": period, "period_estimated": not np.isnan(period)}
        if np.isnan(period):
            return "no period"
        if not 0 < period < np.inf:
            return "period not above zero"
        if period > self.time[-1] - self.time[0]:
            return "period longer than the light curve"
        # Clipping may remove deep eclipses, outliers may swamp the unclipped curve: the better.
        theta = min(
            _phase_dispersion(self.time[points], self.mag[points], period)
            for points in (np.ones_like(self.kept), self.kept)
        )
        self.log["theta"] = theta
        return "period does not fold" if theta > options.max_theta else ""


def _outliers(values: FloatArray, options: PreprocessingOptions) -> BoolArray:
    if options.clip_iterations == 0:  # sigma_clip would clip once
        return np.zeros(values.size, dtype=bool)
    clipped = sigma_clip(values, sigma=options.clip_sigma, maxiters=options.clip_iterations, cenfunc="median")
    mask: BoolArray = np.ma.getmaskarray(clipped)
    return mask


def _amplitude(mag: FloatArray) -> float:
    low, high = np.percentile(mag, [2.5, 97.5])
    return float(high - low)
