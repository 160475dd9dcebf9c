"""Teaching a model to use context, or to ignore it."""
