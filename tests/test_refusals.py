"""What is misspelt or does not fit is refused before anything is computed or made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pelsvae_cadence.bands import filter_wavelength
from pelsvae_cadence.cadence.changes.strategies import strategy
from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
from pelsvae_cadence.catalog.generation import generate_catalog
from pelsvae_cadence.catalog.sites import DrawnStars
from pelsvae_cadence.classes import parse_star_class
from pelsvae_cadence.classify.labelled import class_mix_for
from pelsvae_cadence.classify.survey_classifier import SurveyClassifier
from pelsvae_cadence.core.errors import InputError, did_you_mean

PLACE = {"ra": np.array([30.0]), "dec": np.array([-45.0])}
# Looked at before its classifiers are asked for anything.
OF_ZTF = SurveyClassifier(
    name="ztf", years=None, mix=class_mix_for("ztf"), split=None, classifiers=(), held_out=None
)


def test_what_may_have_been_meant() -> None:
    assert did_you_mean("BASLINE", ["baseline", "Rolling"]) == "Did you mean 'baseline'?"
    assert did_you_mean("roling", ["baseline", "Rolling"]) == "Did you mean 'Rolling'?"
    assert did_you_mean("qqq", ["baseline"]) == ""
    for call, message in (
        (lambda: strategy("basline"), "Did you mean 'baseline'"),
        (lambda: strategy("baseline", rolling_strenght=1), "Did you mean 'rolling_strength'"),
        (lambda: parse_star_class("RRLYRA"), "Did you mean 'RRLYR'"),
        (lambda: filter_wavelength("sdss_x"), "Did you mean 'sdss_"),
        (lambda: DrawnStars(**PLACE, star_classes=("RRab",), band="q"), "unknown band 'q'"),
        (lambda: DrawnStars(**PLACE, star_classes=("RRaab",)), "Did you mean 'RRab'"),
    ):
        with pytest.raises(InputError, match=message):
            call()


@pytest.mark.parametrize("radius", [0.0, -1.0, 91.0, np.nan])
def test_catalogues_of_impossible_fields(radius: float, tmp_path: Path) -> None:
    stars = DrawnStars(**PLACE, star_classes=("RRab",))
    with pytest.raises(InputError, match="radius"):
        generate_catalog(tmp_path / "c.h5", SyntheticSurvey(), stars, radius=radius)
    assert not list(tmp_path.iterdir())


def test_classifiers_of_other_bands() -> None:
    with pytest.raises(InputError, match="trained on ztf in the bands zg, zr, zi, and lsst has g, r"):
        OF_ZTF.check_bands(["r", "g"], "lsst")
    OF_ZTF.check_bands(["r", "zr"], "a joint survey")
    OF_ZTF.check_bands([], "nothing")


def test_runs_of_metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rubin_sim")
    from pelsvae_cadence.metrics.run import classifiability_map, run

    def no_work(*_: object, **__: object) -> None:
        raise AssertionError("a survey was opened")

    monkeypatch.setattr(run, "open_survey", no_work)
    monkeypatch.setattr(classifiability_map, "open_survey", no_work)
    out = tmp_path / "out"
    survey, place = SyntheticSurvey(), [(30.0, -45.0)]
    for keywords, message in (
        ({"nside": 3}, "power of two"),
        ({"nside": 4, "positions": place}, "Give one of them"),
        ({"positions": place, "star_classes": ("RRab", "RRaab")}, "Did you mean 'RRab'"),
        ({"positions": place, "seed": -1}, "seed"),
        ({"positions": place, "stars_per_position": 0}, "stars_per_position"),
    ):
        with pytest.raises(InputError, match=message):
            run.run_period_recovery(survey, out_dir=out, **keywords)
    for keywords, message in (
        ({"nside": 3}, "power of two"),
        ({"positions": place, "stars_per_class": 0}, "stars_per_class"),
        ({"positions": place}, "trained on ztf"),
    ):
        with pytest.raises(InputError, match=message):
            classifiability_map.map_classifiability(survey, OF_ZTF, out_dir=out, **keywords)
    assert not out.exists()
