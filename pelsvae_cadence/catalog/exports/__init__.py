"""Catalogues for other tools: HATS, astropy tables, LightCurveLynx."""
