"""Invented orders, drawn by a seed; people, places and phrases of test rows stand in no training row."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from task.definition import Item, Part

TRAINING_ROWS, TEST_ROWS = 300, 60

Words = Mapping[Part, Sequence[str]]

FIRST_NAMES: Words = {
    "training": "Lena Oskar Mira Jonas Petra Emil Vera Anton Nora Felix Greta Hugo Selma Ruben".split(),
    "test": "Ingrid Casper Dora Matteo Alva Bruno Sanna Edgar".split(),
}
LAST_NAMES: Words = {
    "training": "Orbach Lindqvist Marlow Tennet Havel Quist Brandt Dorning Falk Sorley Venn".split(),
    "test": "Kettering Moberg Rask Ellison Thorne Wyeth".split(),
}
PLACES: Words = {
    "training": "Tarvik Elmsham Grannow Hollin Pellby Ostrel Merrin Dunmoor Varlund Castrel Ibbing".split(),
    "test": "Skelby Warrow Fennick Norhaven Ulmsted Brackham".split(),
}
QUALITIES = "copper wooden blue green small heavy folding painted".split()
THINGS = (
    "kettle lantern ladder bucket clock blanket hammer mirror basket candle kite drum saddle stool".split()
)
GOODS = [f"{quality} {thing}" for quality in QUALITIES for thing in THINGS]
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MOST, FEWEST = 20, 2


@dataclass(frozen=True, slots=True)
class Order:
    """Who wants how many of which things, where, and on what day."""

    customer: str
    place: str
    item: str
    count: int
    day: str


def person(part: Part, chooser: random.Random) -> str:
    """A first and a last name."""
    return f"{chooser.choice(FIRST_NAMES[part])} {chooser.choice(LAST_NAMES[part])}"


def order(part: Part, chooser: random.Random) -> Order:
    """One order; its item is always in the plural."""
    return Order(
        customer=person(part, chooser),
        place=chooser.choice(PLACES[part]),
        item=f"{chooser.choice(GOODS)}s",
        count=chooser.randint(FEWEST, MOST),
        day=chooser.choice(DAYS),
    )


def drawn(task: str, part: Part, count: int, make: Callable[[Part, random.Random], Item]) -> tuple[Item, ...]:
    """So many items of different texts, always the same for a task and a part."""
    chooser, found = random.Random(f"{task} {part}"), dict[str, Item]()
    while len(found) < count:
        item = make(part, chooser)
        found.setdefault(item.text, item)
    return tuple(found.values())


def both_parts(
    task: str, training: int, test: int, make: Callable[[Part, random.Random], Item]
) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """The rows to learn from, and those that are asked."""
    return drawn(task, "training", training, make), drawn(task, "test", test, make)
