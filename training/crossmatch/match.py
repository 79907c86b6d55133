"""Cross-match of survey stars with Gaia sources, with a reason for every verdict.

The steps are those of the appendix on the cross-match of Martinez-Palomera, Bloom & Abrahams (2020,
arXiv:2005.07773): a match within 2 arcsec, the radius of the proper motion over 15.5 years (OGLE's
J2000.0 to Gaia DR2's J2015.5), Gaia's variability class, temperature and colour, the place in the
colour-magnitude diagram, and second neighbours. Their numbers beyond that are not public; ours are
in `CrossmatchOptions`, `COLOURS` and `TEMPERATURES`, and `pelsvae_cadence.training.crossmatch.colour_magnitude`
says what a place in the diagram is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from astropy import units as u
from astropy.coordinates import SkyCoord, search_around_sky

from pelsvae_cadence.core.arrays import BoolArray
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.training.crossmatch.colour_magnitude import ColourMagnitudePlaces, absolute_magnitude

__all__ = [
    "ACCEPTED",
    "COLOURS",
    "TEMPERATURES",
    "CrossmatchOptions",
    "format_summary",
    "summarise",
    "validate_matches",
]

#: The ways to be accepted, in the order in which they are tried: the rows of Table 4.
ACCEPTED: Final = (
    "variability class",
    "variable without class",
    "definite",
    "one in proper-motion radius",
    "colour-magnitude diagram",
    "second neighbour",
)

#: BP - RP of each class in mag, and Gaia DR2's temperature (Apsis) in K: not physical limits (both
#: are reddened), but what encloses at least 99 % of the published validated matches of each class.
COLOURS: Final[dict[str, tuple[float, float]]] = {
    "ACEP": (0.2, 1.2),
    "CEP": (0.2, 1.9),
    "DSCT": (0.2, 2.3),
    "ECL": (-0.6, 4.6),
    "ELL": (0.6, 4.9),
    "LPV": (1.6, 6.9),
    "RRLYR": (0.0, 3.6),
    "T2CEP": (0.2, 4.4),
}
TEMPERATURES: Final[dict[str, tuple[float, float]]] = {
    "ACEP": (5000.0, 8000.0),
    "CEP": (4300.0, 7500.0),
    "DSCT": (3800.0, 8500.0),
    "ECL": (3250.0, 9700.0),
    "ELL": (3250.0, 7000.0),
    "LPV": (3250.0, 5100.0),
    "RRLYR": (3450.0, 7500.0),
    "T2CEP": (3400.0, 8600.0),
}

# Gaia DR2's classes (Rimoldini et al. 2019, A&A 625, A97) that agree with ours, and those that its
# classifier confuses with them; the published table of agreeing classes holds both kinds. All five
# matches that the authors drop from it by hand disagree by this rule (T2CEP and ECL as MIRA_SR).
_PULSATORS: Final = frozenset({"ACEP", "CEP", "T2CEP", "RRAB", "RRC", "RRD", "ARRD"})
_COMPATIBLE: Final[dict[str, frozenset[str]]] = {
    "ACEP": _PULSATORS,
    "CEP": _PULSATORS,
    "DSCT": frozenset({"DSCT_SXPHE"}),
    "LPV": frozenset({"MIRA_SR"}),
    "RRLYR": _PULSATORS,
    "T2CEP": _PULSATORS,
}


@dataclass(frozen=True, kw_only=True)
class CrossmatchOptions:
    """The numbers of the cross-match.

    Parameters
    ----------
    radius : float
        Match radius in arcsec, at the survey's epoch (paper: 2).
    years : float
        From the survey's epoch to Gaia's (paper: 15.5).
    position_error : float
        Allowance of the proper-motion radius for both catalogues' errors, arcsec. 95 % of the
        published matches lie within 0.24 arcsec of each other at one epoch.
    enclosed : float
        Fraction of the confirmed matches that a class's place in the diagram encloses.
    fewest_confirmed : int
        Confirmed matches needed to place a class.

    Raises
    ------
    InputError
        On a number out of its range.
    """

    radius: float = 2.0
    years: float = 15.5
    position_error: float = 0.3
    enclosed: float = 0.99
    fewest_confirmed: int = 20

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("radius", self.radius, 1e-3, 60.0),
            ("years", self.years, 0.0, 100.0),
            ("position_error", self.position_error, 0.0, 60.0),
            ("enclosed", self.enclosed, 0.5, 1.0),
            ("fewest_confirmed", self.fewest_confirmed, 5, np.inf),
        ):
            if not low <= value <= high:
                raise InputError(f"{name} = {value!r} is out of range", allowed=f"{low} to {high}")


def _find_candidates(
    stars: pd.DataFrame, gaia: pd.DataFrame, options: CrossmatchOptions | None = None
) -> pd.DataFrame:
    """List the Gaia sources within the match radius of each star."""
    settings = CrossmatchOptions() if options is None else options
    survey = SkyCoord(stars["ra"].to_numpy() * u.deg, stars["dec"].to_numpy() * u.deg)
    there = SkyCoord(gaia["ra"].to_numpy() * u.deg, gaia["dec"].to_numpy() * u.deg)
    motion = gaia[["pmra", "pmdec"]].fillna(0.0).to_numpy() * settings.years * u.mas
    back = there.spherical_offsets_by(-motion[:, 0], -motion[:, 1])
    star_row, gaia_row, separation, _ = search_around_sky(survey, back, settings.radius * u.arcsec)
    moved = survey[star_row].separation(there[gaia_row]).to_value(u.arcsec)
    pm_radius = np.hypot(*motion.T).to_value(u.arcsec)[gaia_row]
    pairs = pd.DataFrame(
        {
            "star_row": star_row,
            "gaia_row": gaia_row,
            "separation": separation.to_value(u.arcsec),
            "gaia_separation": moved,
            "pm_radius": pm_radius,
            "in_pm_radius": moved <= pm_radius + settings.position_error,
        }
    )
    pairs = pairs.sort_values(["star_row", "separation"], kind="stable", ignore_index=True)
    by_star = pairs.groupby("star_row")
    pairs["rank"] = by_star.cumcount() + 1
    pairs["n_candidates"] = by_star["rank"].transform("size")
    return pairs


def validate_matches(
    stars: pd.DataFrame,
    gaia: pd.DataFrame,
    options: CrossmatchOptions | None = None,
    *,
    confirmed: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Match survey stars with Gaia sources and judge every candidate.

    Parameters
    ----------
    stars : DataFrame
        Survey stars (`pelsvae_cadence.training.crossmatch.tables.survey_table`).
    gaia : DataFrame
        Gaia sources (`pelsvae_cadence.training.crossmatch.tables.gaia_table`).
    options : CrossmatchOptions, optional
        The numbers.
    confirmed : DataFrame, optional
        Further confirmed matches that place the classes in the colour-magnitude diagram:
        ``star_class``, ``bp_rp``, ``g_mag``, ``distance``.

    Returns
    -------
    DataFrame
        One row per candidate, and one per star without any (``source_id`` 0): ``star``,
        ``star_class``, ``source_id``, the columns of `_find_candidates`, ``accepted``, and
        ``reason``: one of `ACCEPTED`, or why not. At most one candidate of a star is accepted, and
        at most one star of a source.
    """
    settings = CrossmatchOptions() if options is None else options
    table = _find_candidates(stars, gaia, settings)
    table.insert(0, "star", stars["star"].to_numpy()[table["star_row"]])
    table.insert(1, "star_class", stars["star_class"].to_numpy()[table["star_row"]])
    for name in ("source_id", "g_mag", "bp_rp", "teff", "distance", "gaia_class", "variable"):
        table[name] = gaia[name].to_numpy()[table["gaia_row"]]
    table["abs_mag"] = absolute_magnitude(table["g_mag"], table["distance"])
    table["reason"] = _misfit(table)
    fits = (table["reason"] == "").to_numpy()
    _accept_confirmed(table, fits)
    chosen = table[table["reason"].isin(ACCEPTED)]
    reference = pd.DataFrame(chosen[["star_class", "bp_rp", "abs_mag"]])
    if confirmed is not None:
        more = confirmed[["star_class", "bp_rp"]].assign(
            abs_mag=absolute_magnitude(confirmed["g_mag"], confirmed["distance"])
        )
        reference = pd.concat([reference, more], ignore_index=True)
    places = ColourMagnitudePlaces.learn(
        reference, enclosed=settings.enclosed, fewest=settings.fewest_confirmed
    )
    _accept_by_place(table, fits, places)
    _give_each_source_to_one_star(table)
    table["accepted"] = table["reason"].isin(ACCEPTED)
    lonely = ~np.isin(np.arange(len(stars)), table["star_row"])
    missing = pd.DataFrame(
        {
            "star": stars["star"].to_numpy()[lonely],
            "star_class": stars["star_class"].to_numpy()[lonely],
            "star_row": np.flatnonzero(lonely),
            "gaia_row": -1,
            "source_id": 0,
            "rank": 0,
            "n_candidates": 0,
            "accepted": False,
            "reason": f"no Gaia source within {settings.radius:g} arcsec",
        }
    )
    if len(missing) == 0:
        return table
    joined = pd.concat([table, missing], ignore_index=True) if len(table) else missing
    return joined.sort_values(["star_row", "rank"], kind="stable", ignore_index=True)


def _misfit(table: pd.DataFrame) -> npt.NDArray[np.str_]:
    """Say what is wrong with each candidate on its own: class, colour or temperature."""
    reason = np.full(len(table), "", dtype="U60")
    for star_class in table["star_class"].unique():
        own = (table["star_class"] == star_class).to_numpy()
        for column, ranges, name in (("teff", TEMPERATURES, "temperature"), ("bp_rp", COLOURS, "colour")):
            low, high = ranges.get(star_class, (-np.inf, np.inf))
            value = table[column].to_numpy()
            reason[own & ((value < low) | (value > high))] = f"{name} outside the class's range"
        gaia_class = table["gaia_class"].to_numpy().astype(str)
        compatible = np.isin(gaia_class, sorted(_COMPATIBLE.get(star_class, frozenset())))
        reason[own & (gaia_class != "") & ~compatible] = "Gaia's class disagrees"
    return reason


def _accept_confirmed(table: pd.DataFrame, fits: BoolArray) -> None:
    """Accept what needs no diagram: variability, a lone source, one proper-motion radius."""
    variable = table["variable"].to_numpy()
    with_class = variable & (table["gaia_class"] != "").to_numpy()
    in_radius = table["in_pm_radius"].to_numpy()
    n_in_radius = pd.Series(in_radius).groupby(table["star_row"]).transform("sum").to_numpy()
    lone = (table["n_candidates"] == 1).to_numpy()
    rules = (
        ("variability class", with_class),
        ("variable without class", variable & ~with_class),
        ("definite", lone & in_radius),
        ("one in proper-motion radius", ~lone & in_radius & (n_in_radius == 1)),
    )
    decided = np.zeros(int(table["star_row"].max()) + 1 if len(table) else 0, dtype=bool)
    stars = table["star_row"].to_numpy()
    for name, rule in rules:
        # The nearest that obeys the rule, of the stars not yet decided.
        rows = np.flatnonzero(rule & fits & ~decided[stars])
        first = rows[np.unique(stars[rows], return_index=True)[1]]
        table.loc[first, "reason"] = name
        decided[stars[first]] = True
    table.loc[fits & decided[stars] & (table["reason"] == ""), "reason"] = "another source fits"


def _accept_by_place(table: pd.DataFrame, fits: BoolArray, places: ColourMagnitudePlaces) -> None:
    """Judge the two nearest candidates of undecided stars by the colour-magnitude diagram."""
    taken: set[int] = set(table.loc[table["reason"].isin(ACCEPTED), "star_row"])
    for rank, name in ((1, "colour-magnitude diagram"), (2, "second neighbour")):
        rows = np.flatnonzero((table["reason"] == "").to_numpy() & fits & (table["rank"] == rank).to_numpy())
        verdict = places.judge(table.loc[rows, ["star_class", "bp_rp", "abs_mag"]])
        for row, reason in zip(rows, verdict, strict=True):
            star = int(table.at[row, "star_row"])
            if reason == "" and star in taken:
                table.at[row, "reason"] = "another source fits"
                continue
            table.at[row, "reason"] = reason or name
            if reason == "":
                taken.add(star)
    table.loc[table["reason"] == "", "reason"] = "farther than the second neighbour"


def _give_each_source_to_one_star(table: pd.DataFrame) -> None:
    chosen = table[table["reason"].isin(ACCEPTED)].sort_values("separation", kind="stable")
    later = chosen.index[chosen["source_id"].duplicated()]
    table.loc[later, "reason"] = "source belongs to a nearer star"


def summarise(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Count the stars by verdict and class, like Table 4 of the paper.

    Parameters
    ----------
    verdicts : DataFrame
        From `validate_matches`.

    Returns
    -------
    DataFrame
        Index (``verdict``, ``reason``), ``accepted`` before ``rejected``; one column per class and
        ``total``. A rejected star counts once, with the reason of its nearest candidate, so that
        the table adds up to the number of stars.
    """
    best = verdicts.sort_values(["accepted", "rank"], ascending=[False, True], kind="stable")
    stars = best.drop_duplicates("star_row")
    verdict = np.where(stars["accepted"], "accepted", "rejected")
    counts = (
        stars.assign(verdict=verdict)
        .groupby(["verdict", "reason", "star_class"])
        .size()
        .unstack(fill_value=0)
    )
    counts.columns.name = None
    counts["total"] = counts.sum(axis=1)
    order = {name: k for k, name in enumerate(ACCEPTED)}
    keys = [(v, order.get(r, len(order)), r) for v, r in counts.index]
    return counts.iloc[sorted(range(len(keys)), key=keys.__getitem__)]


def format_summary(verdicts: pd.DataFrame) -> str:
    """Lay out the counts as plain text."""
    counts = summarise(verdicts)
    accepted = int(verdicts["accepted"].sum())
    n_stars = int(counts["total"].sum())
    totals = (
        f"{accepted} of {n_stars} stars accepted, {n_stars - accepted} rejected; "
        f"{int((verdicts['source_id'] != 0).sum())} candidates judged."
    )
    return f"Validation of the cross-match with Gaia\n{counts.to_string()}\n\n{totals}"
