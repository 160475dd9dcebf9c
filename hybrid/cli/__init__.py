"""The command line: parse, one library call, print. Nothing heavy is imported before a command runs."""

from hybrid.cli.app import main

__all__ = ["main"]
