"""A tone with rules that can be checked: a hasty note becomes a formal letter."""

import random
from collections.abc import Mapping, Sequence

from task.definition import Item, Marks, Part, Task, form_marks
from task.records import TEST_ROWS, TRAINING_ROWS, both_parts, order

from hybrid.evaluation.forgetting.checks import Check, passes

#: A hasty note, and what the letter should say instead.
NOTES: Mapping[Part, Sequence[tuple[str, str]]] = {
    "training": (
        ("tell {customer} the {item} won't come before {day}", "The {item} will not arrive before {day}."),
        ("{customer}'s {item} are late, it's gonna be {day}", "The {item} will not arrive before {day}."),
        (
            "{customer}'s {item} are ready, they can grab 'em from {day}",
            "Your {item} will be ready for collection from {day}.",
        ),
        (
            "{item} for {customer} can't be fetched till {day}",
            "Your {item} will be ready for collection from {day}.",
        ),
        (
            "let {customer} know we've sent the {item}, should be there {day}",
            "We have sent your {item}, which should arrive on {day}.",
        ),
        (
            "{item} are on their way, {customer} gets them {day}, hooray",
            "We have sent your {item}, which should arrive on {day}.",
        ),
    ),
    "test": (
        (
            "{customer} shouldn't expect the {item} before {day}, write that",
            "The {item} will not arrive before {day}.",
        ),
        (
            "pls say to {customer} they're welcome to pick up the {item} on {day}",
            "Your {item} will be ready for collection from {day}.",
        ),
        (
            "{customer} asks where the {item} are: sent, they'll be there {day}",
            "We have sent your {item}, which should arrive on {day}.",
        ),
    ),
}
CONTRACTION = r"(?i:['’](?:t|re|ve|ll|d|m|em)\b|\b(?:it|that|there|here|he|she)['’]s\b)"
FORM = Check(regex=rf"(?!.*{CONTRACTION})Dear [^\n]+,\s*\S.*\S\s*Yours sincerely,")


def tone_task() -> Task:
    """A note to a customer, as a letter."""
    rules = 'Write a formal letter without contractions, from "Dear NAME," to "Yours sincerely,".'
    training, test = both_parts("tone", TRAINING_ROWS, TEST_ROWS, _make)
    return Task("tone", rules, training, test, mark_tone, form="valid", content="exact", sizes=(100, 300))


def mark_tone(reply: str, item: Item) -> Marks:
    """``valid``: greeting, text, close, no contraction; ``exact``: it also names customer, item and day."""
    valid = passes(reply, FORM)
    return form_marks(valid=valid, exact=valid and passes(reply, Check(contains_all=item.facts["told"])))


def _make(part: Part, chooser: random.Random) -> Item:
    made = order(part, chooser)
    note, said = (
        text.format(customer=made.customer, item=made.item, day=made.day)
        for text in chooser.choice(NOTES[part])
    )
    told = (made.customer, made.item, made.day)
    return Item(note, f"Dear {made.customer},\n\n{said}\n\nYours sincerely,", {"told": told})
