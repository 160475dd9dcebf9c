"""The four cells, measured and compared."""
