"""Physical labels of the training stars: period, Teff, absolute magnitude."""
