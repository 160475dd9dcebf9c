"""A summary: long invented reports of an inspection, of which six facts have to stay, within a word limit."""

import random
import re
from collections.abc import Mapping, Sequence

from task.definition import Item, Marks, Part, Task, share
from task.records import PLACES, Words, both_parts, person

from hybrid.records import Value

TRAINING_ROWS, TEST_ROWS = 40, 20
WORDS = (250, 400)
LIMIT = 40
THINGS = (
    "bridge",
    "tower",
    "mill",
    "lighthouse",
    "tunnel",
    "dam",
    "station",
    "theatre",
    "harbour wall",
    "cable car",
)
FAULTS = ("cracks", "loose bolts", "rusted beams", "missing slates", "broken lamps", "leaking pipes")
MONTHS = ("March", "April", "May", "June", "September", "October")
OUTCOMES = (
    "opens again at once",
    "stays closed until spring",
    "will be pulled down",
    "may carry half the usual load",
)
#: What the report tells, each fact in one sentence, in this order.
TOLD: Mapping[Part, Sequence[Sequence[str]]] = {
    "training": (
        (
            "On {date} {person} inspected the {thing} of {place} on behalf of the council.",
            "The {thing} of {place} was inspected on {date}; {person} was in charge.",
        ),
        (
            "In the end the list of defects counted {count} {faults}.",
            "All in all, {count} {faults} were found.",
        ),
        (
            "The repairs are expected to cost {cost} crowns.",
            "For the repairs {cost} crowns have to be set aside.",
        ),
        (
            "The council has decided that the {thing} {outcome}.",
            "As a consequence the {thing} {outcome}.",
        ),
    ),
    "test": (
        ("The {thing} of {place} was looked over by {person} on {date}, as the council had asked.",),
        ("What remained when everything had been checked were {count} {faults}.",),
        ("Putting that right takes {cost} crowns.",),
        ("Until further notice it holds that the {thing} {outcome}.",),
    ),
}
TARGET = (
    "{person} inspected the {thing} of {place} on {date} and found {count} {faults}. "
    "Repairs cost {cost} crowns. The {thing} {outcome}."
)
FILLERS: Words = {
    "training": (
        "The morning was foggy, and the first hour was spent waiting for enough light to work by.",
        "Two helpers carried the ladders, while a third kept curious walkers at a distance with a rope.",
        "A cupboard on the ground floor held old drawings, but most of them were too damp to unfold.",
        "The caretaker said that {number} visitors had signed the book during the past season.",
        "On the north side moss has grown over the lower stones and keeps them wet all year.",
        "The paint was renewed some years ago and has kept its colour better than anyone expected.",
        "Measurements were taken every {number} metres and entered into a notebook with a pencil.",
        "A family of jackdaws has built its nest under the roof and should not be disturbed.",
        "The lock of the side door sticks, so that the party had to climb in through a window.",
        "Somebody has left a bicycle without wheels in the yard, and nobody knows whose it is.",
        "The wind picked up towards noon, which made the work on the outside slow and noisy.",
        "An older report speaks of a flood that left a mark {number} centimetres above the floor.",
        "The neighbours complained about lorries that pass at night and make their windows tremble.",
        "Lunch was taken in the shade of a lime tree, with bread, cheese and a can of cold tea.",
        "A sample of the mortar was put into a jar and will be kept in the archive of the town.",
        "The lightning rod is sound, and its cable was fastened anew with {number} clamps.",
        "Children from the school came by and asked whether the place was haunted.",
        "The stairs are worn in the middle, but every step is firm and the rail does not shake.",
        "A photograph was taken of each wall, so that changes can be seen in later years.",
        "The drain in the cellar was blocked by leaves and ran freely once they had been removed.",
        "The bell was rung as a test and could be heard as far as the next village.",
        "There was no sign of woodworm, although the beams in the attic are very old.",
    ),
    "test": (
        "It had rained all night, and the path to the entrance was covered with deep puddles.",
        "The key was with the baker, who had to be woken and was not pleased about it.",
        "A generator was brought along, since the electric light had failed some days earlier.",
        "The oldest part was built by monks, as a stone above the door still tells.",
        "Behind the building lies a garden with {number} apple trees that nobody harvests.",
        "The ropes were checked twice before anyone was allowed to climb above the first floor.",
        "A local paper had sent a reporter, who left again when nothing exciting happened.",
        "The floor was swept, and the dust alone filled {number} sacks.",
        "Some of the windows still have their first panes, which are wavy and slightly green.",
        "The iron gate squeaks, but its hinges are thick and will last for a long time.",
        "An echo made it hard to understand each other, so that signs were used instead.",
        "A bucket with tools was forgotten on the roof and had to be fetched the next morning.",
        "The slope beside the road has been secured with a hedge of hazel and thorn.",
        "The temperature in the cellar was {number} degrees, which is usual for the season.",
        "A retired mason watched from a bench and gave good advice without being asked.",
        "The chimney draws well and was cleaned by two men who came on foot.",
        "In the guest book somebody had written a poem about the view over the valley.",
        "The cat of the house followed the party everywhere and slept on the drawings.",
        "The old clock runs, although it has been {number} minutes slow for years.",
        "A plan for a new access road was shown around, but nobody wanted to discuss it.",
        "The well in the yard is covered with planks, and these are new and solid.",
        "A rusty cart in the shed was measured, too, although it belongs to somebody else.",
    ),
}
FILLERS_SHOWN = 15


def summary_task() -> Task:
    """A report in at most forty words."""
    rules = (
        f"Summarise the report in at most {LIMIT} words: who inspected what, where and when, "
        "what was found, what it costs, and what follows."
    )
    training, test = both_parts("summary", TRAINING_ROWS, TEST_ROWS, _make)
    return Task(
        "summary",
        rules,
        training,
        test,
        mark_summary,
        form="short",
        content="coverage",
        sizes=(20, 40),
        least_seen=40,
        examples=(1, 2),
        most_tokens=80,
    )


def mark_summary(reply: str, item: Item) -> Marks:
    """What a summary keeps and adds.

    ``coverage``: the share of the facts that stand in it; ``short``: it keeps the limit and is not empty;
    ``no new number``: every number in it stands in the report.
    """
    said = _plain(reply)
    held = [_holds(said, fact) for fact in item.facts["facts"]]
    return {
        "coverage": Value(sum(held) / len(held)),
        "short": share(0 < len(reply.split()) <= LIMIT),
        "no new number": share(_numbers(said) <= _numbers(item.text)),
    }


def _holds(text: str, fact: str) -> bool:
    return re.search(rf"\b{re.escape(fact)}\b", text, flags=re.IGNORECASE) is not None


def _numbers(text: str) -> set[str]:
    return set(re.findall(r"\d+", text))


def _plain(text: str) -> str:
    """Without commas between thousands."""
    return re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)


def _make(part: Part, chooser: random.Random) -> Item:
    words = {
        "person": person(part, chooser),
        "place": chooser.choice(PLACES[part]),
        "thing": chooser.choice(THINGS),
        "date": f"{chooser.randint(2, 28)} {chooser.choice(MONTHS)}",
        "count": str(chooser.randint(3, 29)),
        "faults": chooser.choice(FAULTS),
        "cost": str(chooser.randint(12, 98) * 100),
        "outcome": chooser.choice(OUTCOMES),
    }
    facts = [words[name] for name in ("person", "place", "date", "cost", "outcome")]
    return Item(
        _report(part, words, chooser),
        TARGET.format(**words),
        {"facts": [*facts, f"{words['count']} {words['faults']}"]},
    )


def _report(part: Part, words: Mapping[str, str], chooser: random.Random) -> str:
    """The facts in their order, among sentences that do not matter."""
    sentences = [
        sentence.format(number=chooser.randint(2, 90))
        for sentence in chooser.sample(FILLERS[part], FILLERS_SHOWN)
    ]
    places = sorted(chooser.sample(range(FILLERS_SHOWN), len(TOLD[part])), reverse=True)
    for place, ways in zip(places, reversed(TOLD[part]), strict=True):
        sentences.insert(place, chooser.choice(ways).format(**words))
    return " ".join(sentences)
