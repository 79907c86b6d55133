"""Distances, temperatures and periods that a survey will let us know: how well, and when."""
