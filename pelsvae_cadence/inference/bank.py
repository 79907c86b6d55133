"""Shape bank: multi-band light-curve shapes drawn from the model on a grid in log period.

A member of the bank is one star drawn from the model: its period, its temperature and luminosity,
its mean colours, and its curve of relative flux in every band as Fourier coefficients. Members of a
subtype lie on a grid in log P, so that rare periods are covered as well as common ones; how common a
period is enters as a prior, apart from the shapes.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import KNOWN_BANDS, LSST_BANDS, ZTF_BANDS, band_filter
from pelsvae_cadence.core.flux import VEGA_TO_AB
from pelsvae_cadence.model.extrapolation import ExtrapolationWarning
from pelsvae_cadence.model.reference_stars import GROUPS
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.photometry.band_curves import band_curves
from pelsvae_cadence.photometry.magnitudes import mean_magnitudes

__all__ = ["MODEL_BANDS", "GroupShapes", "ShapeBank", "band_weights", "known_groups", "shape_bank"]

FloatArray = npt.NDArray[np.float64]
Complex64 = npt.NDArray[np.complex64]

_PHASES: Final = 256
_LN_FLUX: Final = 0.4 * np.log(10.0)
# Harmonics and members of each subtype: as many as its shapes need (the loss is in the tests).
_SIZES: Final[dict[tuple[str, str], tuple[int, int]]] = {
    ("ACEP", "F"): (10, 150),
    ("ACEP", "1O"): (8, 100),
    ("CEP", "F"): (10, 450),
    ("CEP", "1O"): (6, 300),
    ("DSCT", "DSCT"): (6, 200),
    ("ECL", "EA"): (48, 800),
    ("ECL", "EB"): (16, 400),
    ("ECL", "EW"): (10, 250),
    ("ELL", "ELL"): (6, 100),
    ("LPV", "Mira"): (6, 150),
    ("RRLYR", "RRab"): (10, 600),
    ("RRLYR", "RRc"): (6, 300),
    ("T2CEP", "BLHer"): (10, 200),
    ("T2CEP", "WVir"): (10, 200),
    ("T2CEP", "RVTau"): (12, 150),
}
# Stars of the population behind the density of periods, and the share of a density flat in log P
# that is mixed in: a survey of another stellar population has other periods.
_POPULATION: Final = 2000
_FLAT: Final = 0.5
# Least width of the kernel in ln P that ties a shape to its period; eclipses hardly know theirs.
_LEAST_WIDTH: Final = {"EA": 0.4, "EB": 0.4, "EW": 0.2, "ELL": 0.5}
_LEAST_WIDTH_OTHERS: Final = 0.05
_NEIGHBOURS: Final = 20  # members within one width
# Between u and g lies the Balmer jump, not a slope: B and the g of SDSS are nearly all g. Johnson B of stars
# from 4,500 to 10,000 K by g - r (Lupton 2005) within 0.1 mag; the g of SDSS is that of LSST within 0.02.
_SHARE_OF_U: Final = ((372.4, 439.9, 470.0), (1.0, 0.16, 0.0))
_BEFORE_JUMP, _BEHIND_G = _SHARE_OF_U[0][0], 480.7
_NODES: Final = tuple(sorted(LSST_BANDS, key=lambda b: KNOWN_BANDS[b].wavelength))
#: The bands in which shapes are drawn; others are mixtures of them.
MODEL_BANDS: Final = (*LSST_BANDS, *ZTF_BANDS, "V", "I", "G")


@dataclass(frozen=True, kw_only=True)
class GroupShapes:
    """The members of one subtype, sorted by period.

    Parameters
    ----------
    star_class, subtype : str
        Class and subtype.
    ln_period : ndarray of float64, shape (M,)
        Natural logarithms of the periods in days, rising.
    share : float
        Share of the subtype in the model's population of the class.
    density : ndarray of float64, shape (M,)
        Prior probability of each member; the sum is one.
    width : float
        Standard deviation of the kernel in ln P around a member.
    harmonics : ndarray of complex64, shape (M, n_bands, K + 1)
        Fourier coefficients c_k of the relative flux T(phi) = sum_k c_k exp(2 pi i k phi) (k < 0 by
        conjugation): flux over its mean, minus one.
    mean_mag : ndarray of float64, shape (M, n_bands)
        Absolute AB magnitudes.
    teff, abs_mag_g, amplitude_i : ndarray of float64, shape (M,)
        Effective temperature [K], absolute G magnitude and I amplitude [mag].
    """

    star_class: str
    subtype: str
    share: float
    ln_period: FloatArray
    density: FloatArray
    width: float
    harmonics: Complex64
    mean_mag: FloatArray
    teff: FloatArray
    abs_mag_g: FloatArray
    amplitude_i: FloatArray

    def __len__(self) -> int:
        return self.ln_period.size

    @property
    def n_harmonics(self) -> int:
        """Number of harmonics K."""
        return int(self.harmonics.shape[2]) - 1

    def take(self, rows: npt.NDArray[np.int64]) -> GroupShapes:
        """Select members."""
        arrays: dict[str, Any] = {k: v[rows] for k, v in self.__dict__.items() if isinstance(v, np.ndarray)}
        return replace(self, **arrays)


@dataclass(frozen=True, kw_only=True)
class ShapeBank:
    """Shapes of all subtypes in a set of bands.

    Parameters
    ----------
    bands : tuple of str
        The bands, out of `pelsvae_cadence.bands.KNOWN_BANDS`.
    groups : tuple of GroupShapes
        One per subtype of the model.
    model_hash : str
        SHA-256 of the model that drew them.
    seed : int
        Seed of the draws.
    """

    bands: tuple[str, ...]
    groups: tuple[GroupShapes, ...]
    model_hash: str
    seed: int

    def __len__(self) -> int:
        return sum(len(group) for group in self.groups)

    def in_bands(self, bands: tuple[str, ...]) -> ShapeBank:
        """Give the same members in other bands.

        Bands that the model does not know take flux curves and AB magnitudes between the two
        neighbouring LSST bands, linear in wavelength, but for the Balmer jump between u and g;
        beyond u and y those of the last band hold.

        Parameters
        ----------
        bands : tuple of str
            Any names; one that is not known counts as a band in the middle of the optical range.

        Returns
        -------
        ShapeBank
            The members in these bands.
        """
        weights = np.array([band_weights(band, self.bands) for band in bands])
        groups = tuple(
            replace(
                group,
                harmonics=np.einsum("mbk,cb->mck", group.harmonics, weights.astype(np.float32)),
                mean_mag=group.mean_mag @ weights.T,
            )
            for group in self.groups
        )
        return ShapeBank(bands=bands, groups=groups, model_hash=self.model_hash, seed=self.seed)


def band_weights(band: str, own: tuple[str, ...] = MODEL_BANDS) -> FloatArray:
    """Give the weights of the bank's bands that make up a band (AB magnitudes, relative fluxes).

    Parameters
    ----------
    band : str
        Any name.
    own : tuple of str
        The bank's bands.

    Returns
    -------
    ndarray of float64, shape (len(own),)
        The weights, of sum one.
    """
    out = np.zeros(len(own))
    if band in own:
        out[own.index(band)] = 1.0
        return out
    wavelength = band_filter(band).wavelength
    if _BEFORE_JUMP < wavelength < _BEHIND_G:
        u = float(np.interp(wavelength, *_SHARE_OF_U))
        out[own.index("u")], out[own.index("g")] = u, 1.0 - u
        return out
    nodes = [KNOWN_BANDS[node].wavelength for node in _NODES]
    x = float(np.interp(wavelength, nodes, np.arange(len(nodes))))
    low = min(int(x), len(nodes) - 2)
    out[own.index(_NODES[low])] = 1.0 - (x - low)
    out[own.index(_NODES[low + 1])] = x - low
    return out


# Banks drawn so far, by the model's hash and the seed.
_drawn: dict[tuple[str, int], ShapeBank] = {}


def shape_bank(model: LightCurveModel, bands: tuple[str, ...], *, seed: int = 0) -> ShapeBank:
    """Draw the shape bank of a model, or give the one drawn before.

    Parameters
    ----------
    model : LightCurveModel
        The source model.
    bands : tuple of str
        The bands in which shapes are wanted.
    seed : int
        Seed of the draws.

    Returns
    -------
    ShapeBank
        A few thousand members; drawn in seconds and kept in memory for the model's hash and the seed.
    """
    key = (model.hash, seed)
    if key not in _drawn:
        _drawn[key] = _draw(model, seed)
    return _drawn[key].in_bands(bands)


def known_groups(model: LightCurveModel) -> list[tuple[str, str]]:
    """Give classes and subtypes of a model, in the order of its bank.

    Parameters
    ----------
    model : LightCurveModel
        The source model.

    Returns
    -------
    list of (str, str)
        Class and subtype.
    """
    return [group for group in GROUPS if "/".join(group) in model.card["ranges"]]


def _draw(model: LightCurveModel, seed: int) -> ShapeBank:
    known = known_groups(model)
    groups = []
    for star_class in dict.fromkeys(name for name, _ in known):
        subtypes = model.sample(star_class, n=_POPULATION, seed=seed + 2).subtype
        for subtype in (kind for name, kind in known if name == star_class):
            share = float(np.mean(subtypes == subtype))
            groups.append(_draw_group(model, star_class, subtype, share, seed))
    return ShapeBank(bands=MODEL_BANDS, groups=tuple(groups), model_hash=model.hash, seed=seed)


def _draw_group(
    model: LightCurveModel, star_class: str, subtype: str, share: float, seed: int
) -> GroupShapes:
    n_harmonics, n = _SIZES[star_class, subtype]
    low, high = np.log(model.ranges(star_class, subtype)["period"])
    ln_period = low + (np.arange(n) + 0.5) * (high - low) / n
    with warnings.catch_warnings():
        # Rare periods take temperatures and luminosities at the border of what is known.
        warnings.simplefilter("ignore", ExtrapolationWarning)
        stars = model.sample(
            star_class, subtype=subtype, period=np.exp(ln_period), seed=seed, extrapolate="flag"
        )
        curve = model.phase_curve(stars, extrapolate="flag")
    curves = band_curves(stars, curve, MODEL_BANDS)
    harmonics = np.empty((n, len(MODEL_BANDS), n_harmonics + 1), dtype=np.complex64)
    for j, shape in enumerate(curves.shapes):
        mag = shape.on_grid(_PHASES) * curves.amplitude[:, j : j + 1] + curves.zero[:, j : j + 1]
        flux = np.exp(-_LN_FLUX * mag) - 1.0
        harmonics[:, j] = np.fft.rfft(flux, axis=1)[:, : n_harmonics + 1] / _PHASES
    to_ab = np.array([VEGA_TO_AB[band] if band in ("V", "I", "G") else 0.0 for band in MODEL_BANDS])
    population = np.log(model.sample(star_class, subtype=subtype, n=_POPULATION, seed=seed + 1).period)
    width = max(_LEAST_WIDTH.get(subtype, _LEAST_WIDTH_OTHERS), _NEIGHBOURS * (high - low) / n)
    density = np.exp(-0.5 * ((ln_period[:, None] - population) / width) ** 2).sum(axis=1)
    density = (1.0 - _FLAT) * density / density.sum() + _FLAT / n
    return GroupShapes(
        star_class=star_class,
        subtype=subtype,
        share=share,
        ln_period=ln_period,
        density=density,
        width=float(width),
        harmonics=harmonics,
        mean_mag=mean_magnitudes(stars, MODEL_BANDS) + to_ab,
        teff=np.array(stars.teff),
        abs_mag_g=np.array(stars.abs_mag_g),
        amplitude_i=np.array(stars.amplitude_i),
    )
