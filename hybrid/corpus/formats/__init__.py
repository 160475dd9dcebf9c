"""Question sets as others publish them, one module a format, parsed and checked."""
