"""Figures of merit of catalogues: workers, memory, time and bytes."""
