"""Every star and every Gaia candidate gets a verdict with a reason."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.training.crossmatch.colour_magnitude import ColourMagnitudePlaces, absolute_magnitude
from pelsvae_cadence.training.crossmatch.figures import CONFIRMED, PLACED, plot_confirmed_against_placed
from pelsvae_cadence.training.crossmatch.match import (
    ACCEPTED,
    COLOURS,
    TEMPERATURES,
    CrossmatchOptions,
    _find_candidates,
    format_summary,
    summarise,
    validate_matches,
)
from pelsvae_cadence.training.crossmatch.run import crossmatch
from pelsvae_cadence.training.crossmatch.tables import (
    PUBLISHED_TABLES,
    _gaia_query,
    gaia_table,
    query_gaia,
    read_published_crossmatch,
    survey_table,
)

Tables = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


@pytest.fixture(scope="module")
def published(shared_data: Path) -> Tables:
    return read_published_crossmatch(shared_data / "crossmatch")


@pytest.fixture(scope="module")
def verdicts(published) -> pd.DataFrame:
    stars, gaia, _ = published
    return validate_matches(stars, gaia)


# The published tables ---------------------------------------------------------------------------


def test_published_tables_are_all_there(published):
    stars, gaia, accepted = published
    assert len(stars) == 13_568
    assert len(gaia) == 13_571
    assert accepted["table"].value_counts().to_dict() == {
        "cmd_confirmed": 7620,
        "var_conf_matches": 3833,
        "one_pmrad_match": 1119,
        "cmd_secondaries_confirmed": 539,
        "gaiaVar_noClass_confirmed": 463,
    }
    assert set(PUBLISHED_TABLES.values()) <= set(ACCEPTED)


def test_the_verdicts_agree_with_the_published_ones(published, verdicts):
    """Share of each published table for which we accept the same source."""
    _, _, accepted = published
    ours = verdicts[verdicts["accepted"]].set_index("star")["source_id"]
    first = accepted.drop_duplicates("star")
    same = ours.reindex(first["star"]).to_numpy() == first["source_id"].to_numpy()
    share = pd.Series(same).groupby(first["table"].to_numpy()).mean()
    assert share["cmd_confirmed"] > 0.99
    assert share["var_conf_matches"] > 0.99
    assert share["gaiaVar_noClass_confirmed"] > 0.98
    assert share["one_pmrad_match"] > 0.9
    # More than half of an arcsecond off at the survey's epoch, and other stars' tables absent.
    assert share["cmd_secondaries_confirmed"] > 0.7
    by_hand = [
        4062591973279332224,
        4043137424868086656,
        4655269632920639744,
        4056606472325371776,
        4061277236440709248,
    ]
    dropped = verdicts[verdicts["source_id"].isin(by_hand)]
    assert len(dropped) == 5
    assert (dropped["reason"] == "Gaia's class disagrees").all()


def test_every_star_has_one_verdict_and_every_source_one_star(published, verdicts):
    stars, _, _ = published
    assert set(verdicts["star"]) == set(stars["star"])
    assert (verdicts["reason"] != "").all()
    chosen = verdicts[verdicts["accepted"]]
    assert chosen["star"].is_unique
    assert chosen["source_id"].is_unique
    assert set(chosen["reason"]) <= set(ACCEPTED)
    counts = summarise(verdicts)
    assert counts["total"].sum() == len(stars)
    assert (counts.drop(columns="total").sum(axis=1) == counts["total"]).all()
    assert counts.loc["accepted", "total"].sum() == len(chosen)
    text = format_summary(verdicts)
    for _, reason in counts.index:
        assert reason in text


def test_ranges_enclose_the_published_matches(published):
    stars, gaia, accepted = published
    joined = accepted.merge(gaia, on="source_id").merge(stars[["star", "star_class"]], on="star")
    for column, ranges in (("bp_rp", COLOURS), ("teff", TEMPERATURES)):
        for star_class, own in joined.dropna(subset=column).groupby("star_class"):
            low, high = ranges[star_class]
            assert own[column].between(low, high).mean() >= 0.99


def test_stars_moved_off_their_place_find_no_partner(published):
    stars, gaia, _ = published
    moved = stars.assign(dec=stars["dec"] + 30.0 / 3600.0)
    counts = summarise(validate_matches(moved, gaia))
    lost = counts.loc[("rejected", "no Gaia source within 2 arcsec"), "total"]
    # The sources of the tables are sparse: chance partners within 2 arcsec are rare.
    assert lost > 0.998 * len(stars)


def test_the_diagram_knows_held_out_stars_and_some_impostors(published):
    """The power of the colour-magnitude placement alone, as docs/paper-data-path.md gives it."""
    stars, gaia, accepted = published
    joined = accepted.drop_duplicates("star").merge(gaia, on="source_id")
    joined = joined.merge(stars[["star", "star_class"]], on="star")
    joined["abs_mag"] = absolute_magnitude(joined["g_mag"], joined["distance"])
    columns = ["star_class", "bp_rp", "abs_mag"]
    joined = joined.dropna(subset=columns)
    half = np.random.default_rng(0).random(len(joined)) < 0.5
    places = ColourMagnitudePlaces.learn(joined.loc[half, columns], enclosed=0.99, fewest=20)
    held_out = joined.loc[~half, columns].reset_index(drop=True)
    inside = pd.Series(places.judge(held_out) == "").groupby(held_out["star_class"]).mean()
    for star_class in ("CEP", "ECL", "ELL", "LPV", "RRLYR"):
        assert inside[star_class] > 0.97
    assert inside["T2CEP"] > 0.8  # 90 stars from 89
    other = np.random.default_rng(1).permutation(len(held_out))
    impostors = held_out.assign(
        bp_rp=held_out["bp_rp"].to_numpy()[other], abs_mag=held_out["abs_mag"].to_numpy()[other]
    )
    strange = held_out["star_class"].to_numpy() != held_out["star_class"].to_numpy()[other]
    taken = pd.Series(places.judge(impostors) == "")[strange].groupby(held_out["star_class"][strange])
    # The diagram alone rules out impostors among Cepheids and Miras, hardly among binaries.
    assert taken.mean()["CEP"] < 0.28
    assert taken.mean()["LPV"] < 0.08
    assert taken.mean()["ECL"] > 0.5


def test_figure_9_shows_all_classes(published, verdicts, tmp_path):
    figure = plot_confirmed_against_placed(verdicts[verdicts["accepted"]])
    chosen = verdicts[verdicts["accepted"]].dropna(subset=["bp_rp", "abs_mag"])
    titles = [ax.get_title() for ax in figure.axes if ax.get_title()]
    assert len(titles) == 8
    for title in titles:
        star_class, numbers = title.split("\n")
        reasons = chosen.loc[chosen["star_class"] == star_class, "reason"]
        placed = int(reasons.isin(PLACED).sum())
        assert numbers == f"{reasons.size - placed}, {placed}"
    figure.savefig(tmp_path / "figure.png")
    with pytest.raises(InputError, match="no matches"):
        plot_confirmed_against_placed(verdicts.head(0))
    assert set(CONFIRMED) | set(PLACED) == set(ACCEPTED)


# Scenes -----------------------------------------------------------------------------------------

RA, DEC = 80.0, -70.0


def _stars(*offsets: float, star_class: str = "CEP") -> pd.DataFrame:
    """Make stars at the given distances north of a point, in arcsec."""
    return survey_table(
        pd.DataFrame(
            {
                "star": [f"star {k}" for k in range(len(offsets))],
                "Type": star_class,
                "RA": RA,
                "Dec": [DEC + offset / 3600 for offset in offsets],
            }
        )
    )


def _sources(*rows: dict[str, object]) -> pd.DataFrame:
    """Make Gaia sources: ``north`` in arcsec, and anything that is not as for a good Cepheid."""
    base = {
        "north": 0.0,
        "pmra": 0.0,
        "pmdec": 0.0,
        "phot_g_mean_mag": 15.5,
        "bp_rp": 0.8,
        "teff_val": 5700.0,
        "r_est": 6000.0,
        "best_class_name": None,
    }
    frame = pd.DataFrame([base | {"source_id": 100 + k} | row for k, row in enumerate(rows)])
    frame["ra"], frame["dec"] = RA, DEC + frame.pop("north") / 3600
    return gaia_table(frame)


def _reasons(stars: pd.DataFrame, gaia: pd.DataFrame, **more: object) -> dict[int, str]:
    table = validate_matches(stars, gaia, **more)  # type: ignore[arg-type]
    return dict(zip(table["source_id"], table["reason"], strict=True))


@pytest.fixture(scope="module")
def cepheids() -> pd.DataFrame:
    """Confirmed Cepheids at 6 kpc, around colour 0.8 and G = 15.5."""
    rng = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "star_class": "CEP",
            "bp_rp": 0.8 + 0.1 * rng.normal(size=100),
            "g_mag": 15.5 + 0.5 * rng.normal(size=100),
            "distance": 6000.0,
        }
    )


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ({}, "definite"),
        ({"best_class_name": "CEP"}, "variability class"),
        ({"best_class_name": "RRAB"}, "variability class"),
        ({"phot_variable_flag": "VARIABLE"}, "variable without class"),
        ({"best_class_name": "MIRA_SR"}, "Gaia's class disagrees"),
        ({"bp_rp": 4.0}, "colour outside the class's range"),
        ({"teff_val": 3300.0}, "temperature outside the class's range"),
        ({"bp_rp": np.nan, "teff_val": np.nan}, "definite"),
        ({"north": 1.0}, "colour-magnitude diagram"),
        ({"north": 1.0, "bp_rp": 1.7}, "off the class's place in the diagram"),
        ({"north": 1.0, "r_est": np.nan}, "colour or distance missing"),
        ({"north": 2.1}, "no Gaia source within 2 arcsec"),
    ],
)
def test_one_source(source, reason, cepheids):
    reasons = _reasons(_stars(0.0), _sources(source), confirmed=cepheids)
    assert list(reasons.values()) == [reason]


def test_without_confirmed_stars_a_class_has_no_place():
    assert _reasons(_stars(0.0), _sources({"north": 1.0})) == {100: "too few confirmed stars of the class"}


def test_proper_motion_is_traced_back_over_15_5_years():
    fast = {"north": 3.1, "pmdec": 200.0}  # 3.1 arcsec in 15.5 yr
    pairs = _find_candidates(_stars(0.0), _sources(fast))
    assert pairs["separation"][0] == pytest.approx(0.0, abs=1e-6)
    assert pairs["gaia_separation"][0] == pytest.approx(3.1, abs=1e-6)
    assert pairs["pm_radius"][0] == pytest.approx(3.1, abs=1e-9)
    assert pairs["in_pm_radius"][0]
    assert len(_find_candidates(_stars(0.0), _sources(fast), CrossmatchOptions(years=0.0))) == 0
    # The motion in right ascension is the one on the sky, not the one of the coordinate.
    east = _find_candidates(_stars(0.0), _sources({"pmra": 100.0}))
    assert east["separation"][0] == pytest.approx(1.55, abs=1e-5)


def test_one_of_several_in_its_proper_motion_radius():
    gaia = _sources({"north": 1.5}, {"north": 0.1}, {"north": -1.2})
    assert _reasons(_stars(0.0), gaia) == {
        101: "one in proper-motion radius",
        102: "another source fits",
        100: "another source fits",
    }


def test_the_second_neighbour_gets_its_chance(cepheids):
    gaia = _sources({"north": 0.5, "bp_rp": 1.7}, {"north": -0.9}, {"north": 1.4})
    assert _reasons(_stars(0.0), gaia, confirmed=cepheids) == {
        100: "off the class's place in the diagram",
        101: "second neighbour",
        102: "farther than the second neighbour",
    }
    good = _sources({"north": 0.5}, {"north": -0.9})
    assert _reasons(_stars(0.0), good, confirmed=cepheids) == {
        100: "colour-magnitude diagram",
        101: "another source fits",
    }


def test_a_source_belongs_to_its_nearest_star():
    table = validate_matches(_stars(0.2, 0.05), _sources({}))
    assert dict(zip(table["star"], table["reason"], strict=True)) == {
        "star 0": "source belongs to a nearer star",
        "star 1": "definite",
    }


def test_no_source_at_all():
    empty = _sources({}).head(0)
    assert _reasons(_stars(0.0), empty) == {0: "no Gaia source within 2 arcsec"}


def test_from_files_to_files(published, shared_data, tmp_path):
    verdicts = crossmatch(shared_data / "crossmatch", tmp_path / "published")
    text = (tmp_path / "published" / "summary.txt").read_text()
    assert f"{verdicts['accepted'].sum()} of 13568 stars accepted" in text
    stored = pd.read_parquet(tmp_path / "published" / "verdicts.parquet")
    assert stored["source_id"].tolist() == verdicts["source_id"].tolist()
    assert (tmp_path / "published" / "confirmed_against_placed.png").stat().st_size > 10_000
    stars, gaia, _ = published
    stars.head(50).to_csv(tmp_path / "stars.csv", index=False)
    gaia.to_parquet(tmp_path / "gaia.parquet")
    few = crossmatch(tmp_path / "stars.csv", tmp_path / "few", gaia=tmp_path / "gaia.parquet")
    assert few["star"].nunique() == 50
    assert few["accepted"].sum() > 40
    with pytest.raises(InputError, match="hold both stars and Gaia sources"):
        crossmatch(shared_data / "crossmatch", tmp_path, gaia=tmp_path / "gaia.parquet")


# Tables and errors ------------------------------------------------------------------------------


def test_tables_name_what_is_wrong(tmp_path):
    with pytest.raises(InputError, match="no column for ra"):
        survey_table(pd.DataFrame({"star": ["a"], "Dec": [1.0]}))
    with pytest.raises(InputError, match="1 stars occur twice, the first is a"):
        survey_table(pd.DataFrame({"star": ["a", "a"], "RA": 1.0, "Dec": 1.0}))
    with pytest.raises(InputError, match="b has no position"):
        survey_table(pd.DataFrame({"star": ["a", "b"], "RA": [1.0, np.nan], "Dec": 1.0}))
    with pytest.raises(InputError, match="no column for source_id"):
        gaia_table(pd.DataFrame({"ra": [1.0], "dec": [1.0], "phot_g_mean_mag": [15.0]}))
    with pytest.raises(InputError, match="1 Gaia sources occur twice, the first is 100"):
        _sources({}, {"source_id": 100})
    with pytest.raises(InputError, match="does not exist"):
        read_published_crossmatch(tmp_path)
    with pytest.raises(InputError, match=r"radius = 0\.0 is out of range"):
        CrossmatchOptions(radius=0.0)


def test_source_ids_survive_as_integers(published):
    _, gaia, _ = published
    assert gaia["source_id"].dtype == np.int64
    assert gaia["source_id"].max() > 2**53  # would be rounded as a float


def test_the_archive_is_asked_through_astroquery(monkeypatch):
    query = _gaia_query(2.5)
    assert "2.500000 / 3600.0" in query
    assert "tap_upload.stars" in query
    if importlib.util.find_spec("astroquery") is None:
        with pytest.raises(InputError, match="python -m pip install astroquery"):
            query_gaia(_stars(0.0))
