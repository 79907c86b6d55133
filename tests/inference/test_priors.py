"""Prior probabilities: what is left for the classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.inference.priors import Priors


@settings(derandomize=True, deadline=None)
@given(
    weights=st.dictionaries(st.sampled_from(STAR_CLASSES), st.floats(0.01, 100.0), min_size=1),
    unseen=st.floats(0.0, 0.49),
    no_period=st.floats(0.0, 0.49),
)
def test_everything_adds_up_to_one(weights, unseen, no_period):
    priors = Priors(classes=weights, unseen=unseen, no_period=no_period)
    own = priors.class_weights()
    assert set(own) == set(weights)
    assert sum(own.values()) + unseen + no_period == pytest.approx(1.0)
    first = next(iter(weights))
    for name in weights:
        assert own[name] * weights[first] == pytest.approx(own[first] * weights[name], abs=1e-9)


def test_all_classes_are_alike_by_default_and_those_of_no_weight_are_out():
    assert len(set(Priors().class_weights().values())) == 1
    assert set(Priors().class_weights()) == set(STAR_CLASSES)
    assert set(Priors(classes={"RRLYR": 2.0, "ECL": 0.0}).class_weights()) == {"RRLYR"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"classes": {"RRLYRE": 1.0}},
        {"classes": {"RRLYR": -1.0}},
        {"classes": {"RRLYR": np.nan}},
        {"classes": {"RRLYR": 0.0}},
        {"classes": {}},
        {"unseen": -0.1},
        {"no_period": 1.0},
        {"unseen": np.inf},
        {"unseen": 0.6, "no_period": 0.5},
    ],
)
def test_impossible_priors_are_refused(wrong):
    with pytest.raises(InputError, match="priors"):
        Priors(**wrong)


def test_a_misspelt_class_is_told_its_name():
    with pytest.raises(InputError, match="RRLYR"):
        Priors(classes={"RRLYRE": 1.0})
