"""Exposures of a synthetic night: times, pairs, depths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from pelsvae_cadence.cadence.synthetic.almanac import (
    SIDEREAL_RATE,
    airmass,
    moon_position,
    sidereal_time,
    sine_of_altitude,
    wrap_angle,
)
from pelsvae_cadence.cadence.synthetic.cells import sky_cell
from pelsvae_cadence.cadence.synthetic.presets import HALF_HOURS, hour_angle_distribution, usable_hour_angles
from pelsvae_cadence.cadence.synthetic.schedule import Place, Schedule
from pelsvae_cadence.cadence.visits import Visits

__all__ = ["ID_NSIDE", "Exposures"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Positions this close (6 arcsec) count as one in visit numbers.
ID_NSIDE: Final = 2**15
# A visit number holds position, night and place in the night, and stays below 2**53, so that it
# survives tables that keep numbers as float64.
_VISITS_PER_NIGHT: Final = 64
_MAX_NIGHTS: Final = 8192
# Depth scatter of the ninth visit of a night repeats that of the first.
_NOISE_PER_NIGHT: Final = 8
_MINUTES: Final = 1.0 / 1440.0


@dataclass(frozen=True, kw_only=True)
class Exposures:
    """The observing half of a synthetic survey: times, repeats and depths.

    Parameters
    ----------
    schedule : Schedule
        The plan.
    exposure_time : mapping of str to float
        Seconds by band.
    """

    schedule: Schedule
    exposure_time: Mapping[str, float]

    @cached_property
    def _night_quality(self) -> FloatArray:
        """Depth of a night relative to an ordinary one, in standard deviations, (n_nights,)."""
        normal = self.schedule.random.normal("transparency", 0, np.arange(self.schedule.n_nights))
        return _skewed(normal)

    def expose(self, place: Place, night: IntArray, pattern: IntArray) -> Visits:
        """Turn nights and patterns into visits with times and depths.

        Parameters
        ----------
        place : Place
            The position.
        night : ndarray of int64, shape (n_observed,)
            Observed nights.
        pattern : ndarray of int64, shape (n_observed,)
            What is done in them.

        Returns
        -------
        Visits
            The visits, sorted by time.
        """
        band, minute, repeats, spacing = self._passes(place.cell, night, pattern)
        low, high = usable_hour_angles(self.schedule.model, self.schedule.nights, place.ra, place.dec, night)
        # Long sequences close up, down to half their time, in a night that is too short for them;
        # passes that do not fit even so are left out.
        available = np.maximum((high - low) / SIDEREAL_RATE, 0.0)
        needed = np.where(band >= 0, minute, 0.0).max(axis=1) * _MINUTES
        long = ((band >= 0).sum(axis=1) > 2) & (self.schedule.model.later_block == 0.0)
        squeeze = np.clip(available / np.maximum(needed, _MINUTES), 0.5, 1.0)
        minute = minute * np.where(long, squeeze, 1.0)[:, None]
        valid = (band >= 0) & (minute * _MINUTES <= available[:, None])
        valid[:, 0] = True
        duration = np.where(valid, minute, 0.0).max(axis=1) * _MINUTES
        begin = self._begin(place, night, low, high - duration * SIDEREAL_RATE)
        row, column = np.nonzero(valid)
        many = np.where(column == self.schedule.pattern_bands.shape[1], 1, repeats[row])
        if self.schedule.model.later_block == 0.0 and self.schedule.model.later_visit == 0.0:
            many = repeats[row]
        source = np.repeat(np.arange(row.size), many)
        within = np.arange(source.size) - np.repeat(np.cumsum(many) - many, many)
        row, column = row[source], column[source]
        mjd = begin[row] + (minute[row, column] + within * spacing[row]) * _MINUTES
        chosen = band[row, column]
        order = np.argsort(mjd, kind="stable")
        row, mjd, chosen = row[order], mjd[order], chosen[order]
        nights = night[row]
        m5, mass, seeing = self._depths(place, nights, mjd, chosen)
        new = np.concatenate([[True], np.diff(nights) > 0])
        first = np.flatnonzero(new)
        nth = np.arange(mjd.size) - np.repeat(first, np.diff(np.append(first, mjd.size)))
        position = int(sky_cell(ID_NSIDE, place.ra, place.dec))
        visit_id = (position * _MAX_NIGHTS + nights) * _VISITS_PER_NIGHT + nth
        exposure = np.array([self.exposure_time[name] for name in self.schedule.model.bands])
        return Visits(
            mjd=mjd,
            band=np.array(self.schedule.model.bands)[chosen],
            m5=m5,
            night=nights,
            visit_id=visit_id,
            exptime=exposure[chosen],
            airmass=mass,
            seeing=seeing,
        )

    def _passes(
        self, cell: int, night: IntArray, pattern: IntArray
    ) -> tuple[IntArray, FloatArray, IntArray, FloatArray]:
        """Lay out the passes of each night, the visits of a pass and the minutes between them.

        Columns are the passes of the pattern, one later visit, and the passes of the pattern once
        more; absent ones have band -1. Minutes count from the first visit.
        """
        model = self.schedule.model
        base = self.schedule.pattern_bands[pattern]
        longest = base.shape[1]
        length = self.schedule.pattern_length[pattern]
        minute = np.zeros(base.shape)
        if longest > 1:
            u = self.schedule.per_night("interval", cell, longest - 1)[night]
            step = _quantile(model.intervals[""], u)
            for key, table in model.intervals.items():
                if key.isdigit():
                    chosen = length == int(key)
                elif key:
                    chosen = pattern == model.patterns.index(key)
                else:
                    continue
                step[chosen] = _quantile(table, u[chosen])
            minute[:, 1:] = np.cumsum(step, axis=1)
        repeats_u = self.schedule.per_night("repeats", cell)[night, 0]
        single, pair = (
            1 + np.searchsorted(np.cumsum(shares)[:-1] / np.sum(shares), repeats_u, side="right")
            for shares in (model.repeats_single, model.repeats_pair)
        )
        repeats = np.where(length == 1, single, pair).astype(np.int64)
        spacing = _quantile(model.overlap, self.schedule.per_night("overlap", cell)[night, 0])
        spacing = spacing / np.maximum(repeats - 1, 1)
        if model.later_visit == 0.0 and model.later_block == 0.0:
            return base, minute, repeats, spacing
        last = base[np.arange(night.size), length - 1]
        end = minute[np.arange(night.size), length - 1] + (repeats - 1) * spacing
        choice, wait_u = self.schedule.per_night("later", cell, 2)[night].T
        wait = _quantile(model.later, wait_u)
        one = choice < model.later_visit
        block = ~one & (choice < model.later_visit + model.later_block)
        band = np.concatenate(
            [base, np.where(one, last, -1)[:, None], np.where(block[:, None], base, -1)], axis=1
        )
        minute = np.concatenate([minute, (end + wait)[:, None], (end + wait)[:, None] + minute], axis=1)
        return band, minute, repeats, spacing

    def _begin(self, place: Place, night: IntArray, low: FloatArray, high: FloatArray) -> FloatArray:
        """Draw the time of the first visit of each night, MJD (TAI), between two hour angles."""
        cumulative = hour_angle_distribution(self.schedule.model, place.dec)
        below = np.interp(low, HALF_HOURS, cumulative)
        above = np.interp(high, HALF_HOURS, cumulative)
        u = self.schedule.per_night("hour angle", place.cell)[night, 0]
        drawn = np.interp(below + u * (above - below), cumulative, HALF_HOURS)
        # Where the night leaves nothing of the usual hour angles, the nearest it has.
        hour_angle = np.clip(drawn, low, np.maximum(high, low))
        at_midnight = wrap_angle(self.schedule.nights.sidereal_time[night] - place.ra)
        return np.asarray(self.schedule.nights.midnight[night] + (hour_angle - at_midnight) / SIDEREAL_RATE)

    def _depths(
        self, place: Place, night: IntArray, mjd: FloatArray, band: IntArray
    ) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        """Compute depth [mag], airmass and seeing [arcsec] of visits."""
        ra, dec = place.ra, place.dec
        model, nights = self.schedule.model, self.schedule.nights
        sidereal = sidereal_time(mjd, model.site)
        mass = airmass(sine_of_altitude(sidereal - ra, dec, model.site))
        moon_ra, moon_dec, _ = moon_position(mjd)
        moon_sine = sine_of_altitude(sidereal - moon_ra, moon_dec, model.site)
        lit = 0.5 * (1.0 - np.cos(np.radians(nights.moon_phase[night]))) * (moon_sine > 0.0)
        high = lit * np.maximum(moon_sine, 0.0)
        cosine = np.sin(np.radians(dec)) * np.sin(np.radians(moon_dec)) + np.cos(np.radians(dec)) * np.cos(
            np.radians(moon_dec)
        ) * np.cos(np.radians(ra - moon_ra))
        apart = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
        near = high * lit**2 * np.clip((60.0 - apart) / 60.0, 0.0, 1.0)
        sun_sine = sine_of_altitude(sidereal - nights.sun_ra[night], nights.sun_dec[night], model.site)
        dusk = np.clip((np.degrees(np.arcsin(np.clip(sun_sine, -1.0, 1.0))) + 18.0) / 6.0, 0.0, 1.0)
        rows = [vars(model.depth[name]) for name in model.bands]
        part = {key: np.array([row[key] for row in rows])[band] for key in rows[0]}
        nth = np.arange(mjd.size) - np.searchsorted(night, night)
        noise = self.schedule.per_night("visit depth", place.cell, _NOISE_PER_NIGHT)
        noise = _skewed(np.asarray(ndtri(noise[night, nth % _NOISE_PER_NIGHT])))
        weather = part["night"] * self._night_quality[night] + part["visit"] * noise
        exposure = np.array([self.exposure_time[name] for name in model.bands])[band]
        m5 = (
            part["zenith"]
            - part["extinction"] * 2.5 * np.log10(mass)
            - part["moon"] * lit
            - part["moon_high"] * high
            - part["moon_near"] * near
            - part["twilight"] * dusk
            + weather
            + 1.25 * np.log10(exposure / model.reference_time)
        )
        if model.seeing is None:
            return m5, mass, None
        # A depth falls by 2.5 log10 of the seeing (Ivezić et al. 2019, ApJ 873, 111, equation 6),
        # and seeing grows with airmass to the power 0.6 (Fried 1966; Kolmogorov turbulence).
        seeing = model.seeing * mass**0.6 * 10.0 ** (-0.4 * weather)
        return m5, mass, np.asarray(np.clip(seeing, 0.3, 5.0))


def _quantile(table: npt.ArrayLike, u: npt.ArrayLike) -> FloatArray:
    """Draw from evenly spaced quantiles."""
    values = np.asarray(table, dtype=np.float64)
    return np.asarray(np.interp(np.asarray(u), np.linspace(0.0, 1.0, values.size), values))


def _skewed(normal: FloatArray) -> FloatArray:
    """Turn normal numbers into ones of zero mean, unit variance and a tail of bad nights."""
    # A shifted lognormal; 0.3 gives the skewness of about -1 that the depth residuals show.
    width = 0.3
    mean = np.exp(width**2 / 2.0)
    sd = mean * np.sqrt(np.exp(width**2) - 1.0)
    return np.asarray((mean - np.exp(-width * normal)) / sd)
