"""One sky position inside a metric: its visits, stars, dust and light curves."""
