"""The features: their names, units and definitions, and the table that holds them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import KNOWN_BANDS, LSST_BANDS
from pelsvae_cadence.core.arrays import StructOfArrays, freeze
from pelsvae_cadence.core.errors import InputError

__all__ = [
    "BAND_STATISTICS",
    "DEFAULT_GROUPS",
    "FEATURE_GROUPS",
    "JOINT_STATISTICS",
    "Feature",
    "FeatureTable",
    "definitions_of",
    "feature_definitions",
]

FloatArray = npt.NDArray[np.float64]

#: The groups of features, and what they are about.
FEATURE_GROUPS: Final[dict[str, str]] = {
    "period": "the periods that the search found",
    "shape": "the folded curve: amplitude and Fourier terms",
    "variability": "distribution and order of the points, band by band",
    "amplitude": "amplitudes of one band relative to the next",
    "colour": "colours of the mean fluxes",
    "significance": "how far the signal stands above the noise",
    "magnitude": "mean magnitudes",
}

#: What a classifier sees unless told otherwise: mean magnitudes would give the distance away.
DEFAULT_GROUPS: Final = tuple(name for name in FEATURE_GROUPS if name != "magnitude")


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One feature.

    Parameters
    ----------
    name : str
        Name of the column.
    group : str
        One of `FEATURE_GROUPS`.
    unit : str
        Unit, ``""`` where it has none.
    definition : str
        What it is.
    """

    name: str
    group: str
    unit: str
    definition: str


_PERIOD: Final = (
    ("log_period", "log10 d", "best period"),
    ("log_period_2", "log10 d", "second-best period"),
    ("log_period_3", "log10 d", "third-best period"),
    ("score_gap", "", "score of the best period less that of the second, over the former"),
    ("n_harmonics", "", "number of harmonics of the search's best model"),
)
_SHAPE: Final = (
    (
        "amplitude",
        "mag",
        "peak-to-peak amplitude of the folded curve, all bands together, scaled to the i band",
    ),
    ("order", "", "number of harmonics H (0 to 8) that the Bayesian information criterion keeps"),
    *((f"r{k}1", "", f"A_{k} / A_1 of the folded curve in magnitudes; 0 where H < {k}") for k in (2, 3, 4)),
    *((f"phi{k}1", "rad", f"phi_{k} - {k} phi_1, cosine series in magnitudes, 0 to 2 pi") for k in (2, 3, 4)),
    ("rise_fraction", "cycles", "from minimum to the next maximum"),
    ("bright_fraction", "", "share of the cycle spent above the middle of the magnitudes"),
    ("curve_skewness", "", "skewness of the folded curve in magnitudes (positive: dips)"),
    ("curve_kurtosis", "", "excess kurtosis of the folded curve in magnitudes"),
    ("second_minimum", "", "depth of the second minimum over that of the first; 0 where none"),
    ("second_phase", "cycles", "distance of the second minimum from the first, 0 to 0.5"),
    ("odd_share", "", "share of the signal in odd harmonics of half the frequency (alternating cycles)"),
)
_SIGNIFICANCE: Final = (
    ("log_false_alarm", "", "log10 of the false-alarm probability, -30 at least"),
    ("explained", "", "share of chi-squared that folded curves, one a band, explain"),
    (
        "residual_scatter",
        "",
        "rms scatter about the folded curves of the bands beyond the quoted errors, over their rms",
    ),
    ("odd_significance", "", "ln(1 + chi-squared of the odd harmonics in units of the residuals')"),
)
#: Statistics of the light-curve package, of relative fluxes, in the order of `extraction`.
BAND_STATISTICS: Final = (
    ("skew", "skewness"),
    ("beyond_1_std", "share of points more than one standard deviation from the mean"),
    ("stetson_k", "robust kurtosis (Stetson 1996, PASP 108, 851)"),
    ("percentile_ratio", "range of the middle half of the points over that of the middle nine tenths"),
)
JOINT_STATISTICS: Final = (
    ("skew", "skewness"),
    ("kurtosis", "excess kurtosis"),
    ("anderson_darling", "Anderson-Darling statistic of normality, log10"),
    ("eta_e", "von Neumann ratio for uneven times (Kim et al. 2014, A&A 566, A43), log10"),
    ("stetson_k", "robust kurtosis (Stetson 1996, PASP 108, 851)"),
    ("percentile_ratio", "range of the middle half of the points over that of the middle nine tenths"),
)


def feature_definitions(
    bands: Sequence[str] = LSST_BANDS, groups: Iterable[str] = DEFAULT_GROUPS
) -> tuple[Feature, ...]:
    """List the features of a set of bands.

    Parameters
    ----------
    bands : sequence of str
        Bands out of `pelsvae_cadence.bands.KNOWN_BANDS`, in the order of wavelength.
    groups : iterable of str
        Groups out of `FEATURE_GROUPS`.

    Returns
    -------
    tuple of Feature
        In the order of the columns of `pelsvae_cadence.classify.extract`.

    Raises
    ------
    InputError
        If a band or a group is unknown, or none is given.
    """
    return definitions_of(bands, groups, known=KNOWN_BANDS)


def definitions_of(
    bands: Sequence[str], groups: Iterable[str], *, known: Collection[str]
) -> tuple[Feature, ...]:
    """List the features of a set of bands, out of those that may be meant.

    Parameters
    ----------
    bands : sequence of str
        Bands, in the order of wavelength.
    groups : iterable of str
        Groups out of `FEATURE_GROUPS`.
    known : collection of str
        The bands that may be meant.

    Returns
    -------
    tuple of Feature
        As `feature_definitions` gives them.

    Raises
    ------
    InputError
        If a band or a group is unknown, or none is given.
    """
    names = tuple(bands)
    for band in names:
        if band not in known:
            raise InputError(f"unknown band {band!r}", allowed=", ".join(known))
    if not names or len(set(names)) != len(names):
        raise InputError(f"bands = {list(names)!r}", allowed="one or more, none twice")
    wanted = set(groups)
    for group in sorted(wanted):
        if group not in FEATURE_GROUPS:
            raise InputError(f"unknown group of features {group!r}", allowed=", ".join(FEATURE_GROUPS))
    if not wanted:
        raise InputError("no group of features", allowed=", ".join(FEATURE_GROUPS))
    pairs = _pairs(names)
    rows: dict[str, list[tuple[str, str, str]]] = {
        "period": list(_PERIOD),
        "shape": list(_SHAPE),
        "variability": [
            *(
                (f"joint_{n}", "", f"{d}; all bands, each scaled to one amplitude")
                for n, d in JOINT_STATISTICS
            ),
            *(
                (f"{n}_{band}", "", f"{d}; relative fluxes in {band}")
                for band in names
                for n, d in BAND_STATISTICS
            ),
        ],
        "amplitude": [
            (f"amplitude_ratio_{a}_{b}", "ln", f"amplitude in {a} over that in {b}, of relative fluxes")
            for a, b in pairs
        ],
        "colour": [
            (f"colour_{a}_{b}", "mag", f"{a} - {b} of the mean fluxes, at least 3 sigma each")
            for a, b in pairs
        ],
        "significance": list(_SIGNIFICANCE),
        "magnitude": [(f"mag_{band}", "mag", f"AB magnitude of the mean flux in {band}") for band in names],
    }
    return tuple(
        Feature(name=name, group=group, unit=unit, definition=definition)
        for group in FEATURE_GROUPS
        if group in wanted
        for name, unit, definition in rows[group]
    )


def _pairs(bands: tuple[str, ...]) -> list[tuple[str, str]]:
    """Pair each band with the next, and the bluest but one with the middle ones (g - i)."""
    pairs = list(pairwise(bands))
    pairs += [(a, b) for a, b in (("g", "i"), ("r", "z"), ("zg", "zi")) if a in bands and b in bands]
    return pairs


@dataclass(frozen=True, kw_only=True)
class FeatureTable(StructOfArrays):
    """Features of N stars.

    Parameters
    ----------
    star_id : ndarray of int64, shape (N,)
        The stars.
    names : tuple of str
        Names of the F features.
    values : ndarray of float64, shape (N, F)
        The features; NaN where one cannot be measured.

    Raises
    ------
    InputError
        If the shapes do not fit together or a name comes twice.
    """

    star_id: npt.NDArray[np.int64]
    names: tuple[str, ...]
    values: FloatArray

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=np.float64)
        if values.shape != (self.star_id.size, len(self.names)):
            raise InputError(
                f"features have shape {values.shape}, expected ({self.star_id.size}, {len(self.names)})"
            )
        if len(set(self.names)) != len(self.names):
            raise InputError("a feature name comes twice")
        object.__setattr__(self, "values", freeze(values.view()))
        freeze(self.star_id)

    def __getitem__(self, name: str) -> FloatArray:
        if name not in self.names:
            raise InputError(f"no feature {name!r}", allowed=", ".join(self.names))
        return np.asarray(self.values[:, self.names.index(name)])

    def columns(self, names: Sequence[str]) -> Self:
        """Select features.

        Parameters
        ----------
        names : sequence of str
            Names, in the order wanted.

        Returns
        -------
        FeatureTable
            The selected features.

        Raises
        ------
        InputError
            If one is missing.
        """
        missing = [name for name in names if name not in self.names]
        if missing:
            raise InputError(
                f"the table has no feature {missing[0]!r} ({len(missing)} missing)",
                allowed=", ".join(self.names),
                remedy="Extract the features with the same bands and groups as in training.",
            )
        where = [self.names.index(name) for name in names]
        return type(self)(star_id=self.star_id, names=tuple(names), values=self.values[:, where].copy())

    def beside(self, names: Sequence[str], values: FloatArray) -> Self:
        """Add features.

        Parameters
        ----------
        names : sequence of str
            Their names.
        values : ndarray of float64, shape (N, n_names)
            The features.

        Returns
        -------
        FeatureTable
            These features, then the new ones.
        """
        return replace(self, names=(*self.names, *names), values=np.hstack([self.values, values]))
