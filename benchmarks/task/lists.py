"""A format: a heading and a bullet list in Markdown, with as many items as the text names."""

import random
import re

from task.definition import Item, Marks, Part, Task, form_marks
from task.records import GOODS, PLACES, TEST_ROWS, TRAINING_ROWS, Words, both_parts

from hybrid.evaluation.forgetting.checks import unfenced

PHRASES: Words = {
    "training": (
        "For {place} we need {things}.",
        "Take {things} to {place}.",
        "{place}: bring {things}.",
        "The van to {place} carries {things}.",
    ),
    "test": ("Before we go to {place}, pack {things}.", "We are off to {place} with {things}."),
}
FEWEST, MOST = 2, 4


def markdown_task() -> Task:
    """What to take somewhere, as a heading and a list."""
    rules = "Write this as Markdown: the place as a heading, then a bullet list of the things."
    training, test = both_parts("markdown", TRAINING_ROWS, TEST_ROWS, _make)
    return Task(
        "markdown", rules, training, test, mark_markdown, form="valid", content="exact", sizes=(100, 300)
    )


def mark_markdown(reply: str, item: Item) -> Marks:
    """``valid``: a heading, a bullet for each thing, and no other line; ``exact``: with the right words."""
    lines = [line.strip() for line in unfenced(reply).splitlines() if line.strip()]
    shapes = [r"#+ \S", *[r"[-*+] \S"] * len(item.facts["things"])]
    valid = len(lines) == len(shapes) and all(map(re.match, shapes, lines))
    said = [line.partition(" ")[2].strip() for line in lines]
    return form_marks(valid=valid, exact=valid and said == [item.facts["place"], *item.facts["things"]])


def _make(part: Part, chooser: random.Random) -> Item:
    place = chooser.choice(PLACES[part])
    things = [f"{thing}s" for thing in chooser.sample(GOODS, chooser.randint(FEWEST, MOST))]
    listed = f"{', '.join(things[:-1])} and {things[-1]}"
    text = chooser.choice(PHRASES[part]).format(place=place, things=listed)
    target = "\n".join((f"# {place}", "", *(f"- {each}" for each in things)))
    return Item(text, target, {"place": place, "things": things})
