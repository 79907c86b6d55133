r"""Stars that are not strictly periodic: cycles that differ, modulations, second periods.

The phase curve of a star stays what it is; a `CycleModulation` says how much each cycle is stretched,
lifted and shifted, as a function of time alone. With :math:`\tau = t - t_0`,
:math:`\varphi = \tau / P` and :math:`k = \lfloor\varphi\rfloor`,

.. math::
    m_b(t) = \bar m_b + A_b\,\{\,[1 + \alpha(t)]\,s(\varphi + \delta(t)) - C_b + \mu(t) + q(t)\,\}

* cycle scatter: :math:`\alpha, \mu, \delta` take normal values at the beginning of each cycle, keyed
  by (seed, star_id, k), and go smoothly from one to the next; phases may also walk, the step of
  each cycle being keyed in the same way (Eddington & Plakidis 1929, MNRAS 90, 65);
* Blazhko-like modulation: :math:`\alpha` and :math:`\delta` vary as sines of period :math:`P_B`;
* a second period: :math:`q` is a sine of its own period;
* a steady change of the period: :math:`\delta` contains :math:`-\dot P\tau^2 / 2P^2`.

Offsets are in units of the star's amplitude, so that they grow towards the blue as the pulsation
does. Nothing depends on which visits exist.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import StructOfArrays, column
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.core.times import JULIAN_YEAR
from pelsvae_cadence.stars import Stars

__all__ = ["CycleModulation", "ModulationOptions", "Offsets", "draw_modulation"]

FloatArray = npt.NDArray[np.float64]

# Mean P1 / P0 of 1,175 double-mode RR Lyrae stars of OGLE-III and its slope with the overtone
# period: measured on the catalogue, scatter 0.0008 (the Petersen diagram).
_RRD_RATIO: Final = (0.7441, 0.0502, 0.36)
_RRD_SCATTER: Final = 0.0008
#: Overtone periods [d] of those stars, and log-normal amplitude ratio of fundamental mode and
#: overtone in I: median 0.64, 16 to 84 % 0.39 to 0.90.
RRD_PERIODS: Final = (0.33, 0.43)
_RRD_AMPLITUDE: Final = (0.64, 0.42)
# Blazhko periods come from two groups with means of 48 and 186 d (Skarka et al. 2020, MNRAS 494,
# 1237); their widths and shares are estimates.
_BLAZHKO_PERIODS: Final = ((48.0, 0.20, 0.75), (186.0, 0.25, 0.25))
_MOST_CYCLES: Final = 200_000  # of a phase walk: it has to be summed from the epoch


@dataclass(frozen=True, kw_only=True)
class Offsets:
    """What the modulation does to N stars at n times.

    Parameters
    ----------
    amplitude : ndarray of float64, shape (N, n)
        Factor of the amplitude.
    phase : ndarray of float64, shape (N, n)
        Shift of the phase in cycles; positive is early.
    brightness : ndarray of float64, shape (N, n)
        Offset in units of the amplitude; positive is faint.
    """

    amplitude: FloatArray
    phase: FloatArray
    brightness: FloatArray


@dataclass(frozen=True, kw_only=True)
class CycleModulation(StructOfArrays):
    """How N stars deviate from strict periodicity; zeros deviate nowhere.

    Parameters
    ----------
    seed : int
        Seed of the values of each cycle.
    amplitude_scatter : ndarray of float64, shape (N,)
        Standard deviation of a cycle's amplitude, relative to the mean amplitude.
    mean_scatter : ndarray of float64, shape (N,)
        Standard deviation of a cycle's mean brightness in units of the amplitude.
    phase_scatter : ndarray of float64, shape (N,)
        Standard deviation of a cycle's phase, in cycles.
    phase_walk : ndarray of float64, shape (N,)
        Standard deviation of the step that the phase keeps from each cycle, in cycles.
    blazhko_period : ndarray of float64, shape (N,)
        Period of the modulation in days; without effect where its amplitudes are 0.
    blazhko_amplitude : ndarray of float64, shape (N,)
        Half range of the relative amplitude.
    blazhko_shift : ndarray of float64, shape (N,)
        Half range of the phase in cycles.
    blazhko_angle : ndarray of float64, shape (N,)
        Phase of the modulation at the epoch of the star, in cycles.
    second_period : ndarray of float64, shape (N,)
        Second period in days.
    second_amplitude : ndarray of float64, shape (N,)
        Peak-to-peak amplitude of the second period, relative to that of the first.
    second_angle : ndarray of float64, shape (N,)
        Phase of the second period at the star's epoch, in cycles.
    period_change : ndarray of float64, shape (N,)
        Rate of change of the period in days per day.

    Raises
    ------
    InputError
        On wrong shapes, negative scatters, or periods that are not positive.
    """

    seed: int
    amplitude_scatter: FloatArray
    mean_scatter: FloatArray
    phase_scatter: FloatArray
    phase_walk: FloatArray
    blazhko_period: FloatArray
    blazhko_amplitude: FloatArray
    blazhko_shift: FloatArray
    blazhko_angle: FloatArray
    second_period: FloatArray
    second_amplitude: FloatArray
    second_angle: FloatArray
    period_change: FloatArray

    def __post_init__(self) -> None:
        KeyedRandom(seed=self.seed)
        n: int | None = None
        for field in fields(self)[1:]:
            value = column(field.name, np.atleast_1d(getattr(self, field.name)), n)
            n = value.size
            low = "angle" not in field.name and field.name not in ("blazhko_shift", "period_change")
            if low and (value < 0).any():
                raise InputError(f"{field.name} = {value.min():g}", allowed="0 or more")
            if field.name in ("blazhko_period", "second_period") and (value <= 0).any():
                raise InputError(f"{field.name} = {value.min():g} d", allowed="> 0 d")
            object.__setattr__(self, field.name, value)

    @classmethod
    def none(cls, n: int, seed: int = 0) -> CycleModulation:
        """Make the modulation of strictly periodic stars.

        Parameters
        ----------
        n : int
            Number of stars.
        seed : int
            Seed of the values of each cycle, for stars that are given scatter later.

        Returns
        -------
        CycleModulation
            Zeros.
        """
        values: dict[str, Any] = {f.name: np.zeros(n) for f in fields(cls)[1:]}
        values["blazhko_period"] = values["second_period"] = np.ones(n)
        return cls(seed=seed, **values)

    def at(self, stars: Stars, phase: npt.ArrayLike) -> Offsets:
        """Evaluate the modulation.

        Parameters
        ----------
        stars : Stars
            N stars: their numbers, periods and epochs count.
        phase : array_like, shape (N, n) or (n,)
            Cycles since the epoch: see `pelsvae_cadence.simulation.simulate.orbital_phase`.

        Returns
        -------
        Offsets
            N times n offsets; each depends on its own star and time alone.

        Raises
        ------
        InputError
            If the number of stars differs, or a phase walk spans too many cycles.
        """
        if len(stars) != len(self):
            raise InputError(f"a modulation of {len(self)} stars for {len(stars)} stars")
        cycles = np.asarray(phase, dtype=np.float64)
        cycles = np.broadcast_to(cycles, (len(stars), cycles.shape[-1]))
        amplitude, shift = np.ones(cycles.shape), np.zeros(cycles.shape)
        brightness = np.zeros(cycles.shape)
        days = cycles * stars.period[:, None]  # since the epoch
        for effect, rows in (
            (
                self._scatter,
                np.flatnonzero(
                    self.amplitude_scatter + self.mean_scatter + self.phase_scatter + self.phase_walk
                ),
            ),
            (self._blazhko, np.flatnonzero(self.blazhko_amplitude + np.abs(self.blazhko_shift))),
            (self._second, np.flatnonzero(self.second_amplitude)),
            (self._change, np.flatnonzero(self.period_change)),
        ):
            if rows.size and cycles.shape[1]:
                a, p, b = effect(stars, rows, cycles[rows], days[rows])
                amplitude[rows] *= a
                shift[rows] += p
                brightness[rows] += b
        return Offsets(amplitude=amplitude, phase=shift, brightness=brightness)

    def _scatter(
        self, stars: Stars, rows: npt.NDArray[np.intp], cycles: FloatArray, days: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        random, ids = KeyedRandom(seed=self.seed), stars.star_id[rows][:, None]
        first = np.floor(cycles)
        part = cycles - first
        weight = part * part * (3.0 - 2.0 * part)
        number = first.astype(np.int64)

        def smooth(purpose: str, size: FloatArray) -> FloatArray:
            start, end = (random.normal(purpose, ids, number + k) for k in (0, 1))
            return np.asarray(size[rows][:, None] * (start + weight * (end - start)))

        amplitude = np.exp(smooth("cycle amplitude", self.amplitude_scatter))
        mean = smooth("cycle mean", self.mean_scatter)
        shift = smooth("cycle phase", self.phase_scatter)
        walking = np.flatnonzero(self.phase_walk[rows])
        for j in walking.tolist():
            walk = self._walk(random, int(stars.star_id[rows[j]]), number[j])
            step = self.phase_walk[rows[j]]
            shift[j] += step * (walk[0] + weight[j] * (walk[1] - walk[0]))
        return amplitude, shift, mean

    @staticmethod
    def _walk(
        random: KeyedRandom, star_id: int, number: npt.NDArray[np.int64]
    ) -> tuple[FloatArray, FloatArray]:
        """Sum the steps of all cycles between the epoch and the beginning and end of each."""
        low, high = min(int(number.min()), 0), max(int(number.max()) + 1, 0)
        if high - low > _MOST_CYCLES:
            raise InputError(
                f"a phase walk over {high - low} cycles of star {star_id}",
                allowed=f"up to {_MOST_CYCLES}",
                remedy="Use phase_scatter for stars of short period.",
            )
        later = np.cumsum(random.normal("phase walk", star_id, np.arange(1, high + 1)))
        earlier = np.cumsum(random.normal("phase walk", star_id, -np.arange(1, -low + 1)))
        total = np.concatenate([earlier[::-1], [0.0], later])
        return total[number - low], total[number + 1 - low]

    def _blazhko(
        self, stars: Stars, rows: npt.NDArray[np.intp], cycles: FloatArray, days: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        turn = days / self.blazhko_period[rows][:, None] + self.blazhko_angle[rows][:, None]
        # Phases lag amplitudes by a quarter of the modulation: loops, as most stars show.
        amplitude = 1.0 + self.blazhko_amplitude[rows][:, None] * np.sin(2.0 * np.pi * turn)
        shift = self.blazhko_shift[rows][:, None] * np.cos(2.0 * np.pi * turn)
        return amplitude, shift, np.zeros_like(turn)

    def _second(
        self, stars: Stars, rows: npt.NDArray[np.intp], cycles: FloatArray, days: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        turn = days / self.second_period[rows][:, None] + self.second_angle[rows][:, None]
        half = 0.5 * self.second_amplitude[rows][:, None]
        wave = -half * np.cos(2.0 * np.pi * turn)
        return np.ones_like(wave), np.zeros_like(wave), wave

    def _change(
        self, stars: Stars, rows: npt.NDArray[np.intp], cycles: FloatArray, days: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        rate = self.period_change[rows][:, None]
        shift = -0.5 * rate * cycles**2
        return np.ones_like(shift), shift, np.zeros_like(shift)


@dataclass(frozen=True, kw_only=True)
class ModulationOptions:
    """Which stars deviate from strict periodicity, and how much; 0 turns an effect off.

    Parameters
    ----------
    mira_amplitude, mira_mean : float
        Cycle-to-cycle scatter of Miras: of the relative amplitude, and of the mean brightness in
        units of the amplitude.
    mira_phase, mira_walk : float
        Scatter of a cycle's phase, and step of the phase walk, in cycles. The four are measured on
        ASAS light curves: see ``docs/populations.md``.
    blazhko_rrab, blazhko_rrc : float
        Fraction of modulated stars: 0.403 of RRab (Prudil & Skarka 2017, MNRAS 466, 2602); RRc, an
        estimate.
    blazhko_amplitude : float
        Largest half range of the relative amplitude; uniform from 0.02 (estimate).
    blazhko_shift : float
        Largest half range of the phase in cycles; uniform from 0 (estimate).
    rrd : float
        Fraction of first-overtone RR Lyrae stars of suitable period (0.33 to 0.43 d) that also
        pulsate in the fundamental mode: 1,141 RRd and 3,795 RRc in the OGLE-III catalogue.
    rr_lyrae_change, cepheid_change : float
        Standard deviation of the rate of period change in days per million years for RR Lyrae
        stars, and in units of 1e-6 P per year for Cepheids (estimates: Le Borgne et al. 2007,
        A&A 476, 307; Turner et al. 2006, PASP 118, 410).
    """

    mira_amplitude: float = 0.145
    mira_mean: float = 0.09
    mira_phase: float = 0.012
    mira_walk: float = 0.016
    blazhko_rrab: float = 0.403
    blazhko_rrc: float = 0.06
    blazhko_amplitude: float = 0.30
    blazhko_shift: float = 0.03
    rrd: float = 0.23
    rr_lyrae_change: float = 0.2
    cepheid_change: float = 1.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = float(getattr(self, field.name))
            fraction = field.name in ("blazhko_rrab", "blazhko_rrc", "rrd", "blazhko_amplitude")
            top = 1.0 if fraction else np.inf
            if not 0.0 <= value <= top:
                allowed = "0 to 1" if fraction else "0 or more"
                raise InputError(f"{field.name} = {value:g}", allowed=allowed)


def draw_modulation(stars: Stars, *, seed: int, options: ModulationOptions | None = None) -> CycleModulation:
    """Draw how stars deviate from strict periodicity, class by class.

    Parameters
    ----------
    stars : Stars
        N stars.
    seed : int
        Seed; every value is keyed by (seed, star_id).
    options : ModulationOptions, optional
        Fractions and sizes.

    Returns
    -------
    CycleModulation
        The modulation of each star. Binaries, delta Scuti stars and type II and anomalous Cepheids
        are left strictly periodic.
    """
    o = ModulationOptions() if options is None else options
    n, ids, random = len(stars), stars.star_id, KeyedRandom(seed=seed)
    values: dict[str, FloatArray] = {f.name: np.zeros(n) for f in fields(CycleModulation)[1:]}
    values["blazhko_period"], values["second_period"] = np.ones(n), np.ones(n)
    mira = stars.star_class == "LPV"
    for name, size in (
        ("amplitude_scatter", o.mira_amplitude),
        ("mean_scatter", o.mira_mean),
        ("phase_scatter", o.mira_phase),
        ("phase_walk", o.mira_walk),
    ):
        values[name][mira] = size

    rr = stars.star_class == "RRLYR"
    rrc = rr & ((stars.subtype == "RRc") | ((stars.subtype == "") & (stars.period < 0.45)))
    rrab = rr & ~rrc
    u = random.uniform("blazhko", ids[:, None], np.arange(6))
    share = np.where(rrab, o.blazhko_rrab, np.where(rrc, o.blazhko_rrc, 0.0))
    modulated = u[:, 0] < share
    (short, short_width, split), (long, long_width, _) = _BLAZHKO_PERIODS
    width = random.normal("blazhko period", ids)
    few = u[:, 1] < split
    log_period = np.where(few, np.log10(short) + short_width * width, np.log10(long) + long_width * width)
    low = min(0.02, o.blazhko_amplitude)
    values["blazhko_period"] = np.where(modulated, 10.0**log_period, 1.0)
    values["blazhko_amplitude"] = np.where(modulated, low + (o.blazhko_amplitude - low) * u[:, 2], 0.0)
    values["blazhko_shift"] = np.where(modulated, o.blazhko_shift * (2.0 * u[:, 3] - 1.0), 0.0)
    values["blazhko_angle"] = np.where(modulated, u[:, 4], 0.0)

    in_range = (stars.period > RRD_PERIODS[0]) & (stars.period < RRD_PERIODS[1])
    double = rrc & in_range & (random.uniform("double mode", ids) < o.rrd)
    zero, slope, pivot = _RRD_RATIO
    noise = random.normal("double mode", ids[:, None], np.arange(2))
    ratio = zero + slope * (stars.period - pivot) + _RRD_SCATTER * noise[:, 0]
    median, spread = _RRD_AMPLITUDE
    values["second_period"] = np.where(double, stars.period / ratio, 1.0)
    values["second_amplitude"] = np.where(double, median * np.exp(spread * noise[:, 1]), 0.0)
    values["second_angle"] = np.where(double, u[:, 5], 0.0)

    # Days per million years, and 1e-6 P per year, in days per day.
    rate = np.where(rr, o.rr_lyrae_change / (1e6 * JULIAN_YEAR), 0.0)
    rate = np.where(stars.star_class == "CEP", o.cepheid_change * 1e-6 * stars.period / JULIAN_YEAR, rate)
    values["period_change"] = rate * random.normal("period change", ids)
    return CycleModulation(seed=seed, **values)
