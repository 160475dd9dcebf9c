"""Does the evidence support a statement? Judges, their training, and how well they agree with people."""
