"""Figures of merit of physics in the posterior: coverage on simulated stars, distances of real ones."""
