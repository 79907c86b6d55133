"""Can a survey tell these stars apart? Features, classifier, protocol, and the check on real stars.

Features come from forced multi-band fluxes and from the period search; nothing in them knows the
distance unless asked. A classifier is judged on sky positions that it has not seen.
"""

from pelsvae_cadence.classify.classifier import TRUSTED_TYPES, ClassifierWarning, VariableClassifier
from pelsvae_cadence.classify.features.extraction import FeatureWarning, extract
from pelsvae_cadence.classify.features.table import (
    DEFAULT_GROUPS,
    FEATURE_GROUPS,
    Feature,
    FeatureTable,
    feature_definitions,
)
from pelsvae_cadence.classify.labelled import (
    CONSTANT,
    CONTAMINANT,
    LABELS,
    ClassMix,
    LabelledStars,
    class_mix_for,
    observe_mix,
)
from pelsvae_cadence.classify.protocol import CrossValidation, SkySplit, cross_validate
from pelsvae_cadence.classify.scores import Estimate, Predictions, Scores, paired_difference, score

__all__ = [
    "CONSTANT",
    "CONTAMINANT",
    "DEFAULT_GROUPS",
    "FEATURE_GROUPS",
    "LABELS",
    "TRUSTED_TYPES",
    "ClassMix",
    "ClassifierWarning",
    "CrossValidation",
    "Estimate",
    "Feature",
    "FeatureTable",
    "FeatureWarning",
    "LabelledStars",
    "Predictions",
    "Scores",
    "SkySplit",
    "VariableClassifier",
    "class_mix_for",
    "cross_validate",
    "extract",
    "feature_definitions",
    "observe_mix",
    "paired_difference",
    "score",
]
