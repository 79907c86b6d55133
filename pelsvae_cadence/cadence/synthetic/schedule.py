"""Schedule of a synthetic survey: nights and bands of a sky position."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from pelsvae_cadence.cadence.synthetic import footprint
from pelsvae_cadence.cadence.synthetic.almanac import Nights, wrap_angle
from pelsvae_cadence.cadence.synthetic.cells import parent_cell, sky_cell
from pelsvae_cadence.cadence.synthetic.presets import (
    HALF_HOURS,
    SurveyModel,
    hour_angle_distribution,
    over_positions,
    season_profile,
    tilt_patterns,
    usable_hour_angles,
)
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.core.times import JULIAN_YEAR

__all__ = ["CELL_NSIDE", "Place", "Schedule"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Positions within a cell (0.9 deg wide) share their random numbers, as they share pointings.
CELL_NSIDE: Final = 64
_DEGREES_PER_DAY: Final = 360.0 / JULIAN_YEAR  # of the Sun, on average
_REGION_VISITS: Final = {footprint.WIDE: 1.0, footprint.DUSTY: 0.30, footprint.NORTH_SPUR: 0.24}
# How much of a night's choice of bands is shared by the nights of a lunation.
_LUNATION_TIE: Final = 0.5
_EVEN_BLOCK: Final = 20
# Share of the visits planned for hours later for which the night turns out long enough.
_LATER_FITS: Final = 0.8
# A night is fully used when it reaches this share of the hour angles at which a position is taken.
_ENOUGH_OF_THE_USUAL: Final = 0.07


@dataclass(frozen=True, kw_only=True)
class Place:
    """A sky position as a survey knows it.

    Parameters
    ----------
    ra, dec : float
        ICRS position, degrees.
    cell : int
        Its cell of the sky, the address of its random numbers.
    region : int
        Its region of the footprint.
    rank : float
        Where it stands among all positions in number of visits: 0 for the poorest, 1 for the richest.
    """

    ra: float
    dec: float
    cell: int
    region: int
    rank: float


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The planning half of a synthetic survey: nights and patterns of bands.

    Parameters
    ----------
    model : SurveyModel
        The numbers of the preset.
    random : KeyedRandom
        The source of all random numbers.
    years : float
        Length of the survey in Julian years.
    expected_visits : mapping of str to float
        Visits at the median position over the preset's length, by band.
    rolling_strength : float
        Contrast between stripes (or seasons) relative to the preset's.
    rolling_years : tuple of int or None
        Seasons that are rolled; None for the preset's.
    pairing : float or None
        Share of the blocks of visits that are pairs or longer; None for the preset's.
    season_length : float
        Factor on the length of the seasons.
    """

    model: SurveyModel
    random: KeyedRandom
    years: float
    expected_visits: Mapping[str, float]
    rolling_strength: float = 1.0
    rolling_years: tuple[int, ...] | None = None
    pairing: float | None = None
    season_length: float = 1.0

    @cached_property
    def _band_factors(self) -> FloatArray:
        """Wanted over preset visits, (n_bands,)."""
        table = self.model.visits_per_band
        return np.array(
            [self.expected_visits[band] / over_positions(table[band], 0.5) for band in self.model.bands]
        )

    @cached_property
    def n_nights(self) -> int:
        """Number of nights that are planned: at least those of the preset."""
        return int(np.ceil(max(self.years, self.model.years) * JULIAN_YEAR)) + 1

    @cached_property
    def first_night(self) -> int:
        """Number of night 0 on the scale ``floor(mjd - site.noon)``."""
        return int(np.floor(self.model.mjd_start - self.model.site.noon))

    @cached_property
    def nights(self) -> Nights:
        """Darkness, Sun and Moon of the nights."""
        model = self.model
        return Nights.of(model.site, self.first_night, self.n_nights, model.twilight)

    @cached_property
    def open(self) -> npt.NDArray[np.bool_]:
        """Nights on which the dome opens, (n_nights,)."""
        model = self.model
        nights = np.arange(self.n_nights)
        shocks = self.random.normal("weather", 0, nights)
        # An autoregressive sequence of unit variance: bad weather comes in spells.
        memory = model.down_memory ** np.arange(30)
        state = np.convolve(shocks, memory)[: nights.size] * np.sqrt(1.0 - model.down_memory**2)
        twelfth = ((self.nights.midnight % JULIAN_YEAR) / JULIAN_YEAR * 12.0).astype(np.int64)
        is_open = ndtr(state) > np.asarray(model.down_fraction)[twelfth]
        for first, length in model.stoppages:
            is_open[first : first + length] = False
        return np.asarray(is_open)

    @cached_property
    def _activity(self) -> FloatArray:
        """How busy the survey is on an open night, (n_nights,)."""
        year = (np.arange(self.n_nights) / JULIAN_YEAR).astype(np.int64)
        busy = np.ones(year[-1] + 1)
        known = np.asarray(self.model.year_mean)[: busy.size]
        busy[: known.size] = known
        # The table holds the visits of whole years, their weather included: draw it only once.
        nights = np.bincount(year)
        usable = np.bincount(year, weights=self.open.astype(np.float64))
        busy = busy * nights / np.maximum(usable, 1.0)
        return np.asarray(busy[year] * usable.sum() / nights.sum())

    @cached_property
    def pattern_bands(self) -> IntArray:
        """Band number of each pass of each pattern, -1 beyond the end, (n_patterns, longest)."""
        letters = [band[-1] for band in self.model.bands]
        longest = max(len(pattern) for pattern in self.model.patterns)
        table = np.full((len(self.model.patterns), longest), -1, dtype=np.int64)
        for row, pattern in enumerate(self.model.patterns):
            table[row, : len(pattern)] = [letters.index(letter) for letter in pattern]
        return table

    @cached_property
    def pattern_length(self) -> IntArray:
        """Number of passes of each pattern, (n_patterns,)."""
        return np.asarray((self.pattern_bands >= 0).sum(axis=1), dtype=np.int64)

    @cached_property
    def _pattern_counts(self) -> FloatArray:
        """Expected visits by band when a pattern is chosen, (n_patterns, n_bands)."""
        model = self.model
        n_bands = len(model.bands)
        one_hot = np.eye(n_bands + 1)[self.pattern_bands][:, :, :n_bands]
        single, pair = (
            float(np.dot(np.arange(1, len(shares) + 1), shares) / np.sum(shares))
            for shares in (model.repeats_single, model.repeats_pair)
        )
        length = self.pattern_length
        repeats = np.where(length == 1, single, pair)
        counts = one_hot.sum(axis=1) * (repeats * (1.0 + _LATER_FITS * model.later_block))[:, None]
        last = one_hot[np.arange(length.size), length - 1]
        return np.asarray(counts + _LATER_FITS * model.later_visit * last)

    @cached_property
    def _paired_weights(self) -> FloatArray:
        """Chances of the patterns after the pairing knob, (n_phases, n_patterns)."""
        weights = np.asarray(self.model.pattern_weights, dtype=np.float64)
        weights = weights / weights.sum(axis=1, keepdims=True)
        if self.pairing is None:
            return np.asarray(weights)
        paired = self.pattern_length > 1
        share = weights[:, paired].sum(axis=1, keepdims=True)
        weights = weights.copy()
        weights[:, paired] *= self.pairing / share
        weights[:, ~paired] *= (1.0 - self.pairing) / (1.0 - share)
        return np.asarray(weights)

    @cached_property
    def _nights_factor(self) -> float:
        """Observed nights relative to the preset: more visits, or fewer a night, need more."""
        preset = np.asarray(self.model.pattern_weights, dtype=np.float64)
        preset = preset / preset.sum(axis=1, keepdims=True)
        each = self._pattern_counts.sum(axis=1)
        ratio = float((preset @ each).mean() / (self._paired_weights @ each).mean())
        table = self.model.visits_per_band
        wanted = sum(self.expected_visits.values())
        usual = sum(over_positions(table[band], 0.5) for band in self.model.bands)
        return ratio * wanted / usual

    @cached_property
    def _season_rates(self) -> tuple[FloatArray, FloatArray]:
        """Mean visits and contrast of the n-th season, beginning with the season before the first."""
        rolling = self.model.rolling
        if rolling is None:
            raise TypeError("only surveys with stripes have season rates")
        n_seasons = int(np.ceil(self.n_nights / JULIAN_YEAR)) + 3
        number = np.arange(n_seasons)
        mean = np.asarray(rolling.mean)
        contrast = np.asarray(rolling.contrast)
        # Beyond the table (longer surveys) the rolling goes on alternating at its usual strength.
        usual = np.abs(contrast[2:10]).mean()
        index = np.clip(number - 1, 0, mean.size - 1)
        inside = number <= mean.size
        rates = np.where(inside, mean[index], mean[2:10].mean())
        swing = np.where(inside, contrast[index], usual * np.where(number % 2, 1.0, -1.0))
        chosen: Any = self.rolling_years
        if chosen is None:
            last = rolling.rolling_seasons[-1]
            chosen = (*rolling.rolling_seasons, *range(last + 1, n_seasons))
        swing = np.where(np.isin(number, chosen), self.rolling_strength * swing, 0.0)
        return rates, np.clip(swing, -0.97, 0.97)

    @cached_property
    def _preset_pattern_chances(self) -> FloatArray | None:
        """Chances of the patterns where they are the same at all positions."""
        if any(len(table) > 1 for table in self.model.visits_per_band.values()):
            return None
        target = np.array([self.expected_visits[band] for band in self.model.bands])
        nights = over_positions(self.model.nights, 0.5) * self._nights_factor
        return tilt_patterns(self._paired_weights, self._pattern_counts, target / nights)

    def _even_draws(self, purpose: str, cell: int, n: int) -> FloatArray:
        """Uniform numbers of which any 20 in a row cover the interval evenly.

        A survey that follows a plan catches up after a long gap: its seasons are more alike than
        independent gaps would make them.
        """
        n_blocks = -(-n // _EVEN_BLOCK)
        draws = self.random.generator(purpose, cell).random((2, n_blocks, _EVEN_BLOCK))
        place = np.argsort(draws[0], axis=1)
        return np.asarray(((place + draws[1]) / _EVEN_BLOCK).ravel()[:n])

    def per_night(self, purpose: str, cell: int, columns: int = 1) -> FloatArray:
        """Draw uniform numbers of a cell for every night of the survey.

        One keyed stream a cell and purpose, night after night: as well addressed as single draws, and
        ten times as fast. A longer survey begins with the same numbers.

        Parameters
        ----------
        purpose : str
            What the numbers are for.
        cell : int
            The cell of the sky.
        columns : int
            Numbers a night.

        Returns
        -------
        ndarray of float64, shape (n_nights, columns)
            Numbers between 0 and 1.
        """
        return self.random.generator(purpose, cell).random((self.n_nights, columns))

    def place(self, ra: float, dec: float, region: int) -> Place:
        """Look a position up.

        Parameters
        ----------
        ra, dec : float
            ICRS position, degrees.
        region : int
            Its region of the footprint.

        Returns
        -------
        Place
            The position with its cell and rank.
        """
        cell = int(sky_cell(CELL_NSIDE, ra, dec))
        return Place(ra=ra, dec=dec, cell=cell, region=region, rank=self._rank(cell, dec))

    def _rank(self, cell: int, dec: float) -> float:
        noise = float(ndtri(self.random.generator("richness", cell).random()))
        if self.model.survey == "lsst":
            return float(ndtr(noise))
        # ZTF looks more often at the north: a uniform number that grows with declination, mixed
        # with noise so that the mixture is uniform again over the footprint.
        south = np.sin(np.radians(-29.0))
        share = (np.sin(np.radians(dec)) - south) / (1.0 - south)
        north = float(ndtri(np.clip(share, 1e-3, 1.0 - 1e-3)))
        return float(ndtr(0.5 * north + np.sqrt(0.75) * noise))

    def _night_rates(self, place: Place) -> FloatArray:
        """Give the relative chance that a night is used, (n_nights,); zero if closed or out of season."""
        model = self.model
        nights = self.nights
        # Positive while opposition is still to come; degrees of right ascension.
        ahead = wrap_angle(place.ra - nights.sun_ra - 180.0)
        profile = season_profile(model, place.dec)
        steps = np.arange(-175.0, 180.0, 10.0)
        rate = np.interp(ahead / self.season_length, steps, profile, left=0.0, right=0.0)
        # No visits where the night leaves none of the usual hour angles, i.e. only high airmass.
        low, high = usable_hour_angles(model, nights, place.ra, place.dec, slice(None))
        cumulative = hour_angle_distribution(model, place.dec)
        usual = np.interp(high, HALF_HOURS, cumulative) - np.interp(low, HALF_HOURS, cumulative)
        rate = rate * np.clip(usual / _ENOUGH_OF_THE_USUAL, 0.0, 1.0)
        opposition = np.arange(rate.size) + ahead / _DEGREES_PER_DAY
        patch = parent_cell(place.cell, CELL_NSIDE, model.year_patch)
        if model.rolling is None:
            season = np.floor(opposition / JULIAN_YEAR).astype(np.int64) + 1
            scatter = self.random.normal("season", patch, np.arange(season.max() + 2))
            rate = rate * np.exp(self.rolling_strength * model.year_scatter * scatter)[season]
        else:
            epoch = model.rolling.epoch
            season = 3 + np.floor((opposition - epoch) / JULIAN_YEAR).astype(np.int64)
            mean, swing = self._season_rates
            season = np.clip(season, 0, mean.size - 1)
            stripe = float(footprint.lsst_stripe(place.ra, place.dec))
            scatter = self.random.normal("season", patch, np.arange(mean.size))
            factor = mean * (1.0 + swing * stripe) * np.exp(model.year_scatter * scatter)
            rate = rate * factor[season]
        return np.where(self.open, rate * self._activity, 0.0)

    def observed_nights(self, place: Place) -> IntArray:
        """Choose the nights on which a position is observed, over all planned nights.

        Parameters
        ----------
        place : Place
            The position.

        Returns
        -------
        ndarray of int64, shape (n_observed,)
            Night numbers, ascending.
        """
        rate = self._night_rates(place)
        usable = np.flatnonzero(rate > 0.0)
        if usable.size == 0:
            return np.zeros(0, dtype=np.int64)
        clock = np.cumsum(rate[usable])
        usual = clock[usable < self.model.years * JULIAN_YEAR]
        if usual.size == 0:
            return np.zeros(0, dtype=np.int64)
        wanted = over_positions(self.model.nights, place.rank) * self._nights_factor
        wanted *= _REGION_VISITS[place.region] * clock[-1] / usual[-1]
        n = int(np.floor(wanted + self.random.uniform("nights", place.cell)))
        n = min(n, int(0.9 * usable.size))
        if n == 0:
            return np.zeros(0, dtype=np.int64)
        # A renewal process on a clock that runs with the rate: gaps are long where the survey
        # comes rarely, and cluster as measured. One gap more than nights, split between both ends.
        probability, length = np.array(self.model.gaps).T
        gaps = np.interp(self._even_draws("gap", place.cell, n + 1), probability, length)
        time = np.cumsum(gaps)
        time = (time[:-1] - 0.5 * gaps[0]) / (time[-1] - 0.5 * gaps[0]) * clock[-1]
        index = np.searchsorted(clock, time)
        # Two visits planned for one night: the second moves on to the next usable one.
        step = np.arange(n)
        index = np.maximum.accumulate(index - step) + step
        return np.asarray(usable[index[index < usable.size]], dtype=np.int64)

    def choose_patterns(self, place: Place, night: IntArray) -> IntArray:
        """Choose what is done in each night.

        Parameters
        ----------
        place : Place
            The position.
        night : ndarray of int64, shape (n_observed,)
            Its observed nights.

        Returns
        -------
        ndarray of int64, shape (n_observed,)
            Numbers of patterns.
        """
        model = self.model
        chances = self._preset_pattern_chances
        if place.region == footprint.NORTH_SPUR:
            target = np.array([self.expected_visits[band] for band in model.bands])
            target *= np.array([0.0 if band in ("u", "y") else 1.0 for band in model.bands])
            target /= over_positions(model.nights, 0.5) * self._nights_factor
            chances = tilt_patterns(self._paired_weights, self._pattern_counts, target)
        elif chances is None:
            chances = self._position_chances(place)
        n_phases = len(chances)
        phase = (self.nights.moon_phase[night] / 360.0 * n_phases).astype(np.int64) % n_phases
        # Stratified within each phase of the Moon: a position gets its share of every band.
        # Nights of one lunation lie close in the ordering, so that u comes in lunations.
        shuffle = self.per_night("pattern order", place.cell)[night, 0]
        lunation = self.per_night("lunation", place.cell)[self.nights.lunation[night], 0]
        shuffle = _LUNATION_TIE * lunation + (1.0 - _LUNATION_TIE) * shuffle
        order = np.lexsort((shuffle, phase))
        starts = np.searchsorted(phase[order], np.arange(n_phases))
        count = np.bincount(phase, minlength=n_phases)
        nth = np.empty(night.size)
        nth[order] = np.arange(night.size) - starts[phase[order]]
        u = (nth + self.per_night("pattern", place.cell)[night, 0]) / count[phase]
        cumulative = np.cumsum(chances, axis=1)
        cumulative /= cumulative[:, -1:]
        ladder = (cumulative + np.arange(n_phases)[:, None]).ravel()
        found = np.searchsorted(ladder, np.minimum(u, 1.0 - 1e-12) + phase, side="right")
        return np.asarray(np.minimum(found - phase * chances.shape[1], chances.shape[1] - 1), dtype=np.int64)

    def _position_chances(self, place: Place) -> FloatArray:
        """Chances of the patterns at a position whose band mix is its own."""
        model = self.model
        target = []
        for number, band in enumerate(model.bands):
            # The bands go up and down together; zi, observed for its own programmes, less so.
            own = float(self.random.normal("band", place.cell, number))
            tie = 0.4 if band == "zi" else 0.97
            score = tie * float(ndtri(place.rank)) + np.sqrt(1.0 - tie**2) * own
            target.append(over_positions(model.visits_per_band[band], float(ndtr(score))))
        wanted = np.array(target) * self._band_factors
        nights = over_positions(model.nights, place.rank) * self._nights_factor
        return tilt_patterns(self._paired_weights, self._pattern_counts, wanted / nights)
