"""Temperatures, luminosities, dust and distances of stars that have been read."""
