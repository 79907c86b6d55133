"""Cost of features and classification, and of the same statistics computed by feets."""

from __future__ import annotations

import time
import warnings

import numpy as np
import pytest

from pelsvae_cadence.classify import VariableClassifier, extract
from pelsvae_cadence.classify.checks import many_light_curves

pytestmark = pytest.mark.slow

N_STARS, N_VISITS = 98, 824
# What feets 1.0.1 and our variability features have in common, per band.
THEIRS = ["Skew", "Beyond1Std", "StetsonK", "FluxPercentileRatioMid50"]


def _processor_time(function) -> float:
    times = []
    for _ in range(2):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def test_features_beside_feets(benchmark):
    """All of our features and the classification, against four statistics a band of feets."""
    feets = pytest.importorskip("feets")
    light_curves, periods = many_light_curves(0, N_STARS, N_VISITS)
    features = extract(light_curves, periods)
    label = np.array(["CEP", "ECL"])[np.arange(len(features)) % 2]
    # The narrow search that stands in for a whole one knows one harmonic only.
    telling = features.columns([name for name in features.names if name != "n_harmonics"])
    classifier = VariableClassifier(calibrate=False).fit(telling, label)

    def ours() -> None:
        classifier.predict_proba(extract(light_curves, periods))

    few = 10
    space = feets.FeatureSpace(only=THEIRS)

    def theirs() -> None:
        for i in range(few):
            one = light_curves.star(i)
            for band in "ugrizy":
                here = one.band == band
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    space.extract(
                        time=one.mjd[here], magnitude=one.flux[here], error=one.flux_err[here]
                    )

    mine = _processor_time(ours) / N_STARS
    ratio = _processor_time(theirs) / few / mine
    benchmark.extra_info["feets / this"] = round(ratio, 1)
    benchmark.extra_info["ms a star"] = round(1e3 * mine, 2)
    benchmark.pedantic(ours, rounds=2)
    assert ratio > 1.0
