"""Finding the passages of a corpus that a question needs."""
