"""The plug-in for rubin_sim's MAF: metrics, bundles, runs. The only room that imports rubin_sim.

Names are imported when first used, so that importing this package does not load rubin_sim.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pelsvae_cadence.core.doors import names_on_first_use

if TYPE_CHECKING:
    from pelsvae_cadence.metrics.batches import period_recovery_batch, periodic_variables_batch
    from pelsvae_cadence.metrics.classifiability import ClassifiabilityMetric, train_classifiers
    from pelsvae_cadence.metrics.parameters.batch import parameter_recovery_batch
    from pelsvae_cadence.metrics.parameters.recovery import ParameterRecoveryMetric
    from pelsvae_cadence.metrics.parameters.years import TimeToParameterMetric
    from pelsvae_cadence.metrics.period_recovery import PeriodRecoveryMetric
    from pelsvae_cadence.metrics.position.population_slicer import (
        generate_periodic_pop_slicer,
        slicer_of_stars,
    )
    from pelsvae_cadence.metrics.run.classifiability_map import map_classifiability
    from pelsvae_cadence.metrics.run.run import RunResult, run_period_recovery
    from pelsvae_cadence.metrics.time_to_classification import TimeToClassificationMetric
    from pelsvae_cadence.metrics.time_to_recovery import TimeToRecoveryMetric, first_visit

__all__ = [
    "ClassifiabilityMetric",
    "ParameterRecoveryMetric",
    "PeriodRecoveryMetric",
    "RunResult",
    "TimeToClassificationMetric",
    "TimeToParameterMetric",
    "TimeToRecoveryMetric",
    "first_visit",
    "generate_periodic_pop_slicer",
    "map_classifiability",
    "parameter_recovery_batch",
    "period_recovery_batch",
    "periodic_variables_batch",
    "run_period_recovery",
    "slicer_of_stars",
    "train_classifiers",
]

__getattr__ = names_on_first_use(
    __name__,
    {
        "ClassifiabilityMetric": "classifiability",
        "TimeToClassificationMetric": "time_to_classification",
        "train_classifiers": "classifiability",
        "ParameterRecoveryMetric": "parameters.recovery",
        "PeriodRecoveryMetric": "period_recovery",
        "RunResult": "run.run",
        "TimeToParameterMetric": "parameters.years",
        "TimeToRecoveryMetric": "time_to_recovery",
        "first_visit": "time_to_recovery",
        "generate_periodic_pop_slicer": "position.population_slicer",
        "map_classifiability": "run.classifiability_map",
        "parameter_recovery_batch": "parameters.batch",
        "period_recovery_batch": "batches",
        "periodic_variables_batch": "batches",
        "run_period_recovery": "run.run",
        "slicer_of_stars": "position.population_slicer",
    },
)
