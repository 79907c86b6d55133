"""The value of a visit: what one more point is expected to tell of a star."""
