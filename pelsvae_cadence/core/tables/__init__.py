"""Tables of light curves as users bring them: files, columns, points."""
