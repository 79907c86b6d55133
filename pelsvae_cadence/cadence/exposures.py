"""Exposures of a survey table: rows of the same moment, band and pointing are one visit.

Tables of data releases spend a row on each detector, logs repeat rows. Here rows become visits: the
detectors of an exposure are joined, with the union of their footprints as field of view, and rows that
repeat another are dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

from pelsvae_cadence.bands import SurveyName
from pelsvae_cadence.cadence.columns import CORNERS
from pelsvae_cadence.cadence.survey import FOV_RADIUS, unit_vectors
from pelsvae_cadence.core.errors import InputError

__all__ = ["Exposures", "exposures_by_place", "find_exposures", "join_exposures", "same_exposure"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Detectors of one visit are read out together; anything farther apart is another visit (days).
_SAME_VISIT: Final = 60.0 / 86400.0
# Without visit numbers: no camera begins two exposures within a second.
_SAME_MOMENT: Final = 1.0 / 86400.0
# Rows at one place are one pointing (degrees): astrometry of a visit moves it less.
_SAME_PLACE: Final = 0.01
# So many rows tell what kind of table it is.
_ENOUGH_ROWS: Final = 20_000
# Detectors of one camera lie within so many radii of its field of view.
_CAMERA: Final = 3.0
#: Half a detector in degrees (LSST's CCDs, ZTF's quadrants), where nothing in the table says.
_HALF_DETECTOR: Final[dict[SurveyName, float]] = {"lsst": 0.112, "ztf": 0.43, "joint": 0.112}
_MEDIANS: Final = ("start", "middle", "m5", "exptime", "airmass", "seeing")


@dataclass(frozen=True, kw_only=True)
class Exposures:
    """What the rows of a table have to do with visits, decided from the whole table.

    Parameters
    ----------
    of_row : ndarray of int64
        Exposure of each row, counted in the order of their first rows.
    visit_id : ndarray of int64
        Number of the visit of each row: the table's own if each visit has one.
    half_detector : float
        Half the side of a detector in degrees.
    detectors : bool
        Rows are detectors, even where each visit has but one.
    """

    of_row: IntArray
    visit_id: IntArray
    half_detector: float
    detectors: bool


def same_exposure(time: FloatArray, band: npt.ArrayLike) -> IntArray:
    """Find rows of one moment and band.

    Parameters
    ----------
    time : ndarray of float64, shape (n,)
        Times in days; a row without one is an exposure of its own.
    band : array_like of int or str, shape (n,)
        Bands.

    Returns
    -------
    ndarray of int64, shape (n,)
        Numbers of the exposures, in no order.
    """
    codes = pd.factorize(np.asarray(band))[0]
    order = np.lexsort((time, codes))
    begins = np.ones(time.size, dtype=np.bool_)
    with np.errstate(invalid="ignore"):
        later = ~(np.diff(time[order]) <= _SAME_MOMENT)
    begins[1:] = later | (np.diff(codes[order]) != 0)
    group = np.empty(time.size, dtype=np.int64)
    group[order] = np.cumsum(begins) - 1
    return group


def _by_first_row(group: IntArray) -> IntArray:
    return np.asarray(pd.factorize(group)[0], dtype=np.int64)


def _split_by_place(group: IntArray, vectors: FloatArray, reach: float) -> IntArray:
    """Split groups of rows whose pointings lie farther apart than `reach` degrees from the first row."""
    limit = 2.0 * np.sin(np.radians(min(reach, 180.0)) / 2.0)
    group = _by_first_row(group)
    rows = np.flatnonzero(np.bincount(group)[group] > 1) if group.size else group
    while rows.size:
        _, first = np.unique(group[rows], return_index=True)
        leader = np.empty(int(group.max()) + 1, dtype=np.int64)
        leader[group[rows[first]]] = rows[first]
        away = np.linalg.norm(vectors[rows] - vectors[leader[group[rows]]], axis=1)
        rows = rows[~(away <= limit) & (rows != leader[group[rows]])]
        group[rows] += int(group.max()) + 1
    return group


def exposures_by_place(
    moment: IntArray, vectors: FloatArray, survey: SurveyName, *, detectors: bool = False
) -> IntArray:
    """Tell rows of one moment and band that are one exposure from those that are several.

    The times of a log may be rounded to minutes, and then hold several pointings. Rows are the
    detectors of a camera if they lie closer together than fields of view.

    Parameters
    ----------
    moment : ndarray of int64, shape (n,)
        What `same_exposure` gives.
    vectors : ndarray of float64, shape (n, 3)
        Pointings as unit vectors.
    survey : {"lsst", "ztf", "joint"}
        Whose camera it is.
    detectors : bool
        The rows are known to be detectors.

    Returns
    -------
    ndarray of int64, shape (n,)
        Numbers of the exposures, in no order.
    """
    near = 0.0 if detectors else _nearest_neighbour(moment, vectors)
    is_camera = near < 0.5 * FOV_RADIUS[survey]
    return _split_by_place(moment, vectors, _CAMERA * FOV_RADIUS[survey] if is_camera else _SAME_PLACE)


def _nearest_neighbour(moment: IntArray, vectors: FloatArray) -> float:
    """Give the median distance in degrees to the nearest other place of the same moment."""
    rows = np.flatnonzero((np.bincount(moment)[moment] > 1) & np.isfinite(vectors).all(axis=1))
    if not rows.size:
        return np.inf
    rows = rows[np.argsort(moment[rows], kind="stable")][:_ENOUGH_ROWS]
    places = np.column_stack([np.round(vectors[rows], 5), 10.0 * moment[rows]])
    places = np.unique(places, axis=0)
    if len(places) < 2:
        return np.inf
    distance = cKDTree(places).query(places, 2)[0][:, 1]
    distance = distance[distance < 2.5]  # others have no neighbour at their moment
    return float(np.degrees(np.median(distance))) if distance.size else np.inf


def find_exposures(table: pd.DataFrame, survey: SurveyName, names: dict[str, str]) -> Exposures:
    """Find the exposures of a whole table, before any constraint.

    Parameters
    ----------
    table : pandas.DataFrame
        Its columns (`pelsvae_cadence.cadence.columns.plain_columns`).
    survey : {"lsst", "ztf", "joint"}
        Whose camera it is.
    names : dict of str to str
        The table's own names of the columns, for messages.

    Returns
    -------
    Exposures
        The exposure and visit number of each row.

    Raises
    ------
    InputError
        If the detectors of one visit were read out at different times.
    """
    n = len(table)
    key = "start" if "start" in table else "middle"
    time = table[key].to_numpy()
    vectors = unit_vectors(table["ra"], table["dec"])
    detectors = "detector" in table or "ccd_visit" in table
    moment = same_exposure(time, table["band"])
    own = _own_visits(table, time, key, names)
    if own is None:
        group = exposures_by_place(moment, vectors, survey, detectors=detectors)
    else:
        # Visits of different numbers are one only where a row repeats another one in all but the number.
        first = pd.Series(own).drop_duplicates().index.to_numpy()
        depth = pd.factorize(table["m5"].to_numpy()[first])[0].astype(np.int64)
        alike = _split_by_place(
            moment[first] * (depth.max(initial=0) + 2) + depth, vectors[first], _SAME_PLACE
        )
        joined = np.empty(int(own.max(initial=-1)) + 1, dtype=np.int64)
        joined[own[first]] = alike
        group = joined[own]
    group = _by_first_row(group)
    number = group
    if own is not None:
        numbers = pd.to_numeric(table["visit_id"], errors="coerce")
        exact = numbers.to_numpy(np.float64, na_value=np.nan)
        if np.isfinite(exact).all() and np.unique(numbers).size == np.unique(own).size:
            first_row = np.zeros(int(group.max(initial=-1)) + 1, dtype=np.int64)
            first_row[group[::-1]] = np.arange(n)[::-1]
            number = numbers.to_numpy(np.int64)[first_row[group]]
        else:
            number = own
    return Exposures(
        of_row=group,
        visit_id=number,
        half_detector=_half_detector(table, group, vectors, survey),
        detectors=(detectors and "ccd_visit" in table) or set(CORNERS) <= set(table.columns),
    )


def _own_visits(table: pd.DataFrame, time: FloatArray, key: str, names: dict[str, str]) -> IntArray | None:
    """Give visits numbers by the table's own names for them; None where these name no visits."""
    if "visit_id" not in table:
        return None
    own = table["visit_id"]
    if own.isna().any():
        return None
    codes = np.asarray(pd.factorize(own)[0], dtype=np.int64)
    if not own.duplicated().any():
        return codes
    known = np.isfinite(time)
    spans = pd.Series(time[known]).groupby(codes[known]).agg(np.ptp)
    if not (spans > _SAME_VISIT).any():
        return codes
    if "detector" in table:
        raise InputError(f"rows of one {names['visit_id']} differ in {names[key]} by more than a minute")
    return None


def _half_detector(table: pd.DataFrame, group: IntArray, vectors: FloatArray, survey: SurveyName) -> float:
    """Find half the side of a detector from its corners, or from the distance of neighbours."""
    if set(CORNERS) <= set(table.columns):
        a, b = (unit_vectors(table[CORNERS[k]], table[CORNERS[k + 1]]) for k in (0, 2))
        diagonal = np.linalg.norm(a - b, axis=1)
        diagonal = diagonal[np.isfinite(diagonal)]
        if diagonal.size:
            return float(np.degrees(np.median(diagonal)) / 2.0 / np.sqrt(2.0))
    counts = np.bincount(group) if group.size else group
    if group.size and counts.max() > 1:
        largest = np.flatnonzero(group == counts.argmax())
        places = vectors[largest][np.isfinite(vectors[largest]).all(axis=1)]
        if len(places) > 1:
            near = np.degrees(cKDTree(places).query(places, 2)[0][:, 1])
            near = near[near > _SAME_PLACE]
            if near.size:
                return float(np.median(near) / 2.0)
    return _HALF_DETECTOR[survey]


def join_exposures(
    table: pd.DataFrame, exposures: Exposures, survey: SurveyName
) -> tuple[pd.DataFrame, float | None, IntArray]:
    """Make one row of each exposure.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows with columns as `find_exposures` takes them, and "_exposure", the exposure of each.
    exposures : Exposures
        What was found in the whole table.
    survey : {"lsst", "ztf", "joint"}
        Whose camera it is.

    Returns
    -------
    table : pandas.DataFrame
        A row per exposure, in the order of their first rows: at the mean position of its detectors,
        with their median time, depth and seeing.
    field : float or None
        Radius in degrees of the union of the detectors; None where the rows are whole pointings.
    repeats : ndarray of int64
        Exposures of the rows that repeat another one.
    """
    group = _by_first_row(table["_exposure"].to_numpy())
    none = np.empty(0, dtype=np.int64)
    if not len(table):
        return table, None, none
    counts = np.bincount(group)
    alone = min(exposures.half_detector, FOV_RADIUS[survey]) if exposures.detectors else None
    if counts.max() == 1:
        return table, alone, none
    rows = table.assign(_exposure=group)
    several = counts[group] > 1
    part = rows[several]
    vectors = unit_vectors(part["ra"], part["dec"])
    part = part.assign(**{f"_{axis}": vectors[:, k] for k, axis in enumerate("xyz")})
    # A detector, where the table names them, and otherwise a place.
    which: list[Any] = (
        [part["detector"]] if "detector" in part else [part["ra"].round(5), part["dec"].round(5)]
    )
    repeated = pd.concat([part["_exposure"], *which], axis=1).duplicated().to_numpy()
    repeats = part["_exposure"].to_numpy()[repeated]
    # Exact repeats do not count in the medians.
    exact = part.duplicated([c for c in part.columns if c not in ("visit_id", "ccd_visit")]).to_numpy()
    part = part[~exact]
    groups = part.groupby("_exposure", sort=False)
    columns = [column for column in rows.columns if column != "_exposure"]
    joined = groups[columns].first()
    medians = [key for key in _MEDIANS if key in part]
    joined[medians] = groups[medians].median()
    x, y, z = (groups[f"_{axis}"].mean() for axis in "xyz")
    spread = np.linalg.norm(
        part[["_x", "_y", "_z"]].to_numpy()
        - np.stack([axis.loc[part["_exposure"]].to_numpy() for axis in (x, y, z)], axis=1),
        axis=1,
    )
    farthest = pd.Series(np.degrees(spread)).groupby(part["_exposure"].to_numpy()).max()
    moved = joined.index[(farthest.loc[joined.index] > 1e-9).to_numpy()]  # one place stays as it is
    joined.loc[moved, "ra"] = np.degrees(np.arctan2(y, x)).loc[moved] % 360.0
    joined.loc[moved, "dec"] = np.degrees(np.arctan2(z, np.hypot(x, y))).loc[moved]
    field = alone
    if farthest.max() > _SAME_PLACE:
        sizes = groups.size().loc[farthest.index]
        whole = farthest[sizes >= 0.5 * sizes.max()]
        field = min(float(whole.median()) + exposures.half_detector, FOV_RADIUS[survey])
    whole_table = pd.concat([rows[~several], joined.reset_index()[list(rows.columns)]])
    return whole_table.sort_values("_exposure", kind="stable", ignore_index=True), field, repeats
