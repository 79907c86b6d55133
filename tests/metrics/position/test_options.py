"""Options of the metrics: one definition, whoever passes them on."""

from __future__ import annotations

from dataclasses import fields
from typing import get_type_hints

import pytest

from pelsvae_cadence.metrics.position.options import (
    PeriodRecoveryKeywords,
    RecoveryOptions,
    SliceKeywords,
    SliceOptions,
    TableKeywords,
)

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready")]


def _options(kind):
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def test_keywords_are_the_fields_of_the_options():
    from pelsvae_cadence.metrics.classifiability import AllClassifiabilityKeywords, ClassifiabilityOptions

    assert get_type_hints(PeriodRecoveryKeywords) == _options(RecoveryOptions)
    assert get_type_hints(SliceKeywords) | get_type_hints(TableKeywords) == _options(SliceOptions)
    assert get_type_hints(AllClassifiabilityKeywords) == _options(ClassifiabilityOptions)


def test_keywords_of_training_are_those_of_the_library():
    import inspect

    from pelsvae_cadence.classify.survey_classifier import train_on_survey
    from pelsvae_cadence.metrics.classifiability import TrainingKeywords

    assert set(get_type_hints(TrainingKeywords)) == set(inspect.signature(train_on_survey).parameters) - {
        "cadence"
    }


def test_options_go_from_metric_to_metric():
    from pelsvae_cadence.metrics import PeriodRecoveryMetric, TimeToRecoveryMetric

    one = PeriodRecoveryMetric(star_class="CEP", period_range=(1.0, 100.0), reference_band="i", seed=4)
    other = TimeToRecoveryMetric(years=(1, 2), **one.options.keywords)
    assert other.recovery.options == one.options


def test_what_is_no_option_is_named():
    from pelsvae_cadence.metrics import PeriodRecoveryMetric

    with pytest.raises(TypeError, match="'periodrange'"):
        PeriodRecoveryMetric(periodrange=(1.0, 2.0))
