"""Figures of merit of catalogues: damage, kills, workers, cost."""
