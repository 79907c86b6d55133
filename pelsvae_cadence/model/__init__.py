"""The source model: weights, decoder and encoder, and the stars that it draws."""
