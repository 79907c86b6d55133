"""Table of fitted stars: a row per star of the input, with period, class and probabilities."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from pelsvae_cadence.core.arrays import FloatArray, IntArray, StrArray, StructOfArrays, freeze
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import replacing
from pelsvae_cadence.core.tables.hats import arrow_array, write_hats
from pelsvae_cadence.core.tables.star_positions import star_positions
from pelsvae_cadence.inference.physics.samples import PHYSICS_UNITS
from pelsvae_cadence.inference.posterior import CURVE, Posterior, pack_curves, unpack_curves
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.periods.result import PeriodResult

__all__ = ["TABLE_KINDS", "FittedStars", "table_kind"]

#: Suffixes of the tables that `FittedStars.write` makes; HATS is a folder.
TABLE_KINDS: Final = (".csv", ".ecsv", ".parquet", ".hats")
_TWO_DIMENSIONS: Final = ("class_probability", "other_periods", "other_probabilities", "physics")
# Columns of physics; the period's own interval is in `period_error`.
_PHYSICS: Final = tuple(name for name in PHYSICS_UNITS if not name.startswith("period"))
_MOST_PERIODS: Final = 20  # of a row: as many as `infer` keeps
_COLUMN_UNITS: Final = {
    **dict.fromkeys(("period", "period_error", *(f"period_{k}" for k in range(2, _MOST_PERIODS + 1))), "d"),
    "ra": "deg",
    "dec": "deg",
    **{name: PHYSICS_UNITS[name] for name in _PHYSICS},
}


def table_kind(path: str | Path) -> str:
    """Tell the kind of a table from its name.

    Parameters
    ----------
    path : str or Path
        The file; it need not exist.

    Returns
    -------
    str
        Its suffix, one of `TABLE_KINDS`.

    Raises
    ------
    InputError
        For any other.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in TABLE_KINDS:
        raise InputError(f"unknown kind of table {Path(path).name!r}", allowed=", ".join(TABLE_KINDS))
    return suffix


@dataclass(frozen=True, kw_only=True)
class FittedStars(StructOfArrays):
    """What `fit` finds about N stars, one row per star of the input.

    Parameters
    ----------
    star_id : ndarray of int64, shape (N,)
        The stars.
    name : ndarray of str, shape (N,), optional
        Names of the stars, where the input names them; they stand in the table in place of numbers.
    ra, dec : ndarray of float64, shape (N,), optional
        Positions (ICRS) in degrees, where they were looked up (`with_positions`).
    status : ndarray of str, shape (N,)
        "ok", or why there is no answer, such as "too few points".
    period, period_error : ndarray of float64, shape (N,)
        Period and its standard error in days, given that it is no alias; NaN without an answer.
    probability : ndarray of float64, shape (N,)
        Probability that the period is right (`Posterior.period_probability`).
    star_class, subtype : ndarray of str, shape (N,)
        Most probable class and subtype; "other" for shapes unlike all classes, "" without an answer.
    class_probability : ndarray of float64, shape (N, n_classes)
        Probabilities of `classes`, given that there is a period.
    no_period_probability : ndarray of float64, shape (N,)
        Probability that the star varies without a period, or not at all.
    false_alarm_probability : ndarray of float64, shape (N,)
        That of the highest peak of the periodogram (`pelsvae_cadence.periods.search`).
    n_points : ndarray of int64, shape (N,)
        Points used.
    other_periods, other_probabilities : ndarray of float64, shape (N, k)
        Alternatives, the most probable first, in days; NaN where there are no more.
    curve : ndarray of BestCurve, shape (N,)
        The curves that fit best; None where there is none, as after the harmonic search.
    physics : ndarray of float64, shape (N, 15), optional
        Medians and ends of the 68 % intervals of temperature, M_G, I amplitude, E(B-V) and distance modulus
        (`PhysicalSamples.summary`), where they were asked for: ``teff``, ``teff_low``, ``teff_high`` ... in
        the table.
    classes : tuple of str
        Names of the columns of `class_probability`; empty after the harmonic search.
    options : mapping
        The options of the fit.

    Raises
    ------
    InputError
        If the shapes do not fit together.
    """

    star_id: IntArray
    name: StrArray | None = None
    ra: FloatArray | None = None
    dec: FloatArray | None = None
    status: StrArray
    period: FloatArray
    period_error: FloatArray
    probability: FloatArray
    star_class: StrArray
    subtype: StrArray
    class_probability: FloatArray
    no_period_probability: FloatArray
    false_alarm_probability: FloatArray
    n_points: IntArray
    other_periods: FloatArray
    other_probabilities: FloatArray
    physics: FloatArray | None = None
    curve: npt.NDArray[np.object_] = field(compare=False)
    classes: tuple[str, ...]
    options: Mapping[str, object]

    _units = _COLUMN_UNITS

    def __post_init__(self) -> None:
        n = self.star_id.size
        for name, value in self._arrays():
            wrong = value.shape[:1] != (n,) if name in _TWO_DIMENSIONS else value.shape != (n,)
            if wrong:
                raise InputError(f"{name} has shape {value.shape} for {n} stars")
            freeze(value)

    @classmethod
    def of_posterior(
        cls, light_curves: LightCurves, posterior: Posterior, alarm: FloatArray, options: Mapping[str, object]
    ) -> Self:
        """Make the table of what the model says.

        Parameters
        ----------
        light_curves : LightCurves
            The light curves of N stars.
        posterior : Posterior
            What `infer` says of them.
        alarm : ndarray of float64, shape (N,)
            False-alarm probabilities.
        options : mapping
            The options of the fit.

        Returns
        -------
        FittedStars
            The same stars.
        """
        with np.errstate(divide="ignore"):
            others = 1.0 / posterior.candidate_frequencies[:, 1:]
        answered = np.isfinite(posterior.period)
        physics = None if posterior.physics is None else posterior.physics.summary()
        return cls(
            star_id=posterior.star_id.copy(),
            name=light_curves.name,
            status=posterior.status,
            period=posterior.period,
            period_error=posterior.period_error,
            probability=np.where(answered, posterior.period_probability, np.nan),
            star_class=posterior.star_class,
            subtype=posterior.subtype,
            class_probability=np.where(answered[:, None], posterior.class_probability, np.nan),
            no_period_probability=np.where(posterior.status == "ok", posterior.no_period_probability, np.nan),
            false_alarm_probability=alarm,
            n_points=posterior.n_points,
            other_periods=others,
            other_probabilities=np.where(
                np.isfinite(others), posterior.candidate_probabilities[:, 1:], np.nan
            ),
            physics=None if physics is None else np.column_stack([physics[name] for name in _PHYSICS]),
            curve=posterior.curve,
            classes=posterior.classes,
            options=options,
        )

    @classmethod
    def of_search(
        cls, light_curves: LightCurves, result: PeriodResult, options: Mapping[str, object]
    ) -> Self:
        """Make the table of what the harmonic search says, which knows neither classes nor probabilities.

        Parameters
        ----------
        light_curves : LightCurves
            The light curves of N stars.
        result : PeriodResult
            What `search` says of them.
        options : mapping
            The options of the fit.

        Returns
        -------
        FittedStars
            The same stars.
        """
        n = len(result)
        unknown = np.full(n, np.nan)
        others = 1.0 / result.top_frequencies[:, 1:]
        return cls(
            star_id=result.star_id.copy(),
            name=light_curves.name,
            status=result.status,
            period=result.period,
            period_error=unknown,
            probability=unknown.copy(),
            star_class=np.full(n, "", dtype="U1"),
            subtype=np.full(n, "", dtype="U1"),
            class_probability=np.empty((n, 0)),
            no_period_probability=unknown.copy(),
            false_alarm_probability=result.false_alarm_probability,
            n_points=result.n_points,
            other_periods=others,
            other_probabilities=np.full(others.shape, np.nan),
            curve=np.full(n, None, dtype=object),
            classes=(),
            options=options,
        )

    @property
    def label(self) -> npt.NDArray[Any]:
        """The input's own names of the stars, or their numbers."""
        return self.star_id if self.name is None else self.name

    @override
    def _table(self) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
        columns: dict[str, npt.NDArray[Any]] = {"star_id": self.label}
        if self.ra is not None and self.dec is not None:
            columns |= {"ra": self.ra, "dec": self.dec}
        for name in ("status", "period", "period_error", "probability", "star_class", "subtype"):
            columns[name] = getattr(self, name)
        for k, name in enumerate(self.classes):
            columns[f"p_{name}"] = self.class_probability[:, k]
        for name in ("no_period_probability", "false_alarm_probability", "n_points"):
            columns[name] = getattr(self, name)
        for k in range(self.other_periods.shape[1]):
            columns[f"period_{k + 2}"] = self.other_periods[:, k]
            columns[f"probability_{k + 2}"] = self.other_probabilities[:, k]
        if self.physics is not None:
            columns |= dict(zip(_PHYSICS, self.physics.T, strict=True))
        return columns, dict(self.options)

    def without_curves(self) -> Self:
        """Leave out the curves that fit best.

        Returns
        -------
        FittedStars
            The same stars.
        """
        return replace(self, curve=np.full(len(self), None, dtype=object))

    def with_positions(self, source: Any, *, star_id: str | None = None) -> Self:
        """Look up where the stars are; the table then has the columns ``ra`` and ``dec``.

        Parameters
        ----------
        source : path, DataFrame, Table or mapping
            A table with columns such as ``star_id, ra, dec``; the light curves themselves may be one.
        star_id : str, optional
            The column of the stars, where several could be meant.

        Returns
        -------
        FittedStars
            The same stars.

        Raises
        ------
        InputError
            If the table has no positions, or lacks a star.
        """
        ra, dec = star_positions(source, self.label, star_id=star_id)
        return replace(self, ra=ra, dec=dec)

    def write(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the table, complete or not at all.

        Parameters
        ----------
        path : str or Path
            A ``.csv``, ``.ecsv`` or ``.parquet`` file, or a ``.hats`` folder (Parquet by HEALPix pixel,
            for LSDB), which needs positions. All but the first keep the options of the fit.
        overwrite : bool
            Replace an earlier file.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        InputError
            If the file exists already, its suffix is another, or HATS lacks positions.
        """
        target = Path(path)
        kind = table_kind(target)
        if target.exists() and not overwrite:
            raise InputError(
                f"{target} exists already", remedy="Choose another name, or ask to overwrite it."
            )
        if kind == ".hats":
            return self._write_hats(target, overwrite)
        with replacing(target) as partial:
            if kind == ".csv":
                self.to_pandas().to_csv(partial, index=False)
            elif kind == ".parquet":
                self.to_pandas().to_parquet(partial, index=False)
            else:
                self.to_table().write(partial, format="ascii.ecsv", overwrite=True)
        return target

    def _write_hats(self, target: Path, overwrite: bool) -> Path:
        if self.ra is None or self.dec is None:
            raise InputError(
                "HATS needs the positions of the stars",
                remedy="Look them up with with_positions(table), or write another kind of table.",
            )
        columns, options = self._table()
        return write_hats(
            target,
            lambda rows: [
                (name, arrow_array(value[rows]), self._units.get(name, "")) for name, value in columns.items()
            ],
            ra=self.ra,
            dec=self.dec,
            name=target.stem,
            title="Periods and classes of variable stars",
            properties={"pelsvae_options": json.dumps(options, sort_keys=True)},
            overwrite=overwrite,
        )

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Give everything but the options as plain arrays, curves included.

        Returns
        -------
        dict of str to ndarray
            The columns by name, and the curves padded to the most bands and harmonics.
        """
        arrays = {name: value for name, value in self._arrays() if name != "curve"}
        return arrays | {"classes": np.array(self.classes, dtype="U16")} | pack_curves(self.curve)

    def to_columns(self) -> dict[str, npt.NDArray[Any]]:
        """Give everything but the curves as plain arrays, a name for each quantity of the physics.

        Returns
        -------
        dict of str to ndarray
            The columns by name.
        """
        columns = {name: value for name, value in self._arrays() if name not in ("curve", "physics")}
        return columns if self.physics is None else columns | dict(zip(_PHYSICS, self.physics.T, strict=True))

    @classmethod
    def of_columns(
        cls, columns: Mapping[str, npt.NDArray[Any]], classes: tuple[str, ...], options: Mapping[str, object]
    ) -> Self:
        """Make the table again of what `to_columns` gave; it has no curves.

        Parameters
        ----------
        columns : mapping of str to ndarray
            The columns; those of two axes may be absent where they are empty.
        classes : tuple of str
            Names of the columns of `class_probability`.
        options : mapping
            The options of the fit.

        Returns
        -------
        FittedStars
            The table.
        """
        n = columns["star_id"].size
        own: dict[str, Any] = dict.fromkeys(
            ("class_probability", "other_periods", "other_probabilities"), np.empty((n, 0))
        )
        own |= {name: value for name, value in columns.items() if name not in _PHYSICS}
        if all(name in columns for name in _PHYSICS):
            own["physics"] = np.column_stack([columns[name] for name in _PHYSICS])
        return cls(**own, curve=np.full(n, None, dtype=object), classes=classes, options=options)

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]], options: Mapping[str, object]) -> Self:
        """Make the table again of plain arrays.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            What `to_arrays` gave.
        options : mapping
            The options of the fit.

        Returns
        -------
        FittedStars
            The table.
        """
        packed = {name: value for name, value in arrays.items() if name.startswith(CURVE)}
        columns: dict[str, Any] = {name: arrays[name] for name in arrays if name not in packed}
        columns["classes"] = tuple(columns["classes"].tolist())
        return cls(**columns, curve=unpack_curves(packed), options=options)
