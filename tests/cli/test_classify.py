"""``pelsvae_cadence classify``: train, judge elsewhere, apply to a catalogue."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from pelsvae_cadence import LightCurveModel, SyntheticSurvey, simulate
from pelsvae_cadence.catalog import CatalogWriter, Provenance
from pelsvae_cadence.cli.app import app
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.photometry.magnitudes import at_magnitude

pytestmark = [
    pytest.mark.slow,
    # A handful of stars cannot be calibrated, and the command says so.
    pytest.mark.filterwarnings(
        "ignore::pelsvae_cadence.classify.ClassifierWarning",
        "ignore::pelsvae_cadence.classify.FeatureWarning",
    ),
]
SITES = "35,-20 150,-30 330,-40"


def command(capsys, *arguments):
    app(["classify", *map(str, arguments)], standalone_mode=False)
    return capsys.readouterr().out


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    app(
        [
            "classify",
            "train",
            "--synthetic",
            "lsst",
            "--positions",
            SITES,
            "--classes",
            "LPV,RRLYR",
            "--stars-per-class",
            "4",
            "--magnitudes",
            "17,20",
            "--years",
            "0.5,1",
            "--out-dir",
            str(folder),
        ],
        standalone_mode=False,
    )
    return folder


def test_training_leaves_classifiers_and_pictures(trained):
    for name in ("confusion.png", "score_by_magnitude.png", "recall_sky.png"):
        assert (trained / name).read_bytes().startswith(b"\x89PNG")
    for years in ("years-0.5", "years-1"):
        assert (trained / years / "classifier.json").is_file()
        assert len(list((trained / years).glob("part-*.skops"))) == 3
    assert len(list((trained / "observed").glob("*.npz"))) == 3


def test_a_frozen_classifier_is_judged_elsewhere(trained, tmp_path, capsys):
    out = command(
        capsys,
        "evaluate",
        trained / "years-1",
        "--synthetic",
        "lsst-v5",
        "--positions",
        "200,-25",
        "--stars-per-class",
        "3",
        "--out-dir",
        tmp_path,
        "--json",
    )
    (scores,) = json.loads(out)["scores"].values()
    assert scores["n_stars"] == 6
    assert 0.0 <= scores["macro_f1"]["value"] <= 1.0


@pytest.mark.maf
def test_a_map_has_a_panel_for_each_class(trained, tmp_path, capsys, maf_ready):
    out = command(
        capsys,
        "map",
        trained / "years-0.5",
        "--synthetic",
        "lsst",
        "--positions",
        SITES,
        "--stars-per-class",
        "2",
        "--out-dir",
        tmp_path,
        "--json",
    )
    told = json.loads(out)
    assert told["positions"] == 3
    assert {"recall_LPV", "recall_RRLYR", "macro_f1"} <= set(told["mean"])
    frame = pd.read_csv(told["files"]["positions"])
    assert frame["recall_LPV"].mean() == pytest.approx(told["mean"]["recall_LPV"])
    assert (tmp_path / "recall_maps.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match="exclude each other"):
        command(capsys, "map", trained / "years-0.5", "--nside", "1", "--positions", SITES)


def test_a_catalogue_is_classified(trained, tmp_path, capsys):
    model = LightCurveModel.load()
    visits = SyntheticSurvey(preset="lsst-v3", seed=0).at(35.0, -20.0)
    visits = visits.take(visits.mjd < visits.mjd[0] + 365.25)
    stars = at_magnitude(model.sample("Mira", n=4, seed=8, ra=35.0, dec=-20.0), "r", 18.0)
    light_curves = simulate(stars, visits, model=model, seed=8)
    provenance = Provenance(seed=8, model_name="test", model_hash="a1", survey_name="lsst")
    with CatalogWriter(tmp_path / "miras.h5", provenance=provenance) as writer:
        writer.append(stars, visits, light_curves)
    output = tmp_path / "classified.csv"
    out = command(
        capsys,
        "apply",
        trained / "years-1",
        tmp_path / "miras.h5",
        "--output",
        output,
        "--priors",
        "LPV=3,RRLYR=1",
        "--json",
    )
    assert json.loads(out)["stars"] == 4
    frame = pd.read_csv(output)
    np.testing.assert_allclose(frame["p_LPV"] + frame["p_RRLYR"], 1.0)
    assert (frame["true_class"] == "LPV").all()
    assert (frame["classified_as"] == "LPV").sum() >= 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "--years", "0,1"), "--years"),
        (("train", "--magnitudes", "17"), "--magnitudes"),
        (("train", "--classes", "quasar"), "unknown class 'quasar'"),
        (("train", "--positions", "10,-30"), "further apart"),
        (("evaluate", "nowhere"), "holds no classifier"),
    ],
)
def test_what_a_user_can_mend(arguments, message, tmp_path):
    with pytest.raises(InputError, match=message):
        app(["classify", *arguments, "--out-dir", str(tmp_path)], standalone_mode=False)
