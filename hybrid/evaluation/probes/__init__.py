"""Probes: what each of them shows, and what it reports."""
