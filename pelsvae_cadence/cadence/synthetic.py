"""A seeded survey without a data file: LSST-like and ZTF-like cadences made at any sky position.

The survey is made position by position. Every random number has an address - (seed, purpose, cell
of the sky, item) or (seed, purpose, night) for what the whole sky shares, such as the weather - so
the visits of a position do not depend on which other positions are asked for. What is astronomy is
computed, not drawn: seasons follow the Sun, times of night the sidereal time at the site, bands
the phase of the Moon, depths the airmass and the Moon. What is strategy follows tables measured on
real pointing tables (see `pelsvae_cadence.cadence.lsst_like` and `ztf_like`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import healpy as hp
import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from pelsvae_cadence.bands import SurveyName
from pelsvae_cadence.cadence import footprint
from pelsvae_cadence.cadence.almanac import (
    SIDEREAL_RATE,
    Nights,
    airmass,
    moon_position,
    sidereal_time,
    sine_of_altitude,
    wrap_angle,
)
from pelsvae_cadence.cadence.lsst_like import LSST_V3, LSST_V5_EXPOSURE_TIME, LSST_V5_VISITS
from pelsvae_cadence.cadence.survey_model import SurveyModel, tilt_patterns
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.cadence.ztf_like import ZTF_2018
from pelsvae_cadence.errors import InputError
from pelsvae_cadence.randomness import KeyedRandom

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PRESETS", "SyntheticSurvey"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

PRESETS: Final = ("lsst-v3", "lsst-v5", "ztf")
_ALIASES: Final = {"lsst": "lsst-v3"}

# Positions within a cell (0.9 deg wide) share their random numbers, as they share pointings.
_CELL_NSIDE: Final = 64
# Positions this close (6 arcsec) count as one in visit numbers.
_ID_NSIDE: Final = 2**15
_VISITS_PER_NIGHT: Final = 64
# Depth scatter of the ninth visit of a night repeats that of the first.
_NOISE_PER_NIGHT: Final = 8
_MAX_NIGHTS: Final = 8192
_JULIAN_YEAR: Final = 365.25
_DEGREES_PER_DAY: Final = 360.0 / _JULIAN_YEAR  # of the Sun, on average
_MINUTES: Final = 1.0 / 1440.0
_REGION_VISITS: Final = {footprint.WIDE: 1.0, footprint.DUSTY: 0.30, footprint.NORTH_SPUR: 0.24}
_HALF_HOURS: Final = np.linspace(-6.0, 6.0, 25) * 15.0  # edges of the hour angle tables, degrees
# How much of a night's choice of bands is shared by the nights of a lunation.
_LUNATION_TIE: Final = 0.5
_EVEN_BLOCK: Final = 20
# Share of the visits planned for hours later for which the night turns out long enough.
_LATER_FITS: Final = 0.8
# A night is fully used when it reaches this share of the hour angles at which a position is taken.
_ENOUGH_OF_THE_USUAL: Final = 0.10
_YEARS_RANGE: Final = (0.1, 20.0)
_ROLLING_RANGE: Final = (0.0, 1.5)
_SEASON_RANGE: Final = (0.3, 1.5)
_EXPOSURE_RANGE: Final = (1.0, 600.0)
_VISITS_RANGE: Final = (0.0, 5000.0)


def _check_range(name: str, value: float, allowed: tuple[float, float], unit: str = "") -> float:
    """Refuse a knob that is not a number in its range."""
    low, high = allowed
    words = f"{low:g} to {high:g}{unit}"
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise InputError(f"{name} = {value!r} is not a number", allowed=words)
    if not low <= float(value) <= high:
        raise InputError(f"{name} = {value!r}", allowed=words)
    return float(value)


def _quantile(table: npt.ArrayLike, u: npt.ArrayLike) -> FloatArray:
    """Draw from evenly spaced quantiles."""
    values = np.asarray(table, dtype=np.float64)
    return np.interp(np.asarray(u), np.linspace(0.0, 1.0, values.size), values)


def _over_positions(table: tuple[tuple[float, float], ...], u: float) -> float:
    """Draw a position's value from (probability, value) pairs, log-linear in the normal score."""
    if len(table) == 1:
        return table[0][1]
    score = ndtri(np.array([probability for probability, _ in table]))
    value = np.log(np.array([max(value, 0.5) for _, value in table]))
    # Beyond the outer quantiles the last slope goes on, out to where 1 in 50 positions lies.
    x = float(np.clip(ndtri(u), -2.05, 2.05))
    slope = np.diff(value) / np.diff(score)
    if x < score[0]:
        return float(np.exp(value[0] + slope[0] * (x - score[0])))
    if x > score[-1]:
        return float(np.exp(value[-1] + slope[-1] * (x - score[-1])))
    return float(np.exp(np.interp(x, score, value)))


@dataclass(frozen=True, kw_only=True)
class SyntheticSurvey:
    """A synthetic ground-based survey, LSST-like or ZTF-like.

    Parameters
    ----------
    preset : {"lsst-v3", "lsst-v5", "ztf", "lsst"}
        ``"lsst-v3"`` follows the statistics of Rubin OpSim baseline v3.0 (``"lsst"`` is the same),
        ``"ztf"`` those of the ZTF pointings of 2018 to 2022. ``"lsst-v5"`` is v3.0 with the
        exposure times of the v5 baselines (29 s, 38 s in u) and a tenth fewer visits: an
        approximation.
    seed : int
        Seed of all random numbers, 0 or larger.
    years : float, optional
        Length of the survey in years of 365.25 d, 0.1 to 20. A shorter survey is the beginning of
        a longer one. None takes the preset's: 10 for LSST, 4.2 for ZTF.
    rolling_strength : float, optional
        Contrast between favoured and other stripes in rolling seasons: 0 for none, 1 for the
        preset's, at most 1.5. With ``"ztf"``, which has no stripes, it scales the contrast between
        the seasons of a position.
    rolling_years : tuple of int, optional
        Numbers of the observing seasons, counted from 1, that are rolled. The n-th is the season
        whose opposition falls in survey year n, give or take four months. LSST only; the preset
        rolls from the third on.
    pairing : float, optional
        Share of blocks of visits that are pairs or longer, 0 to 1; None takes the preset's (about
        0.72 for LSST, 0.71 for ZTF). The number of visits stays.
    season_length : float, optional
        Factor on the length of the seasons, 0.3 to 1.5. The number of visits stays.
    exposure_time : mapping of str to float, optional
        Exposure times in seconds, 1 to 600, by band; other bands keep the preset's. Depths change
        by 1.25 log10 of the ratio.
    visits_per_band : mapping of str to float, optional
        Expected visits at an ordinary position of the wide survey over the preset's length (ten
        years for LSST), by band; other bands keep the preset's.

    Raises
    ------
    InputError
        For unknown presets and bands, and for values outside their ranges.

    Notes
    -----
    Deep drilling fields, the shape of the camera and the field grid are not modelled. Neighbouring
    cells of the sky share the weather and the strategy, but not their pointings.
    """

    preset: str = "lsst-v3"
    seed: int = 0
    years: float | None = None
    rolling_strength: float | None = None
    rolling_years: tuple[int, ...] | None = None
    pairing: float | None = None
    season_length: float | None = None
    exposure_time: Mapping[str, float] | None = None
    visits_per_band: Mapping[str, float] | None = None
    _random: KeyedRandom = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        preset = _ALIASES.get(self.preset, self.preset)
        if preset not in PRESETS:
            raise InputError(
                f"unknown survey preset {self.preset!r}", allowed=", ".join((*PRESETS, *_ALIASES))
            )
        object.__setattr__(self, "preset", preset)
        object.__setattr__(self, "_random", KeyedRandom(seed=self.seed))
        for name, allowed, unit in (
            ("years", _YEARS_RANGE, " years"),
            ("rolling_strength", _ROLLING_RANGE, ""),
            ("pairing", (0.0, 1.0), ""),
            ("season_length", _SEASON_RANGE, ""),
        ):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, _check_range(name, value, allowed, unit))
        if self.rolling_years is not None:
            self._check_rolling_years()
        for name, allowed, unit in (
            ("exposure_time", _EXPOSURE_RANGE, " s"),
            ("visits_per_band", _VISITS_RANGE, " visits"),
        ):
            given = getattr(self, name)
            if given is not None:
                object.__setattr__(self, name, self._check_bands(name, given, allowed, unit))
        if sum(self._expected_visits.values()) < 1.0:
            raise InputError(
                "visits_per_band leaves less than one visit in all bands",
                remedy="Bands that are not named keep the preset's visits; raise one of the others.",
            )

    def _check_rolling_years(self) -> None:
        last = int(_YEARS_RANGE[1])
        if self._model.rolling is None:
            raise InputError(
                f"rolling_years = {self.rolling_years!r} for preset {self.preset!r}",
                remedy="This preset has no rolling stripes; leave rolling_years out.",
            )
        chosen = tuple(self.rolling_years or ())
        for year in chosen:
            if isinstance(year, bool) or not isinstance(year, (int, np.integer)):
                raise InputError(
                    f"rolling_years holds {year!r}", allowed=f"whole numbers 1 to {last}"
                )
            if not 1 <= year <= last:
                raise InputError(f"rolling_years holds {year!r}", allowed=f"1 to {last}")
        object.__setattr__(self, "rolling_years", tuple(sorted({int(year) for year in chosen})))

    def _check_bands(
        self, name: str, given: Mapping[str, float], allowed: tuple[float, float], unit: str
    ) -> dict[str, float]:
        if not isinstance(given, Mapping):
            raise InputError(
                f"{name} = {given!r} is not a mapping",
                allowed="a mapping of band to number, such as {'u': 38.0}",
            )
        for band in given:
            if band not in self._model.bands:
                raise InputError(
                    f"{name} names band {band!r}", allowed=", ".join(self._model.bands)
                )
        return {
            band: _check_range(f"{name}[{band!r}]", given[band], allowed, unit)
            for band in self._model.bands
            if band in given
        }

    @property
    def _model(self) -> SurveyModel:
        return ZTF_2018 if self.preset == "ztf" else LSST_V3

    @property
    def name(self) -> str:
        """Preset, seed and all knobs that differ from the preset."""
        knobs = [f"seed {self.seed}"]
        for name in (
            "years",
            "rolling_strength",
            "rolling_years",
            "pairing",
            "season_length",
            "exposure_time",
            "visits_per_band",
        ):
            value = getattr(self, name)
            if isinstance(value, dict):
                value = " ".join(f"{band}={number:g}" for band, number in value.items())
            elif isinstance(value, tuple):
                value = " ".join(str(number) for number in value) or "none"
            elif isinstance(value, float):
                value = f"{value:g}"
            if value is not None:
                knobs.append(f"{name.replace('_', ' ')} {value}")
        return f"synthetic {self.preset} ({', '.join(knobs)})"

    @property
    def survey(self) -> SurveyName:
        """The survey whose bands are used."""
        return self._model.survey

    @property
    def fov_radius(self) -> float:
        """Radius of the field of view in degrees."""
        return self._model.fov_radius

    @property
    def mjd_start(self) -> float:
        """Begin of the first survey year, MJD (TAI)."""
        return self._model.mjd_start

    @property
    def length(self) -> float:
        """Length of the survey in years of 365.25 d."""
        return self._model.years if self.years is None else self.years

    # ------------------------------------------------------------------ what all positions share

    @cached_property
    def _exposure_times(self) -> dict[str, float]:
        times = dict(self._model.exposure_time)
        if self.preset == "lsst-v5":
            times.update(LSST_V5_EXPOSURE_TIME)
        return {**times, **(self.exposure_time or {})}

    @cached_property
    def _expected_visits(self) -> dict[str, float]:
        """Visits at the median position by band."""
        factor = LSST_V5_VISITS if self.preset == "lsst-v5" else 1.0
        preset = {
            band: factor * _over_positions(self._model.visits_per_band[band], 0.5)
            for band in self._model.bands
        }
        return {**preset, **(self.visits_per_band or {})}

    @cached_property
    def _band_factors(self) -> FloatArray:
        """Wanted over preset visits, (n_bands,)."""
        table = self._model.visits_per_band
        return np.array(
            [
                self._expected_visits[band] / _over_positions(table[band], 0.5)
                for band in self._model.bands
            ]
        )

    @cached_property
    def _n_nights(self) -> int:
        return int(np.ceil(max(self.length, self._model.years) * _JULIAN_YEAR)) + 1

    @cached_property
    def _first_night(self) -> int:
        return int(np.floor(self.mjd_start - self._model.site.noon))

    @cached_property
    def _nights(self) -> Nights:
        model = self._model
        return Nights.of(model.site, self._first_night, self._n_nights, model.twilight)

    @cached_property
    def _open(self) -> npt.NDArray[np.bool_]:
        """Nights on which the dome opens, (n_nights,)."""
        model = self._model
        nights = np.arange(self._n_nights)
        shocks = self._random.normal("weather", 0, nights)
        # An autoregressive sequence of unit variance: bad weather comes in spells.
        memory = model.down_memory ** np.arange(30)
        state = np.convolve(shocks, memory)[: nights.size] * np.sqrt(1.0 - model.down_memory**2)
        twelfth = ((self._nights.midnight % _JULIAN_YEAR) / _JULIAN_YEAR * 12.0).astype(np.int64)
        is_open = ndtr(state) > np.asarray(model.down_fraction)[twelfth]
        for first, length in model.stoppages:
            is_open[first : first + length] = False
        return np.asarray(is_open)

    @cached_property
    def _activity(self) -> FloatArray:
        """How busy the survey is on an open night, (n_nights,)."""
        year = (np.arange(self._n_nights) / _JULIAN_YEAR).astype(np.int64)
        busy = np.ones(year[-1] + 1)
        known = np.asarray(self._model.year_mean)[: busy.size]
        busy[: known.size] = known
        # The table holds the visits of whole years, their weather included: draw it only once.
        nights = np.bincount(year)
        usable = np.bincount(year, weights=self._open.astype(np.float64))
        busy = busy * nights / np.maximum(usable, 1.0)
        return np.asarray(busy[year] * usable.sum() / nights.sum())

    @cached_property
    def _night_quality(self) -> FloatArray:
        """Depth of a night relative to an ordinary one, in standard deviations, (n_nights,)."""
        normal = self._random.normal("transparency", 0, np.arange(self._n_nights))
        return _skewed(normal)

    @cached_property
    def _pattern_bands(self) -> IntArray:
        """Band number of each pass of each pattern, -1 beyond the end, (n_patterns, longest)."""
        letters = [band[-1] for band in self._model.bands]
        longest = max(len(pattern) for pattern in self._model.patterns)
        table = np.full((len(self._model.patterns), longest), -1, dtype=np.int64)
        for row, pattern in enumerate(self._model.patterns):
            table[row, : len(pattern)] = [letters.index(letter) for letter in pattern]
        return table

    @cached_property
    def _pattern_length(self) -> IntArray:
        return np.asarray((self._pattern_bands >= 0).sum(axis=1), dtype=np.int64)

    @cached_property
    def _pattern_counts(self) -> FloatArray:
        """Expected visits by band when a pattern is chosen, (n_patterns, n_bands)."""
        model = self._model
        n_bands = len(model.bands)
        one_hot = np.eye(n_bands + 1)[self._pattern_bands][:, :, :n_bands]
        single, pair = (
            float(np.dot(np.arange(1, len(shares) + 1), shares) / np.sum(shares))
            for shares in (model.repeats_single, model.repeats_pair)
        )
        length = self._pattern_length
        repeats = np.where(length == 1, single, pair)
        counts = one_hot.sum(axis=1) * (repeats * (1.0 + _LATER_FITS * model.later_block))[:, None]
        last = one_hot[np.arange(length.size), length - 1]
        return np.asarray(counts + _LATER_FITS * model.later_visit * last)

    @cached_property
    def _paired_weights(self) -> FloatArray:
        """Chances of the patterns after the pairing knob, (n_phases, n_patterns)."""
        weights = np.asarray(self._model.pattern_weights, dtype=np.float64)
        weights = weights / weights.sum(axis=1, keepdims=True)
        if self.pairing is None:
            return weights
        paired = self._pattern_length > 1
        share = weights[:, paired].sum(axis=1, keepdims=True)
        weights = weights.copy()
        weights[:, paired] *= self.pairing / share
        weights[:, ~paired] *= (1.0 - self.pairing) / (1.0 - share)
        return weights

    @cached_property
    def _nights_factor(self) -> float:
        """Observed nights relative to the preset: more visits, or fewer a night, need more."""
        preset = np.asarray(self._model.pattern_weights, dtype=np.float64)
        preset = preset / preset.sum(axis=1, keepdims=True)
        per_night = self._pattern_counts.sum(axis=1)
        ratio = float((preset @ per_night).mean() / (self._paired_weights @ per_night).mean())
        table = self._model.visits_per_band
        wanted = sum(self._expected_visits.values())
        usual = sum(_over_positions(table[band], 0.5) for band in self._model.bands)
        return ratio * wanted / usual

    @cached_property
    def _season_rates(self) -> tuple[FloatArray, FloatArray]:
        """Mean visits and contrast of the n-th season, beginning with the season before the first."""
        rolling = self._model.rolling
        if rolling is None:
            raise TypeError("only surveys with stripes have season rates")
        n_seasons = int(np.ceil(self._n_nights / _JULIAN_YEAR)) + 3
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
        strength = 1.0 if self.rolling_strength is None else self.rolling_strength
        swing = np.where(np.isin(number, chosen), strength * swing, 0.0)
        return rates, np.clip(swing, -0.97, 0.97)

    @cached_property
    def _preset_pattern_chances(self) -> FloatArray | None:
        """Chances of the patterns where they are the same at all positions."""
        if any(len(table) > 1 for table in self._model.visits_per_band.values()):
            return None
        target = np.array([self._expected_visits[band] for band in self._model.bands])
        nights = _over_positions(self._model.nights, 0.5) * self._nights_factor
        return tilt_patterns(self._paired_weights, self._pattern_counts, target / nights)

    # ---------------------------------------------------------------------------- one position

    def _per_night(self, purpose: str, cell: int, columns: int = 1) -> FloatArray:
        """Uniform numbers of a cell for every night of the survey, (n_nights, columns).

        One keyed stream a cell and purpose, night after night: as well addressed as single draws,
        and ten times as fast.
        """
        stream = self._random.generator(purpose, cell)
        return stream.random(self._n_nights * columns).reshape(self._n_nights, columns)

    def in_footprint(self, ra: npt.ArrayLike, dec: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Tell which positions the survey observes.

        Parameters
        ----------
        ra, dec : array_like
            ICRS positions, degrees.

        Returns
        -------
        ndarray of bool
            True inside the footprint.

        Raises
        ------
        InputError
            If a declination is not between -90 and 90, or a coordinate is not finite.
        """
        alpha, delta = _check_positions(ra, dec)
        return np.asarray(self.region(alpha, delta) != footprint.OUTSIDE)

    def region(self, ra: npt.ArrayLike, dec: npt.ArrayLike) -> IntArray:
        """Tell the region of the footprint, see `pelsvae_cadence.cadence.footprint`.

        Parameters
        ----------
        ra, dec : array_like
            ICRS positions, degrees.

        Returns
        -------
        ndarray of int64
            ``WIDE`` for the wide survey, ``OUTSIDE`` (0) where nothing is observed.
        """
        find = footprint.lsst_region if self.survey == "lsst" else footprint.ztf_region
        return find(ra, dec)

    def at(self, ra: float, dec: float, radius: float | None = None) -> Visits:
        """Make the visits of one position.

        Parameters
        ----------
        ra, dec : float
            ICRS position, degrees.
        radius : float, optional
            Accepted because survey databases take one; it has no effect, since the visits are
            made for the position and its field of view.

        Returns
        -------
        Visits
            The visits, sorted by time; none outside the footprint.

        Raises
        ------
        InputError
            If the position is not on the sky.
        """
        del radius
        alpha, delta = _check_positions(ra, dec)
        if alpha.size != 1:
            raise InputError(
                f"at() got {alpha.size} positions", remedy="Ask for one position at a time."
            )
        ra, dec = float(alpha.ravel()[0]), float(delta.ravel()[0])
        region = int(self.region(ra, dec))
        if region == footprint.OUTSIDE:
            return _no_visits()
        cell = int(hp.ang2pix(_CELL_NSIDE, ra, dec, nest=True, lonlat=True))
        rank = self._rank(cell, dec)
        night = self._observed_nights(ra, dec, cell, region, rank)
        if night.size == 0:
            return _no_visits()
        pattern = self._patterns(cell, night, region, rank)
        return self._expose(ra, dec, cell, night, pattern)

    def _even_draws(self, purpose: str, cell: int, n: int) -> FloatArray:
        """Uniform numbers of which any 20 in a row cover the interval evenly.

        A survey that follows a plan catches up after a long gap: its seasons are more alike than
        independent gaps would make them.
        """
        n_blocks = -(-n // _EVEN_BLOCK)
        draws = self._random.generator(purpose, cell).random((2, n_blocks, _EVEN_BLOCK))
        place = np.argsort(draws[0], axis=1)
        return np.asarray(((place + draws[1]) / _EVEN_BLOCK).ravel()[:n])

    def _rank(self, cell: int, dec: float) -> float:
        """Where a position stands among all positions in number of visits, 0 to 1."""
        noise = float(ndtri(self._random.generator("richness", cell).random()))
        if self.survey == "lsst":
            return float(ndtr(noise))
        # ZTF looks more often at the north: a uniform number that grows with declination, mixed
        # with noise so that the mixture is uniform again over the footprint.
        south = np.sin(np.radians(-29.0))
        share = (np.sin(np.radians(dec)) - south) / (1.0 - south)
        north = float(ndtri(np.clip(share, 1e-3, 1.0 - 1e-3)))
        return float(ndtr(0.5 * north + np.sqrt(0.75) * noise))

    def _night_rates(self, ra: float, dec: float, cell: int) -> FloatArray:
        """Relative chance that a night is used at a position, (n_nights,)."""
        model = self._model
        nights = self._nights
        # Positive while opposition is still to come; degrees of right ascension.
        ahead = wrap_angle(ra - nights.sun_ra - 180.0)
        profile = _season_profile(model, dec)
        steps = np.arange(-175.0, 180.0, 10.0)
        stretch = 1.0 if self.season_length is None else self.season_length
        rate = np.interp(ahead / stretch, steps, profile, left=0.0, right=0.0)
        # No visits where the night leaves none of the usual hour angles, i.e. only high airmass.
        low, high = _usable_hour_angles(model, nights, ra, dec, slice(None))
        cumulative = _hour_angles(model, dec)
        usual = np.interp(high, _HALF_HOURS, cumulative) - np.interp(low, _HALF_HOURS, cumulative)
        rate = rate * np.clip(usual / _ENOUGH_OF_THE_USUAL, 0.0, 1.0)
        opposition = np.arange(rate.size) + ahead / _DEGREES_PER_DAY
        patch = int(
            hp.ang2pix(
                model.year_patch,
                *hp.pix2ang(_CELL_NSIDE, cell, nest=True, lonlat=True),
                nest=True,
                lonlat=True,
            )
        )
        strength = 1.0 if self.rolling_strength is None else self.rolling_strength
        if model.rolling is None:
            season = np.floor(opposition / _JULIAN_YEAR).astype(np.int64) + 1
            scatter = self._random.normal("season", patch, np.arange(season.max() + 2))
            rate = rate * np.exp(strength * model.year_scatter * scatter)[season]
        else:
            epoch = model.rolling.epoch
            season = 3 + np.floor((opposition - epoch) / _JULIAN_YEAR).astype(np.int64)
            mean, swing = self._season_rates
            season = np.clip(season, 0, mean.size - 1)
            stripe = float(footprint.lsst_stripe(ra, dec))
            scatter = self._random.normal("season", patch, np.arange(mean.size))
            factor = mean * (1.0 + swing * stripe) * np.exp(model.year_scatter * scatter)
            rate = rate * factor[season]
        return np.where(self._open, rate * self._activity, 0.0)

    def _observed_nights(
        self, ra: float, dec: float, cell: int, region: int, rank: float
    ) -> IntArray:
        """Choose the nights on which a position is observed, ascending."""
        rate = self._night_rates(ra, dec, cell)
        usable = np.flatnonzero(rate > 0.0)
        if usable.size == 0:
            return np.zeros(0, dtype=np.int64)
        clock = np.cumsum(rate[usable])
        usual = clock[usable < self._model.years * _JULIAN_YEAR]
        if usual.size == 0:
            return np.zeros(0, dtype=np.int64)
        wanted = _over_positions(self._model.nights, rank) * self._nights_factor
        wanted *= _REGION_VISITS[region] * clock[-1] / usual[-1]
        n = int(np.floor(wanted + self._random.uniform("nights", cell)))
        n = min(n, int(0.9 * usable.size))
        if n == 0:
            return np.zeros(0, dtype=np.int64)
        # A renewal process on a clock that runs with the rate: gaps are long where the survey
        # comes rarely, and cluster as measured. One gap more than nights, split between both ends.
        probability, length = np.array(self._model.gaps).T
        gaps = np.interp(self._even_draws("gap", cell, n + 1), probability, length)
        time = np.cumsum(gaps)
        time = (time[:-1] - 0.5 * gaps[0]) / (time[-1] - 0.5 * gaps[0]) * clock[-1]
        index = np.searchsorted(clock, time)
        # Two visits planned for one night: the second moves on to the next usable one.
        step = np.arange(n)
        index = np.maximum.accumulate(index - step) + step
        night = usable[index[index < usable.size]]
        return np.asarray(night[night < self.length * _JULIAN_YEAR], dtype=np.int64)

    def _patterns(self, cell: int, night: IntArray, region: int, rank: float) -> IntArray:
        """Choose what is done in each night: numbers of patterns."""
        model = self._model
        chances = self._preset_pattern_chances
        if region == footprint.NORTH_SPUR:
            target = np.array([self._expected_visits[band] for band in model.bands])
            target *= np.array([0.0 if band in ("u", "y") else 1.0 for band in model.bands])
            target /= _over_positions(model.nights, 0.5) * self._nights_factor
            chances = tilt_patterns(self._paired_weights, self._pattern_counts, target)
        elif chances is None:
            chances = self._position_chances(cell, rank)
        n_phases = len(chances)
        phase = (self._nights.moon_phase[night] / 360.0 * n_phases).astype(np.int64) % n_phases
        # Stratified within each phase of the Moon: a position gets its share of every band.
        # Nights of one lunation lie close in the ordering, so that u comes in lunations.
        shuffle = self._per_night("pattern order", cell)[night, 0]
        lunation = self._per_night("lunation", cell)[self._nights.lunation[night], 0]
        shuffle = _LUNATION_TIE * lunation + (1.0 - _LUNATION_TIE) * shuffle
        order = np.lexsort((shuffle, phase))
        starts = np.searchsorted(phase[order], np.arange(n_phases))
        count = np.bincount(phase, minlength=n_phases)
        place = np.empty(night.size)
        place[order] = np.arange(night.size) - starts[phase[order]]
        u = (place + self._per_night("pattern", cell)[night, 0]) / count[phase]
        cumulative = np.cumsum(chances, axis=1)
        cumulative /= cumulative[:, -1:]
        ladder = (cumulative + np.arange(n_phases)[:, None]).ravel()
        found = np.searchsorted(ladder, np.minimum(u, 1.0 - 1e-12) + phase, side="right")
        return np.asarray(
            np.minimum(found - phase * chances.shape[1], chances.shape[1] - 1), dtype=np.int64
        )

    def _position_chances(self, cell: int, rank: float) -> FloatArray:
        """Chances of the patterns at a position whose band mix is its own."""
        model = self._model
        target = []
        for number, band in enumerate(model.bands):
            # The bands go up and down together; zi, observed for its own programmes, less so.
            own = float(self._random.normal("band", cell, number))
            tie = 0.4 if band == "zi" else 0.97
            score = tie * float(ndtri(rank)) + np.sqrt(1.0 - tie**2) * own
            target.append(_over_positions(model.visits_per_band[band], float(ndtr(score))))
        wanted = np.array(target) * self._band_factors
        nights = _over_positions(model.nights, rank) * self._nights_factor
        return tilt_patterns(self._paired_weights, self._pattern_counts, wanted / nights)

    def _expose(
        self, ra: float, dec: float, cell: int, night: IntArray, pattern: IntArray
    ) -> Visits:
        """Turn nights and patterns into visits with times and depths."""
        band, minute, repeats = self._passes(cell, night, pattern)
        low, high = _usable_hour_angles(self._model, self._nights, ra, dec, night)
        # Long sequences close up, down to half their time, in a night that is too short for them;
        # passes that do not fit even so are left out.
        available = np.maximum((high - low) / SIDEREAL_RATE, 0.0)
        needed = np.where(band >= 0, minute, 0.0).max(axis=1) * _MINUTES
        long = ((band >= 0).sum(axis=1) > 2) & (self._model.later_block == 0.0)
        squeeze = np.clip(available / np.maximum(needed, _MINUTES), 0.5, 1.0)
        minute = minute * np.where(long, squeeze, 1.0)[:, None]
        valid = (band >= 0) & (minute * _MINUTES <= available[:, None])
        valid[:, 0] = True
        duration = np.where(valid, minute, 0.0).max(axis=1) * _MINUTES
        begin = self._begin(ra, dec, cell, night, low, high - duration * SIDEREAL_RATE)
        row, column = np.nonzero(valid)
        many = np.where(column == self._pattern_bands.shape[1], 1, repeats[row])
        if self._model.later_block == 0.0 and self._model.later_visit == 0.0:
            many = repeats[row]
        source = np.repeat(np.arange(row.size), many)
        within = np.arange(source.size) - np.repeat(np.cumsum(many) - many, many)
        row, column = row[source], column[source]
        spacing = _quantile(self._model.overlap, self._per_night("overlap", cell)[night, 0])
        mjd = begin[row] + (minute[row, column] + within * spacing[row]) * _MINUTES
        chosen = band[row, column]
        order = np.argsort(mjd, kind="stable")
        row, mjd, chosen = row[order], mjd[order], chosen[order]
        nights = night[row]
        m5, mass, seeing = self._depths(ra, dec, cell, nights, mjd, chosen)
        new = np.concatenate([[True], np.diff(nights) > 0])
        first = np.flatnonzero(new)
        nth = np.arange(mjd.size) - np.repeat(first, np.diff(np.append(first, mjd.size)))
        position = int(hp.ang2pix(_ID_NSIDE, ra, dec, nest=True, lonlat=True))
        visit_id = (position * _MAX_NIGHTS + nights) * _VISITS_PER_NIGHT + nth
        exposure = np.array([self._exposure_times[name] for name in self._model.bands])
        return Visits(
            mjd=mjd,
            band=np.array(self._model.bands)[chosen],
            m5=m5,
            night=nights,
            visit_id=visit_id,
            exptime=exposure[chosen],
            airmass=mass,
            seeing=seeing,
        )

    def _passes(
        self, cell: int, night: IntArray, pattern: IntArray
    ) -> tuple[IntArray, FloatArray, IntArray]:
        """Lay out the passes of each night.

        Columns are the passes of the pattern, one later visit, and the passes of the pattern once
        more; absent ones have band -1. Minutes count from the first visit.
        """
        model = self._model
        base = self._pattern_bands[pattern]
        longest = base.shape[1]
        length = self._pattern_length[pattern]
        minute = np.zeros(base.shape)
        if longest > 1:
            u = self._per_night("interval", cell, longest - 1)[night]
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
        repeats_u = self._per_night("repeats", cell)[night, 0]
        single, pair = (
            1 + np.searchsorted(np.cumsum(shares)[:-1] / np.sum(shares), repeats_u, side="right")
            for shares in (model.repeats_single, model.repeats_pair)
        )
        repeats = np.where(length == 1, single, pair).astype(np.int64)
        if model.later_visit == 0.0 and model.later_block == 0.0:
            return base, minute, repeats
        last = base[np.arange(night.size), length - 1]
        end = minute[np.arange(night.size), length - 1]
        choice, wait_u = self._per_night("later", cell, 2)[night].T
        wait = _quantile(model.later, wait_u)
        one = choice < model.later_visit
        block = ~one & (choice < model.later_visit + model.later_block)
        band = np.concatenate(
            [
                base,
                np.where(one, last, -1)[:, None],
                np.where(block[:, None], base, -1),
            ],
            axis=1,
        )
        minute = np.concatenate(
            [minute, (end + wait)[:, None], (end + wait)[:, None] + minute], axis=1
        )
        return band, minute, repeats

    def _begin(
        self,
        ra: float,
        dec: float,
        cell: int,
        night: IntArray,
        low: FloatArray,
        high: FloatArray,
    ) -> FloatArray:
        """Draw the time of the first visit of each night, MJD (TAI), between two hour angles."""
        cumulative = _hour_angles(self._model, dec)
        below = np.interp(low, _HALF_HOURS, cumulative)
        above = np.interp(high, _HALF_HOURS, cumulative)
        u = self._per_night("hour angle", cell)[night, 0]
        drawn = np.interp(below + u * (above - below), cumulative, _HALF_HOURS)
        # Where the night leaves nothing of the usual hour angles, the nearest it has.
        hour_angle = np.clip(drawn, low, np.maximum(high, low))
        at_midnight = wrap_angle(self._nights.sidereal_time[night] - ra)
        return np.asarray(self._nights.midnight[night] + (hour_angle - at_midnight) / SIDEREAL_RATE)

    def _depths(
        self,
        ra: float,
        dec: float,
        cell: int,
        night: IntArray,
        mjd: FloatArray,
        band: IntArray,
    ) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        """Compute depth [mag], airmass and seeing [arcsec] of visits."""
        model, nights = self._model, self._nights
        sidereal = sidereal_time(mjd, model.site)
        mass = airmass(sine_of_altitude(sidereal - ra, dec, model.site))
        moon_ra, moon_dec, _ = moon_position(mjd)
        moon_sine = sine_of_altitude(sidereal - moon_ra, moon_dec, model.site)
        lit = 0.5 * (1.0 - np.cos(np.radians(nights.moon_phase[night]))) * (moon_sine > 0.0)
        high = lit * np.maximum(moon_sine, 0.0)
        cosine = np.sin(np.radians(dec)) * np.sin(np.radians(moon_dec)) + np.cos(
            np.radians(dec)
        ) * np.cos(np.radians(moon_dec)) * np.cos(np.radians(ra - moon_ra))
        apart = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
        near = high * lit**2 * np.clip((60.0 - apart) / 60.0, 0.0, 1.0)
        sun_sine = sine_of_altitude(
            sidereal - nights.sun_ra[night], nights.sun_dec[night], model.site
        )
        dusk = np.clip((np.degrees(np.arcsin(np.clip(sun_sine, -1.0, 1.0))) + 18.0) / 6.0, 0.0, 1.0)
        rows = [model.depth[name] for name in model.bands]
        part = {
            key: np.array([getattr(row, key) for row in rows])[band]
            for key in (
                "zenith",
                "extinction",
                "moon",
                "moon_high",
                "moon_near",
                "twilight",
                "night",
                "visit",
            )
        }
        nth = np.arange(mjd.size) - np.searchsorted(night, night)
        noise = self._per_night("visit depth", cell, _NOISE_PER_NIGHT)
        noise = _skewed(np.asarray(ndtri(noise[night, nth % _NOISE_PER_NIGHT])))
        weather = part["night"] * self._night_quality[night] + part["visit"] * noise
        exposure = np.array([self._exposure_times[name] for name in model.bands])[band]
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

    def opsim_table(self, ra: npt.ArrayLike, dec: npt.ArrayLike) -> pd.DataFrame:
        """Write the visits of some positions as a table of OpSim's kind.

        Parameters
        ----------
        ra, dec : array_like, shape (n_positions,)
            ICRS positions, degrees.

        Returns
        -------
        pandas.DataFrame
            One row per position and visit. ``fieldRA`` and ``fieldDec`` are the position itself,
            so that a slicer at the same positions with any small radius finds exactly the visits
            of `at`; ``observationStartMJD`` is the start of the exposure. ``band`` and ``filter``
            hold the survey's own letters (``g r i`` for ZTF).

        Raises
        ------
        InputError
            If a position is not on the sky, or two are closer than 6 arcsec.
        """
        import pandas as pd

        alpha, delta = _check_positions(ra, dec)
        alpha, delta = alpha.ravel(), delta.ravel()
        pixels = hp.ang2pix(_ID_NSIDE, alpha, delta, nest=True, lonlat=True)
        if np.unique(pixels).size != alpha.size:
            raise InputError(
                "two of the positions are closer than 6 arcsec, and would share visit numbers",
                remedy="Remove repeated positions.",
            )
        frames = []
        for one_ra, one_dec in zip(alpha.tolist(), delta.tolist(), strict=True):
            visits = self.at(one_ra, one_dec)
            letters = np.array([name[-1] for name in visits.band.tolist()], dtype="U1")
            mass = np.ones(len(visits)) if visits.airmass is None else visits.airmass
            columns: dict[str, Any] = {
                "observationId": visits.visit_id,
                "fieldRA": one_ra,
                "fieldDec": one_dec,
                "observationStartMJD": visits.mjd - visits.exptime / 2.0 / 86400.0,
                "band": letters,
                "filter": letters,
                "fiveSigmaDepth": visits.m5,
                "night": visits.night,
                "rotSkyPos": 0.0,
                "visitExposureTime": visits.exptime,
                "numExposures": 1,
                "airmass": mass,
                "scheduler_note": "",
            }
            if visits.seeing is not None:
                columns["seeingFwhmEff"] = visits.seeing
            frames.append(pd.DataFrame(columns, index=range(len(visits))))
        if not frames:
            raise InputError("no positions for an OpSim table", remedy="Pass at least one.")
        return pd.concat(frames, ignore_index=True)


def _check_positions(ra: npt.ArrayLike, dec: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    try:
        alpha, delta = np.broadcast_arrays(
            np.asarray(ra, dtype=np.float64), np.asarray(dec, dtype=np.float64)
        )
    except (TypeError, ValueError) as error:
        raise InputError(f"positions cannot be read: {error}") from error
    if not (np.isfinite(alpha).all() and np.isfinite(delta).all()):
        raise InputError("a right ascension or declination is not finite")
    if alpha.size and not (np.abs(delta) <= 90.0).all():
        bad = delta[np.abs(delta) > 90.0].ravel()[0]
        raise InputError(f"declination {bad:g}", allowed="-90 to 90 deg")
    if alpha.size and not ((alpha >= -360.0) & (alpha <= 720.0)).all():
        raise InputError(
            f"right ascension {alpha[(alpha < -360.0) | (alpha > 720.0)].ravel()[0]:g}",
            allowed="0 to 360 deg",
        )
    return np.asarray(alpha % 360.0), np.asarray(delta)


def _no_visits() -> Visits:
    empty = np.zeros(0)
    return Visits(
        mjd=empty,
        band=np.zeros(0, dtype="U2"),
        m5=empty,
        night=np.zeros(0, dtype=np.int64),
        visit_id=np.zeros(0, dtype=np.int64),
        exptime=empty,
        airmass=empty,
        seeing=empty,
    )


def _skewed(normal: FloatArray) -> FloatArray:
    """Turn normal numbers into ones of zero mean, unit variance and a tail of bad nights."""
    # A shifted lognormal; 0.3 gives the skewness of about -1 that the depth residuals show.
    width = 0.3
    mean = np.exp(width**2 / 2.0)
    sd = mean * np.sqrt(np.exp(width**2) - 1.0)
    return np.asarray((mean - np.exp(-width * normal)) / sd)


def _season_profile(model: SurveyModel, dec: float) -> FloatArray:
    return _between_rows(np.asarray(model.season_profile), model.season_dec, dec)


def _between_rows(table: FloatArray, knots: tuple[float, ...], dec: float) -> FloatArray:
    """Interpolate between the rows of a table that belong to declinations."""
    if len(knots) == 1:
        return np.asarray(table[0], dtype=np.float64)
    upper = int(np.clip(np.searchsorted(knots, dec), 1, len(knots) - 1))
    weight = np.clip((dec - knots[upper - 1]) / (knots[upper] - knots[upper - 1]), 0.0, 1.0)
    return np.asarray((1.0 - weight) * table[upper - 1] + weight * table[upper])


def _hour_angles(model: SurveyModel, dec: float) -> FloatArray:
    """Cumulative distribution of the hour angle of a night's first visit at `_HALF_HOURS`."""
    table = np.asarray(model.hour_angle, dtype=np.float64)
    table = table / table.sum(axis=1, keepdims=True)
    share = _between_rows(table, model.hour_angle_dec, dec)
    return np.concatenate([[0.0], np.cumsum(share)]) / share.sum()


def _usable_hour_angles(
    model: SurveyModel, nights: Nights, ra: float, dec: float, night: IntArray | slice
) -> tuple[FloatArray, FloatArray]:
    """First and last hour angle [deg] in the dark and above the airmass limit; may be crossed."""
    at_midnight = wrap_angle(nights.sidereal_time[night] - ra)
    half = nights.half_dark[night] * SIDEREAL_RATE
    phi, delta = np.radians(model.site.latitude), np.radians(dec)
    cosine = (1.0 / model.airmass_limit - np.sin(phi) * np.sin(delta)) / max(
        np.cos(phi) * np.cos(delta), 1e-9
    )
    # A position that never gets that high is taken within an hour of culmination.
    limit = max(float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))), 15.0)
    return np.maximum(at_midnight - half, -limit), np.minimum(at_midnight + half, limit)
