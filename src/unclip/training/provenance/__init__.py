"""Training of what guesses where a picture comes from."""
