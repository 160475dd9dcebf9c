"""Checking rows before they are learned: one finding a line, with row numbers and a remedy."""
