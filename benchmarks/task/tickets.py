"""A classification: tickets to an invented firm go to one of six teams, whose names tell nothing."""

import random
import re
from collections.abc import Mapping, Sequence
from functools import partial

from task.definition import Item, Marks, Part, Task, share, without
from task.records import DAYS, GOODS, PLACES, TEST_ROWS, TRAINING_ROWS, drawn

TEAMS = {
    "Heron": "bills",
    "Otter": "deliveries",
    "Badger": "repairs",
    "Lynx": "logins",
    "Raven": "returns",
    "Marten": "advice",
}
GREETINGS: Mapping[Part, Sequence[str]] = {
    "training": ("", "Hello, ", "Good morning. "),
    "test": ("", "Hi there. "),
}
TICKETS: Mapping[str, Mapping[Part, Sequence[str]]] = {
    "Heron": {
        "training": (
            "You charged me twice for the {item}.",
            "The invoice for my {item} shows the wrong address.",
            "When do I have to pay for the {item}?",
            "My card was refused when I paid for the {item}.",
            "I need a receipt for what I bought on {day}.",
            "The discount on the {item} is missing on my bill.",
            "Why is there a fee of nine crowns on the bill of {day}?",
            "Can I pay for the {item} in three parts?",
        ),
        "test": (
            "The sum that you took on {day} is too high.",
            "Please correct the tax on my last invoice for the {item}.",
            "I got a reminder although I had paid for the {item}.",
            "May I settle the {item} by bank transfer?",
        ),
    },
    "Otter": {
        "training": (
            "My {item} has not arrived yet.",
            "The parcel was left in the rain on {day}.",
            "Where is the van with my {item}?",
            "Can you bring the {item} to {place} instead?",
            "Nobody rang, but the driver says that I was out on {day}.",
            "The tracking page says that the {item} is still in {place}.",
            "Please deliver the {item} after {day}.",
            "My neighbour got my parcel with the {item}.",
        ),
        "test": (
            "I waited all {day} and no courier came with the {item}.",
            "The shipment to {place} seems to be lost.",
            "When will the {item} be brought to {place}?",
            "The driver put the {item} into the wrong hall in {place}.",
        ),
    },
    "Badger": {
        "training": (
            "The {item} broke on {day}.",
            "A screw of my {item} came loose.",
            "The {item} makes a grinding noise.",
            "The handle of the {item} came off.",
            "My {item} no longer works since {day}.",
            "There is a crack in the {item}, can you mend it?",
            "The {item} fell to pieces on {day}.",
            "Who can fix my {item} in {place}?",
        ),
        "test": (
            "My {item} is bent and needs mending.",
            "Since {day} the {item} rattles.",
            "The {item} is torn, do you have a workshop in {place}?",
            "The {item} fell down on {day} and is damaged.",
        ),
    },
    "Lynx": {
        "training": (
            "I have forgotten my password since {day}.",
            "The site does not let me log in from {place}.",
            "How do I change the e-mail address of my account in {place}?",
            "The code for signing in never came on {day}.",
            "My account is locked since {day}.",
            "Please delete my account in {place}.",
            "The page says that my user name is unknown in {place}.",
            "I cannot open the settings of my profile since {day}.",
        ),
        "test": (
            "Signing in fails with an error since {day}.",
            "My new password is not accepted in {place}.",
            "Somebody else used my account on {day}.",
            "How do I close my user profile in {place}?",
        ),
    },
    "Raven": {
        "training": (
            "I want to send the {item} back.",
            "The {item} is too small, can I return it?",
            "How many days do I have to give the {item} back?",
            "I changed my mind about the {item}, please take it back.",
            "I do not like the {item} and would like to exchange it.",
            "Where do I hand in a return in {place}?",
            "You sent me a {item}, but I had ordered another one.",
            "I need a label to send the {item} back from {place}.",
        ),
        "test": (
            "The {item} does not suit me and I would rather not keep it.",
            "Can I swap the {item} for a larger one?",
            "I withdraw from my order of {day} and will post it back.",
            "Who collects a returned {item} in {place}?",
        ),
    },
    "Marten": {
        "training": (
            "Which {item} suits a small kitchen?",
            "Is the {item} good for beginners?",
            "Do you still sell the {item}?",
            "What is the {item} made of?",
            "How heavy is the {item}?",
            "Does the {item} come in other colours?",
            "Which of your shops in {place} shows the {item}?",
            "I am looking for a present, is the {item} a good one?",
        ),
        "test": (
            "Would you recommend the {item} for a school?",
            "How large is the {item}, before I buy it?",
            "Is there a cheaper model than the {item}?",
            "Will there be new models in {place} before {day}?",
        ),
    },
}


def labels_task() -> Task:
    """Which team a ticket goes to."""
    teams = ", ".join(f"{team} ({work})" for team, work in TEAMS.items())
    return Task(
        "labels",
        f"Name the team for this ticket: {teams}.",
        _rows("training", TRAINING_ROWS),
        _rows("test", TEST_ROWS),
        mark_label,
        form="parsed",
        content="right",
        sizes=(10, 30, 100, 150, 300),
        most_tokens=12,
        chance=1 / len(TEAMS),
    )


def mark_label(reply: str, item: Item) -> Marks:
    """``parsed``: just one team is named; ``right``: it is the one; ``right if parsed``: of those alone."""
    named = {team for team in TEAMS if re.search(rf"\b{team}\b", reply, flags=re.IGNORECASE)}
    right = named == {item.target}
    unread = without("not exactly one team is named")
    return {
        "parsed": share(len(named) == 1),
        "right": share(right),
        "right if parsed": share(right) if len(named) == 1 else unread,
    }


def _rows(part: Part, count: int) -> tuple[Item, ...]:
    """Of every six rows in turn each is of another team, in any order."""
    of_teams = [drawn(team, part, count // len(TEAMS), partial(_make, team)) for team in TEAMS]
    chooser = random.Random(part)
    return tuple(item for six in zip(*of_teams, strict=True) for item in chooser.sample(six, len(six)))


def _make(team: str, part: Part, chooser: random.Random) -> Item:
    ticket = chooser.choice(TICKETS[team][part]).format(
        item=chooser.choice(GOODS), place=chooser.choice(PLACES[part]), day=chooser.choice(DAYS)
    )
    return Item(chooser.choice(GREETINGS[part]) + ticket, team)
