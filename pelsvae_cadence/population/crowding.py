r"""Crowded fields: light of neighbours in a star's photometry, and the error that it makes.

With :math:`N(<m)` stars per square arcsecond brighter than m, a seeing disc of width
:math:`\theta` holds neighbours whose flux scatters from place to place. Relative to a star of flux
L(m) that is (Olsen, Blum & Rigaut 2003, AJ 126, 452, the crowding error that MAF's metrics use)

.. math:: \sigma^2(m) = \frac{\pi\theta^2}{4\,L(m)^2} \int_m^\infty L(m')^2\,dN(<m').

We split it: neighbours up to three magnitudes fainter than the star are drawn one by one and stay
for good (a *third light* that dilutes amplitudes); the rest is an error of each visit, which
follows the seeing. Brighter neighbours are left out, as in that formula: such a star is not the one
a catalogue would hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import BANDS
from pelsvae_cadence.cadence.survey import check_position
from pelsvae_cadence.core.arrays import column, freeze
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.population.galaxy import LMC_CENTRE, SMC_CENTRE, equatorial_to_galactic

__all__ = ["CROWDED_REGIONS", "CrowdedField", "crowded_field", "crowded_region"]

FloatArray = npt.NDArray[np.float64]

#: Where noise of isolated stars is too optimistic.
CROWDED_REGIONS: Final = ("bulge", "plane", "LMC", "SMC")

_ARCSEC2: Final = 3600.0**2  # square arcseconds in a square degree
# Neighbours brighter than the star plus this [mag] are drawn one by one.
_SPLIT: Final = 3.0
# Seeing disc in which neighbours cannot be told from the star [arcsec].
_BLEND_SEEING: Final = 0.8
# Neighbours' colours against r, AB: a K giant or turn-off star of about 5000 K (Kurucz colours of
# `pelsvae_cadence.photometry.colours`).
_NEIGHBOUR: Final = {
    "u": 2.2,
    "g": 0.64,
    "r": 0.0,
    "i": -0.23,
    "z": -0.33,
    "y": -0.38,
    "zg": 0.64,
    "zr": -0.05,
    "zi": -0.27,
}
_FAINT_END: Final = 27.0
# Slope d log N / d mag of the bulge's and the Clouds' star counts below the giants (estimate).
_SLOPE: Final = 0.30

# Mean star counts of the OGLE-III maps to I = 21 (r about 21.5) in stars per square degree: 35
# million in 40 deg^2 (LMC, Udalski et al. 2008, AcA 58, 89), 6.2 million in 14 deg^2 (SMC, Udalski
# et al. 2008, AcA 58, 329), 340 million in 92 deg^2 (bulge, Szymanski et al. 2011, AcA 61, 83).
_COUNT_LIMIT: Final = 21.5
_COUNTS: Final = {"LMC": 35e6 / 40.0, "SMC": 6.2e6 / 14.0, "bulge": 340e6 / 92.0}
# How they thin out, in degrees: radius within which the mean was taken, e-folding length.
_CLOUD_PROFILE: Final = {"LMC": (3.6, 1.6), "SMC": (2.1, 0.9)}
_REGION_RADIUS: Final = {"LMC": 5.0, "SMC": 3.0}
_BULGE_LIMITS: Final = (10.0, 10.0)  # |l|, |b| in degrees
_BULGE_LATITUDE: Final = (4.0, 3.0)  # |b| of the mean, e-folding latitude in degrees
_PLANE_LATITUDE: Final = 5.0


def _separation(ra: FloatArray, dec: FloatArray, centre: tuple[float, float, float]) -> FloatArray:
    a, d, a0, d0 = (np.radians(v) for v in (ra, dec, centre[0], centre[1]))
    cosine = np.sin(d) * np.sin(d0) + np.cos(d) * np.cos(d0) * np.cos(a - a0)
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def crowded_region(ra: npt.ArrayLike, dec: npt.ArrayLike) -> npt.NDArray[np.str_]:
    """Name the crowded region that positions lie in.

    Parameters
    ----------
    ra, dec : array_like, shape (N,)
        ICRS position in degrees.

    Returns
    -------
    ndarray of str, shape (N,)
        ``"LMC"`` (within 5 degrees), ``"SMC"`` (3), ``"bulge"`` (``|l|, |b| < 10``),
        ``"plane"`` (``|b| < 5``), or ``""``.
    """
    ra_deg = column("ra", np.atleast_1d(ra), None, unit="deg")
    dec_deg = column("dec", np.atleast_1d(dec), ra_deg.size, unit="deg")
    l, b = equatorial_to_galactic(ra_deg, dec_deg)
    region = np.full(ra_deg.size, "", dtype="U5")
    region[np.abs(b) < _PLANE_LATITUDE] = "plane"
    near = np.minimum(l, 360.0 - l)
    region[(near < _BULGE_LIMITS[0]) & (np.abs(b) < _BULGE_LIMITS[1])] = "bulge"
    for name, centre in (("LMC", LMC_CENTRE), ("SMC", SMC_CENTRE)):
        region[_separation(ra_deg, dec_deg, centre) < _REGION_RADIUS[name]] = name
    return region


@dataclass(frozen=True, kw_only=True)
class CrowdedField:
    """The star counts of a field, and what they do to photometry.

    Parameters
    ----------
    magnitude : ndarray of float64, shape (M,)
        Rising magnitudes in r (AB).
    cumulative : ndarray of float64, shape (M,)
        Stars per square degree brighter than each.
    name : str
        Region or source, for messages.

    Raises
    ------
    InputError
        If magnitudes do not rise, or counts fall or are negative.
    """

    magnitude: FloatArray
    cumulative: FloatArray
    name: str = ""

    def __post_init__(self) -> None:
        magnitude = column("magnitude", self.magnitude, None)
        cumulative = column("cumulative", self.cumulative, magnitude.size)
        if magnitude.size < 2 or (np.diff(magnitude) <= 0).any():
            raise InputError("star counts need two or more rising magnitudes")
        if cumulative[0] < 0 or (np.diff(cumulative) < 0).any():
            raise InputError("cumulative star counts must be 0 or more and never fall")
        object.__setattr__(self, "magnitude", magnitude)
        object.__setattr__(self, "cumulative", cumulative)

    @classmethod
    def power_law(
        cls, density: float, *, limit: float = _COUNT_LIMIT, slope: float = _SLOPE, name: str = ""
    ) -> Self:
        """Make the counts N(<m) = density 10^(slope (m - limit)).

        Parameters
        ----------
        density : float
            Stars per square degree brighter than `limit`.
        limit : float
            Magnitude in r.
        slope : float
            d log10 N / d mag, between 0.05 and 0.75 (the error diverges at 0.8).
        name : str
            Region or source.

        Returns
        -------
        CrowdedField
            Counts from r = 10 to 27 in steps of 0.1 mag.

        Raises
        ------
        InputError
            If an argument is out of range.
        """
        if not 0.0 <= density < 1e9:
            raise InputError(f"density = {density!r} stars per square degree", allowed="0 to 1e9")
        if not 0.05 <= slope <= 0.75:
            raise InputError(f"slope = {slope!r}", allowed="0.05 to 0.75")
        m = np.arange(10.0, _FAINT_END + 0.05, 0.1)
        return cls(magnitude=m, cumulative=density * 10.0 ** (slope * (m - limit)), name=name)

    @classmethod
    def from_slice_point(cls, slice_point: Mapping[str, Any], band: str = "r") -> Self | None:
        """Read the counts of MAF's StellarDensityMap.

        Parameters
        ----------
        slice_point : mapping
            A slice point; the map adds ``starLumFunc_r`` and ``starMapBins_r``.
        band : str
            Band of the map.

        Returns
        -------
        CrowdedField or None
            The counts; None where the map has not run.
        """
        counts = slice_point.get(f"starLumFunc_{band}")
        edges = slice_point.get(f"starMapBins_{band}")
        if counts is None or edges is None:
            return None
        cumulative = np.asarray(counts, dtype=np.float64)
        return cls(
            magnitude=np.asarray(edges, dtype=np.float64)[1:] - _NEIGHBOUR[band],
            cumulative=np.maximum.accumulate(cumulative),
            name="StellarDensityMap",
        )

    def magnitude_error(
        self, mag: npt.ArrayLike, band: npt.ArrayLike, seeing: npt.ArrayLike, *, split: float = 0.0
    ) -> FloatArray:
        """Give the crowding error, as a fraction of the star's flux.

        Parameters
        ----------
        mag : array_like
            Magnitudes of the star in the bands.
        band : array_like of str
            Bands.
        seeing : array_like
            Widths of the seeing disc (FWHM) in arcsec.
        split : float
            Only neighbours fainter than ``mag + split`` count.

        Returns
        -------
        ndarray of float64
            Noise-to-signal ratios, in the broadcast shape.
        """
        bands = np.asarray(band)
        names, inverse = np.unique(bands, return_inverse=True)
        unknown = sorted(set(names.tolist()) - set(BANDS))
        if unknown:
            raise InputError(f"unknown band {unknown[0]!r}", allowed=", ".join(BANDS))
        offset = np.array([_NEIGHBOUR[str(name)] for name in names])[inverse].reshape(bands.shape)
        # A star as bright in this band as a neighbour of r = `as_r`.
        as_r = np.asarray(mag, dtype=np.float64) - offset
        middle = 0.5 * (self.magnitude[1:] + self.magnitude[:-1])
        power = 10.0 ** (-0.8 * middle) * np.diff(self.cumulative) / _ARCSEC2
        beyond = np.concatenate([np.cumsum(power[::-1])[::-1], [0.0]])
        total = np.interp(as_r + split, self.magnitude, beyond)
        area = 0.25 * np.pi * np.asarray(seeing, dtype=np.float64) ** 2
        return np.asarray(np.sqrt(area * total) * 10.0 ** (0.4 * as_r))

    def visit_error(self, mag: npt.ArrayLike, band: npt.ArrayLike, seeing: npt.ArrayLike) -> FloatArray:
        """Give the part of the crowding error that changes from visit to visit.

        Parameters
        ----------
        mag : array_like
            Magnitudes of the star in the bands.
        band : array_like of str
            Bands.
        seeing : array_like
            Widths of the seeing disc (FWHM) in arcsec.

        Returns
        -------
        ndarray of float64
            Noise-to-signal ratios: the error of neighbours that `third_light` does not draw.
        """
        return self.magnitude_error(mag, band, seeing, split=_SPLIT)

    def third_light(
        self, mag_r: npt.ArrayLike, star_id: npt.ArrayLike, bands: tuple[str, ...], seed: int
    ) -> FloatArray:
        """Draw the light of the neighbours that each star is blended with.

        Parameters
        ----------
        mag_r : array_like, shape (N,)
            Mean r magnitudes (AB) of the stars.
        star_id : array_like of int, shape (N,)
            Addresses of the draws.
        bands : tuple of str
            Bands out of `pelsvae_cadence.bands.BANDS`.
        seed : int
            Seed of the draws.

        Returns
        -------
        ndarray of float64, shape (N, n_bands)
            Flux of the neighbours in nJy. They are up to 3 mag fainter than the star, within half
            of 0.8 arcsec, and have the colours of a star of 5000 K.
        """
        star = column("mag_r", np.atleast_1d(mag_r), None)
        ids = column("star_id", np.atleast_1d(star_id), star.size, np.int64)
        low = np.interp(star, self.magnitude, self.cumulative)
        high = np.interp(star + _SPLIT, self.magnitude, self.cumulative)
        expected = 0.25 * np.pi * _BLEND_SEEING**2 / _ARCSEC2 * (high - low)
        random = KeyedRandom(seed=seed)
        light = np.zeros(star.size)
        for i in np.flatnonzero(expected > 0.0).tolist():
            stream = random.generator("third light", int(ids[i]))
            n = int(stream.poisson(expected[i]))
            ranks = low[i] + (high[i] - low[i]) * stream.uniform(size=n)
            neighbours = np.interp(ranks, *_strictly_rising(self.cumulative, self.magnitude))
            light[i] = np.sum(10.0 ** (-0.4 * (neighbours - 31.4)))
        colour = np.array([10.0 ** (-0.4 * _NEIGHBOUR[band]) for band in bands])
        return freeze(light[:, None] * colour)


def _strictly_rising(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Drop bins without stars, which have no inverse."""
    keep = np.concatenate([[True], np.diff(x) > 0])
    return x[keep], y[keep]


def crowded_field(ra: Any, dec: Any = None) -> CrowdedField | None:
    """Give typical star counts of the bulge and the Magellanic Clouds.

    Parameters
    ----------
    ra, dec : float, Quantity or SkyCoord
        ICRS position in degrees; or a SkyCoord alone, as `ra`.

    Returns
    -------
    CrowdedField or None
        Power-law counts: the mean of the OGLE-III maps, thinning out exponentially from the centre
        of a Cloud or the Galactic plane; good to a factor of two. None elsewhere, the rest of the
        plane included, where no counts are built in.
    """
    ra, dec = check_position(ra, dec)
    region = str(crowded_region(ra, dec)[0])
    if region not in _COUNTS:
        return None
    mean = _COUNTS[region]
    if region == "bulge":
        _, b = equatorial_to_galactic([ra], [dec])
        at, length = _BULGE_LATITUDE
        # Dust hides most stars within two degrees of the plane, whatever their number.
        density = mean * np.exp(-(max(abs(float(b[0])), 2.0) - at) / length)
    else:
        within, length = _CLOUD_PROFILE[region]
        centre = LMC_CENTRE if region == "LMC" else SMC_CENTRE
        radius = float(_separation(np.array([ra]), np.array([dec]), centre)[0])
        x = within / length
        average = 2.0 * (1.0 - (1.0 + x) * np.exp(-x)) / x**2  # of exp(-r) over the disc
        density = mean / average * np.exp(-radius / length)
    return CrowdedField.power_law(float(density), name=region)
