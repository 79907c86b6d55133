"""Figures of merit of the metrics: comparisons and what they cost."""
