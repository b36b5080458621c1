"""What we know and what to do about it: pure, without clock, randomness, files or network."""
