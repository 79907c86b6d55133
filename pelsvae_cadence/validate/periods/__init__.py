"""Figures of merit of the period search, on simulated and real stars."""
