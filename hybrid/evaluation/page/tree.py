"""Sections whose keys this page does not know one by one: their figures, and what else stands there."""

from collections.abc import Iterator, Mapping
from typing import Any

Tree = Mapping[str, Any]


def figures_in(data: Tree, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Tree]]:
    """Every figure of a tree, with the keys that lead to it."""
    for key, value in data.items():
        if is_figure(value):
            yield (*path, str(key)), value
        elif isinstance(value, Mapping):
            yield from figures_in(value, (*path, str(key)))


def rest_of(data: Any) -> Any:
    """The tree without its figures and without what then is empty."""
    if not isinstance(data, Mapping):
        return data
    kept = {key: rest_of(value) for key, value in data.items() if not is_figure(value)}
    return {key: value for key, value in kept.items() if value not in ({}, None)}


def is_figure(value: Any) -> bool:
    """Whether this is a figure of the contract: a mean with whatever else."""
    return isinstance(value, Mapping) and "mean" in value
