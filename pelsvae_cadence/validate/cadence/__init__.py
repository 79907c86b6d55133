"""Figures of merit of the synthetic surveys."""
