"""Where stars are: the Galaxy and the Magellanic Clouds, dust, crowding, and tables of stars."""
