"""Options of the metrics: one definition, whoever passes them on."""

from __future__ import annotations

from dataclasses import fields
from typing import get_type_hints

import astropy.units as u
import pytest

from pelsvae_cadence.core.errors import InputError
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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"magnitude": [20, 21]}, r"magnitude = \[20, 21\] is not one number"),
        ({"magnitude": float("nan")}, "magnitude = nan is not a finite number"),
        ({"magnitude": "20"}, "magnitude = '20' is not one number"),
        ({"magnitude": 500.0}, "magnitude = 500; allowed: 0 to 40"),
        ({"star_class": ["RRab", "CEP"]}, r'one name\. A mix is one name, "RRab\+CEP"'),
        ({"stars_per_position": 2.9}, "stars_per_position = 2.9; allowed: whole numbers"),
        ({"seed": 1.5}, "seed = 1.5"),
        ({"ebv": -0.1}, "ebv = -0.1 mag; allowed: 0 or more"),
        ({"min_visits": 2.5}, "min_visits = 2.5"),
        ({"false_alarm_level": float("nan")}, "false_alarm_level = nan"),
        ({"period_range": "wide"}, 'two periods in days, or "class"'),
        ({"period_range": (1.0, float("nan"))}, "period_range = nan"),
        ({"baseline": 3 * u.m}, "baseline is in m"),
    ],
)
def test_what_is_no_option_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        RecoveryOptions(**options)


def test_options_take_units():
    options = RecoveryOptions(
        magnitude=21 * u.mag, baseline=3 * u.yr, period_range=[2.4, 48] * u.h, stack_minutes=60 * u.s
    )
    assert options.magnitude == 21.0
    assert options.baseline == pytest.approx(1095.75)
    assert options.blind_range == pytest.approx((0.1, 2.0))
    assert options.stack_minutes == pytest.approx(1.0)
