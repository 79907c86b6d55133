"""Real light curves with known periods, set by set, in the bands they were taken in.

What may be used to choose a method is kept apart from what tests it: "tuning" is every second star of
Stripe 82, its twin in Pan-STARRS, and every fourth row of EROS-1; every other star is "test".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import BoolArray, FloatArray, IntArray, StrArray
from pelsvae_cadence.core.errors import InputError, did_you_mean
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.core.real_data import read_light_curve_set
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.validate.few_points import few_points
from pelsvae_cadence.validate.inference.listed_periods import looked_over
from pelsvae_cadence.validate.real_light_curves import stripe82_rr_lyrae

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["REAL_SETS", "Part", "RealSet", "real_set"]

Part = Literal["tuning", "test", "all"]

#: Trial periods of RR Lyrae stars in days (VanderPlas & Ivezic 2015, ApJ 812, 18).
_RR_LYRAE: Final = (0.2, 1.2)
_BLIND: Final = (0.03, 1000.0)

# EROS-1 counts its days from 1990 January 0.5, nearly: what matters is that all are counted alike.
_EROS_ZERO: Final = 2447892.5

# OGLE's names of the classes and of overtones, for EROS-1's stars.
_OGLE_CLASS: Final = {"RRLyr": "RRLYR", "Cep": "CEP", "LPV": "LPV", "T2Cep": "T2CEP", "aCep": "ACEP"}
_SUBTYPES: Final = {
    "1": "1O",
    "2": "2O",
    "12": "1O/2O",
    "13": "1O/3O",
    "pWVir": "WVir",
    "RRa": "RRab",
    "RRe": "RRc",
    # Field RRab stars in front of Crater II, of a fundamental period.
    "Fab": "RRab",
}


@dataclass(frozen=True, kw_only=True)
class RealSet:
    """Real stars, their light curves and what catalogues say of them.

    Parameters
    ----------
    name : str
        Name of the set, out of `REAL_SETS`.
    star : ndarray of str, shape (N,)
        Names of the stars.
    star_class : ndarray of str, shape (N,)
        Classes; "" where the catalogue does not tell.
    subtype : ndarray of str, shape (N,)
        Subtypes; "" where the catalogue does not tell.
    period : ndarray of float64, shape (N,)
        Catalogue periods in days.
    tuning : ndarray of bool, shape (N,)
        Whether the star may be used to choose a method.
    light_curves : LightCurves
        The points; `star_id` is the row of the star in its table.
    period_range : tuple of float
        Shortest and longest trial period in days that the set is judged in.
    other_period : ndarray of float64, shape (N,), optional
        Periods that the light curves allow as well as the listed ones; NaN where there is none.
    template_classes : tuple of str
        Classes that the templates of the literature know, with which the set's targets were measured;
        empty for all classes.
    """

    name: str
    star: StrArray
    star_class: StrArray
    subtype: StrArray
    period: FloatArray
    tuning: BoolArray
    light_curves: LightCurves
    period_range: tuple[float, float]
    other_period: FloatArray | None = None
    template_classes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.period.size

    @property
    def periods(self) -> tuple[FloatArray, ...]:
        """The listed periods, and the others if there are any."""
        return (self.period,) if self.other_period is None else (self.period, self.other_period)

    def take(self, rows: npt.ArrayLike) -> RealSet:
        """Select stars.

        Parameters
        ----------
        rows : array_like of int or bool
            Which.

        Returns
        -------
        RealSet
            The same set of these stars.
        """
        index = np.asarray(rows)
        chosen = {
            name: getattr(self, name)[index] for name in ("star", "star_class", "subtype", "period", "tuning")
        }
        other = None if self.other_period is None else self.other_period[index]
        return replace(self, light_curves=self.light_curves.take(index), other_period=other, **chosen)

    def with_light_curves(self, light_curves: LightCurves) -> RealSet:
        """Give the same stars other points."""
        return replace(self, light_curves=light_curves)


@dataclass(frozen=True, kw_only=True)
class _Source:
    """Where a set comes from, and how its table is read."""

    folder: str
    file: str
    bands: dict[str, str] = field(default_factory=dict)
    mag_system: Literal["AB", "Vega"] = "AB"
    time_scale: str = "JD UTC"
    period_range: tuple[float, float] = _RR_LYRAE
    n_per_band: int | None = None
    truth: Callable[[pd.DataFrame], pd.DataFrame] | None = None
    template_classes: tuple[str, ...] = ("RRLYR",)
    about: str = ""


def _rr_lyrae_only(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out other classes, and periods that the catalogue itself calls uncertain ("::")."""
    usable = table["cls"] == "RRLYR"
    if "period_flag" in table:
        usable &= table["period_flag"] != "::"
    return table[usable]


def _unclassified(table: pd.DataFrame) -> pd.DataFrame:
    """Keep periods in the range that is searched; the classes are not resolved."""
    low, high = _RR_LYRAE
    return table[table["period"].between(low, high)].assign(cls="")


def _binaries(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["cls"] == "ECL"]


def _eros(table: pd.DataFrame) -> pd.DataFrame:
    """Take OGLE-III's classes and periods; binaries, which it lacks, from EROS's list where it is usable."""
    found = (table["ogle3_type"].isin(list(_OGLE_CLASS)) & (table["ogle3_period"] > 0)).to_numpy()
    lone = ((table["ogle3_type"] == "") & (table["cls"] == "ECL") & (table["quality"] >= 2)).to_numpy()
    known = np.where(table["ogle3_subtype"] == "-99.99", "", table["ogle3_subtype"])
    stars = table.assign(
        cls=np.where(found, table["ogle3_type"].map(_OGLE_CLASS), table["cls"]),
        subtype=np.where(found, known, ""),
        period=np.where(found, table["ogle3_period"], table["period"]),
        id=np.where(found, table["ogle3_id"], table["id"]),
    )
    return stars[found | lone]


_EROS: Final[dict[str, Any]] = {
    "folder": "realstars",
    "file": "eros1_br",
    "mag_system": "Vega",
    "truth": _eros,
    "template_classes": (),
}
_STRIPE82: Final[dict[str, Any]] = {"folder": "lightcurves", "file": "sdss_s82_rrlyr_ugriz"}

#: The sets by name.
REAL_SETS: Final[dict[str, _Source]] = {
    "ps1": _Source(
        folder="realstars",
        file="ps1_rrlyr_grizy",
        bands={name: f"ps_{name}" for name in "grizy"},
        about="Pan-STARRS RR Lyrae stars of Stripe 82, some 29 points in g r i z y",
    ),
    "stripe82_8": _Source(**_STRIPE82, n_per_band=8, about="Stripe 82 RR Lyrae stars, 8 points a band"),
    "stripe82": _Source(**_STRIPE82, about="Stripe 82 RR Lyrae stars, all points"),
    "eros1_30": _Source(
        **_EROS,
        n_per_band=30,
        period_range=(0.05, 300.0),
        about="EROS-1 stars of the Large Magellanic Cloud, 30 points a band",
    ),
    "eros1": _Source(
        **_EROS, period_range=_BLIND, about="EROS-1 stars of the Large Magellanic Cloud, all points"
    ),
    "crater2": _Source(
        folder="realstars",
        file="crater2_decam_gi",
        bands={name: f"decam_{name}" for name in "gi"},
        truth=_rr_lyrae_only,
        about="RR Lyrae stars of Crater II, DECam g i",
    ),
    "field": _Source(
        folder="realstars",
        file="field_rrlyr_bvi",
        mag_system="Vega",
        truth=_rr_lyrae_only,
        about="bright field RR Lyrae stars, B V I in a few dense nights",
    ),
    "sculptor": _Source(
        folder="realstars",
        file="sculptor_bvi",
        mag_system="Vega",
        truth=_rr_lyrae_only,
        about="RR Lyrae stars of Sculptor, B V I over 12 to 24 years",
    ),
    "m31": _Source(
        folder="realstars",
        file="m31sat_hst",
        mag_system="Vega",
        truth=_unclassified,
        about="variables of M31's satellites, HST F475W F814W in 4 to 5 days",
    ),
    "ztf": _Source(
        folder="realstars",
        file="ztf_vsx_gri",
        time_scale="HJD UTC",
        period_range=_BLIND,
        truth=_binaries,
        template_classes=(),
        about="detached eclipsing binaries of VSX in ZTF",
    ),
}


def real_set(
    name: str,
    data: Path,
    *,
    part: Part = "all",
    n: int | None = None,
    seed: int = 0,
    classes: tuple[str, ...] | None = None,
    points_per_band: int | None = None,
) -> RealSet:
    """Read a set of real stars.

    Parameters
    ----------
    name : str
        Out of `REAL_SETS`.
    data : Path
        Folder of the real data (``lightcurves/`` and ``realstars/``).
    part : {"tuning", "test", "all"}
        Stars that may be used to choose methods, the others, or both.
    n : int, optional
        Number of stars, drawn at random from those; all by default. A smaller draw is part of a larger.
    seed : int
        Seed of the choice of stars and of points.
    classes : tuple of str, optional
        Only stars of these classes.
    points_per_band : int, optional
        Points to keep in each band, in place of the set's own number.

    Returns
    -------
    RealSet
        Light curves in the bands of their survey, AB magnitudes and fluxes, and the truth.

    Raises
    ------
    InputError
        If the set is unknown, its files are missing, or no star is left.
    """
    if name not in REAL_SETS:
        raise InputError(
            f"unknown set {name!r}", allowed=", ".join(REAL_SETS), remedy=did_you_mean(name, REAL_SETS)
        )
    if part not in ("tuning", "test", "all"):
        raise InputError(f"part = {part!r}", allowed="tuning, test, all")
    if n is not None and n < 1:
        raise InputError(f"{n} stars", allowed="1 or more, or None for all")
    source = REAL_SETS[name]
    points, table = read_light_curve_set(data / source.folder, source.file)
    table = table if source.truth is None else source.truth(table)
    tuning = _tuning(table, source, data)
    usable = {"all": np.full(tuning.size, True), "tuning": tuning, "test": ~tuning}[part]
    if classes is not None:
        usable &= table["cls"].isin(classes).to_numpy()
    chosen = np.flatnonzero(usable)
    order = KeyedRandom(seed=seed).generator(f"stars of {source.file}", 0).permutation(chosen.size)
    chosen = np.sort(chosen[order[:n]])
    if not chosen.size:
        raise InputError(
            f"set {name!r} has no {part} stars" + (f" of {', '.join(classes)}" if classes else ""),
            remedy='Give part="test" or "all".' if part == "tuning" else "",
        )
    table = table.iloc[chosen]
    rows = table["row"].to_numpy(dtype=np.int64)
    curves = _light_curves(source, data, points, rows)
    few = source.n_per_band if points_per_band is None else points_per_band
    if few is not None:
        curves = few_points(curves, few, seed=seed)
    return RealSet(
        name=name,
        star=table["id"].to_numpy().astype(str),
        star_class=table["cls"].to_numpy().astype(str),
        subtype=_subtypes(table),
        period=table["period"].to_numpy(dtype=np.float64),
        tuning=tuning[chosen],
        light_curves=curves,
        period_range=source.period_range,
        other_period=_looked_over(table, source, data, few is None),
        template_classes=source.template_classes,
    )


def _subtypes(table: pd.DataFrame) -> StrArray:
    if "subtype" not in table:
        return np.full(len(table), "", dtype="U4")
    names = table["subtype"].fillna("").astype(str)
    return np.asarray(names.replace(_SUBTYPES).to_numpy().astype(str))


def _tuning(table: pd.DataFrame, source: _Source, data: Path) -> BoolArray:
    """Tell which stars may be used to choose a method."""
    if source.file == "eros1_br":
        return np.asarray(table["row"].to_numpy() % 4 == 0)
    if source.file == "sdss_s82_rrlyr_ugriz":
        return np.asarray(table["row"].to_numpy() % 2 == 0)
    if source.file == "ps1_rrlyr_grizy":
        _, twins = read_light_curve_set(data / "lightcurves", "sdss_s82_rrlyr_ugriz")
        even = twins.loc[twins["row"] % 2 == 0, "id"]
        return np.asarray(table["stripe82_id"].isin(even).to_numpy())
    return np.zeros(len(table), dtype=bool)


def _looked_over(table: pd.DataFrame, source: _Source, data: Path, has_all_points: bool) -> FloatArray | None:
    """Look listed periods over with all points of Stripe 82, where a set has few of them or others."""
    if source.file == "sdss_s82_rrlyr_ugriz" and not has_all_points:
        rows = table["row"].to_numpy(dtype=np.int64)
    elif source.file == "ps1_rrlyr_grizy":
        _, twins = read_light_curve_set(data / "lightcurves", "sdss_s82_rrlyr_ugriz")
        rows = twins.set_index("id").loc[table["stripe82_id"], "row"].to_numpy(dtype=np.int64)
    else:
        return None
    curves = stripe82_rr_lyrae(data).light_curves
    mine = np.searchsorted(curves.star_id, rows)
    return looked_over(table["period"].to_numpy(dtype=np.float64), curves.take(mine))


def _light_curves(source: _Source, data: Path, points: dict[str, Any], rows: IntArray) -> LightCurves:
    if source.file == "sdss_s82_rrlyr_ugriz":
        curves = stripe82_rr_lyrae(data).light_curves
        named = np.char.add("sdss_", curves.band.astype("U1"))
        return replace(curves, band=named).take(np.searchsorted(curves.star_id, rows))
    offsets = points["offsets"]
    sizes = offsets[rows + 1] - offsets[rows]
    index = np.concatenate([np.arange(offsets[row], offsets[row + 1]) for row in rows])
    names = np.array([source.bands.get(band, band) for band in points["bands"].tolist()])
    zero = float(points["time_zero"])
    time = points["t"][index] + (zero if np.isfinite(zero) else _EROS_ZERO)
    mag, err = (points[key][index].astype(np.float64) for key in ("mag", "err"))
    known = np.isfinite(mag) & (err > 0)
    table = {
        "star_id": np.repeat(rows, sizes)[known],
        "time": time[known],
        "band": names[points["band"][index]][known],
        "mag": mag[known],
        "mag_err": err[known],
    }
    curves = LightCurves.from_table(
        table,
        time="time",
        band="band",
        mag="mag",
        mag_err="mag_err",
        star_id="star_id",
        time_system=source.time_scale,
        mag_system=source.mag_system,
    )
    if not np.array_equal(curves.star_id, rows):
        raise InputError(f"{source.file}: {rows.size} stars, {len(curves)} with points")
    return curves
