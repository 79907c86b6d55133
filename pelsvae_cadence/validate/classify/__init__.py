"""Figures of merit of the classifier, on simulated and real stars."""
