"""Features of light curves, and their table."""
