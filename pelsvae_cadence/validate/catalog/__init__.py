"""Figures of merit of catalogues: speed, workers, cost."""
