"""Pictures: light curves, sky maps, recovered fractions, cadence.

Every function draws on the axes it is given, or on those of a new figure without any global
state, and returns the axes; save them with ``axes.figure.savefig``. Matplotlib is loaded when the
first picture is drawn.
"""

from pelsvae_cadence.plotting.classification import plot_confusion, plot_score_by_magnitude
from pelsvae_cadence.plotting.fitted_star import plot_fitted_star
from pelsvae_cadence.plotting.light_curve import plot_folded, plot_light_curve
from pelsvae_cadence.plotting.recall_maps import plot_recall_maps
from pelsvae_cadence.plotting.recovery import plot_recovery_by_magnitude
from pelsvae_cadence.plotting.sky_map import plot_sky_map
from pelsvae_cadence.plotting.styles import BAND_MARKERS, CLASS_STYLES, ClassStyle
from pelsvae_cadence.plotting.visit_value import plot_visit_value
from pelsvae_cadence.plotting.visits import plot_cadence, plot_cumulative_visits

__all__ = [
    "BAND_MARKERS",
    "CLASS_STYLES",
    "ClassStyle",
    "plot_cadence",
    "plot_confusion",
    "plot_cumulative_visits",
    "plot_fitted_star",
    "plot_folded",
    "plot_light_curve",
    "plot_recall_maps",
    "plot_recovery_by_magnitude",
    "plot_score_by_magnitude",
    "plot_sky_map",
    "plot_visit_value",
]
