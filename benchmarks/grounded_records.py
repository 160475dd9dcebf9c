"""Invented records of a valley: questions that only careful reading tells from their near-misses.

Public sets ask little that is answered by yes, no, a list or two passages, and hardly ever for what a page
nearly tells. Here every record leaves out some of what its neighbours tell, names differ by a word or a
number, and figures are of one year only. Everything is made up and seeded.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Make = Callable[[random.Random], str]
Row = dict[str, Any]


@dataclass(frozen=True)
class Trait:
    """Something that a record may tell.

    Attributes:
        said: sentences with ``{n}`` for the name and ``{v}`` for the value.
        asked: questions with ``{n}``.
        make: draws a value.
        checked: a question about a value with ``{n}`` and ``{v}`` that yes or no answers; empty for none.
        compared: a question with ``{n}`` and ``{m}`` that the higher figure answers; empty for none.
    """

    said: tuple[str, ...]
    asked: tuple[str, ...]
    make: Make
    checked: str = ""
    compared: str = ""


@dataclass(frozen=True)
class Kind:
    """A kind of record: how its names look, what it is called after that, and what may be told of it."""

    title: str
    noun: str
    names: Make
    traits: dict[str, Trait]
    flags: dict[str, tuple[str, str, str]] = field(default_factory=dict)


@dataclass
class Record:
    """One thing with what is told of it: trait → (sentence, value)."""

    name: str
    kind: Kind
    told: dict[str, tuple[str, str]] = field(default_factory=dict)


def pick(*values: str) -> Make:
    """One of these."""
    return lambda rng: rng.choice(values)


def number(low: int, high: int, form: str = "{}", step: int = 1) -> Make:
    """A number in a form."""
    return lambda rng: form.format(f"{rng.randrange(low, high, step):,}")


def several(*values: str) -> Make:
    """Two to four of these, as a list in words."""

    def make(rng: random.Random) -> str:
        *first, last = rng.sample(values, rng.randint(2, 4))
        return f"{', '.join(first)} and {last}"

    return make


def person(rng: random.Random) -> str:
    """A made-up name."""
    first = "Ada Bela Corin Dorte Emmerik Fenna Gustel Hanno Ilka Jory Katrin Lovis Mirko Nele Oskar".split()
    last = (
        "Ahlquist Bramsen Colder Dunmore Elvers Fosk Gantry Hollin Irving Jessop Karlow Lund Morrow".split()
    )
    return f"{rng.choice(first)} {rng.choice(last)}"


def place(rng: random.Random) -> str:
    """A made-up place."""
    first = "Alder Birch Crow Dun Elm Fallow Gorse Hazel Iron Kel Lark Moor North Otter Pine Quarry".split()
    return rng.choice(first) + rng.choice(
        "beck bridge combe dale field ford gate holm mere stead wick".split()
    )


def date(rng: random.Random) -> str:
    """A day of an invented calendar of our months."""
    months = "January March April May June July August September October November".split()
    return f"{rng.randint(1, 28)} {rng.choice(months)}"


def hours(rng: random.Random) -> str:
    """Opening hours."""
    return f"{rng.randint(6, 10)}:{rng.choice(['00', '15', '30', '45'])} to {rng.randint(15, 21)}:00"


def year(rng: random.Random) -> str:
    """A year."""
    return str(rng.randint(1850, 2021))


DAYS = pick("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
CONTACT = Trait(
    (
        "{n} is run by {v}.",
        "Whoever has a question about {n} writes to {v}.",
        "{v} has been in charge of {n} for years.",
    ),
    ("Who is in charge of {n}?", "Who runs {n}?", "Whom does one ask about {n}?"),
    person,
    "Is {v} in charge of {n}?",
)
HOURS = Trait(
    ("{n} is open from {v}.", "Opening hours of {n}: {v}.", "Guests are let into {n} from {v}."),
    ("When is {n} open?", "What are the opening hours of {n}?"),
    hours,
)
CLOSED = Trait(
    ("On {v} {n} stays closed.", "{n} is closed on {v}."),
    ("On which day is {n} closed?", "On what day of the week does {n} not open?"),
    DAYS,
    "Is {n} closed on {v}?",
)
SINCE = Trait(
    ("{n} was founded in {v}.", "{n} has existed since {v}.", "In {v} {n} opened its doors."),
    ("In what year was {n} founded?", "Since when has {n} existed?", "When did {n} open?"),
    year,
    "Was {n} founded in {v}?",
    "Which was founded later, {n} or {m}?",
)
PRICE = Trait(
    ("A ticket for {n} costs {v}.", "Entry to {n} is {v} a head.", "{n} asks {v} of every guest."),
    ("How much is a ticket for {n}?", "What does entry to {n} cost?"),
    number(2, 40, "{} crowns"),
    "Does a ticket for {n} cost {v}?",
    "Which costs more to enter, {n} or {m}?",
)


def visitors(of: str) -> Trait:
    """How many came in one year, which is part of the question."""
    return Trait(
        (f"In {of} {{n}} had {{v}} visitors.", f"{{v}} people came to {{n}} in {of}."),
        (f"How many visitors did {{n}} have in {of}?", f"How many people came to {{n}} in {of}?"),
        number(800, 90_000, step=50),
        "",
        f"Which had more visitors in {of}, {{n}} or {{m}}?",
    )


HUT = Kind(
    "Mountain huts",
    "this hut",
    lambda rng: f"{rng.choice(['Upper', 'Lower', 'Old', 'New', 'Great', 'Little'])} {place(rng)} Hut",
    {
        "beds": Trait(
            ("{n} has {v} beds.", "There is room for {v} sleepers in {n}.", "Beds in {n}: {v}."),
            ("How many beds does {n} have?", "How many people can sleep in {n}?"),
            number(8, 120),
            "Does {n} have {v} beds?",
            "Which has more beds, {n} or {m}?",
        ),
        "height": Trait(
            ("{n} stands at {v} above the sea.", "The altitude of {n} is {v}."),
            ("At what altitude does {n} stand?", "How high above the sea is {n}?"),
            number(900, 2900, "{} metres"),
            "",
            "Which stands higher, {n} or {m}?",
        ),
        "walk": Trait(
            ("From {v} it is the shortest walk to {n}.", "The usual path to {n} begins in {v}."),
            ("Where does the usual path to {n} begin?", "From which village does one walk to {n}?"),
            place,
            "Does the usual path to {n} begin in {v}?",
        ),
        "night": Trait(
            ("A night in {n} costs {v}.", "{n} takes {v} a night from guests."),
            ("What does a night in {n} cost?", "How much is a night in {n}?"),
            number(12, 70, "{} crowns"),
            "Does a night in {n} cost {v}?",
            "Where is a night dearer, in {n} or in {m}?",
        ),
        "dishes": Trait(
            ("The kitchen of {n} serves {v}.", "In {n} there is {v} to eat."),
            ("Which dishes are served in {n}?", "What is there to eat in {n}?"),
            several(
                "barley soup", "plum cake", "dumplings", "rye bread", "goat cheese", "bean stew", "pancakes"
            ),
        ),
        "season": Trait(
            ("The season of {n} begins on {v}.", "{n} opens for the summer on {v}."),
            ("When does the season of {n} begin?", "On what date does {n} open for the summer?"),
            date,
        ),
        "contact": CONTACT,
    },
    {
        "dogs": ("Dogs may stay in {n}.", "Dogs have to stay outside {n}.", "May dogs stay in {n}?"),
        "showers": ("{n} has hot showers.", "{n} has no showers.", "Are there showers in {n}?"),
    },
)
MUSEUM = Kind(
    "Museums and mills",
    "the house",
    lambda rng: (
        rng.choice(
            ["Museum of Clocks", "Salt Mill", "Paper Mill", "House of Maps", "Lace Museum", "Tram Museum"]
        )
        + f" in {place(rng)}"
    ),
    {
        "hours": HOURS,
        "closed": CLOSED,
        "since": SINCE,
        "price": PRICE,
        "visitors19": visitors("2019"),
        "visitors22": visitors("2022"),
        "piece": Trait(
            ("The oldest piece in {n} is {v}.", "{n} is proud of {v}, its oldest piece."),
            ("What is the oldest piece in {n}?",),
            pick(
                "a bronze lamp", "a water clock", "a wooden press", "a silver map", "a loom", "a ship's bell"
            ),
        ),
        "rooms": Trait(
            ("{n} shows its collection in {v} rooms.", "The collection of {n} fills {v} rooms."),
            ("How many rooms does {n} have?", "In how many rooms does {n} show its collection?"),
            number(3, 40),
            "Does {n} have {v} rooms?",
            "Which has more rooms, {n} or {m}?",
        ),
        "contact": CONTACT,
    },
    {
        "photos": (
            "Visitors may take photographs in {n}.",
            "In {n} photographs are forbidden.",
            "Are photographs allowed in {n}?",
        ),
        "lift": ("A lift leads to all floors of {n}.", "{n} has no lift.", "Does {n} have a lift?"),
    },
)
FERRY = Kind(
    "Ferries and buses",
    "the line",
    lambda rng: f"{rng.choice(['Line', 'Ferry', 'Bus'])} {rng.randint(1, 60)}",
    {
        "from": Trait(
            ("{n} leaves from {v}.", "{n} starts at the stop in {v}."),
            ("Where does {n} leave from?", "Where does {n} start?"),
            place,
            "Does {n} leave from {v}?",
        ),
        "to": Trait(
            ("The last stop of {n} is {v}.", "{n} ends in {v}."),
            ("Where does {n} end?", "What is the last stop of {n}?"),
            place,
            "Does {n} end in {v}?",
        ),
        "takes": Trait(
            ("A journey with {n} takes {v}.", "{n} needs {v} from end to end."),
            ("How long does a journey with {n} take?", "How long is {n} under way?"),
            number(11, 95, "{} minutes"),
            "",
            "Which takes longer, {n} or {m}?",
        ),
        "first": Trait(
            ("The first departure of {n} is at {v}.", "On workdays {n} runs from {v} on."),
            ("When is the first departure of {n}?",),
            lambda rng: f"{rng.randint(4, 8)}:{rng.randint(10, 59)}",
        ),
        "every": Trait(
            ("{n} runs every {v}.", "There is a departure of {n} every {v}."),
            ("How often does {n} run?",),
            number(6, 90, "{} minutes"),
            "Does {n} run every {v}?",
        ),
        "seats": Trait(
            ("{n} has {v} seats.", "{v} passengers find a seat on {n}."),
            ("How many seats does {n} have?",),
            number(14, 240),
            "",
            "Which has more seats, {n} or {m}?",
        ),
        "fare": Trait(
            ("The fare of {n} is {v}.", "A single journey with {n} costs {v}."),
            ("What is the fare of {n}?", "How much does a journey with {n} cost?"),
            number(2, 19, "{} crowns"),
            "Is the fare of {n} {v}?",
            "Which is dearer, {n} or {m}?",
        ),
    },
    {
        "bicycles": ("Bicycles are taken along on {n}.", "{n} takes no bicycles.", "Does {n} take bicycles?"),
        "sundays": ("{n} runs on Sundays, too.", "{n} does not run on Sundays.", "Does {n} run on Sundays?"),
    },
)
CLUB = Kind(
    "Rules of clubs",
    "our club",
    lambda rng: (
        f"the {rng.choice(['Allotment', 'Chess', 'Rowing', 'Tool', 'Garden', 'Seed', 'Film'])} "
        f"{rng.choice(['Club', 'Society', 'Library'])} of {place(rng)}"
    ),
    {
        "fee": Trait(
            ("Members of {n} pay {v} a year.", "The yearly fee of {n} is {v}."),
            ("What is the yearly fee of {n}?", "How much do members of {n} pay a year?"),
            number(12, 260, "{} crowns"),
            "Is the yearly fee of {n} {v}?",
            "Which asks the higher yearly fee, {n} or {m}?",
        ),
        "age": Trait(
            ("Whoever joins {n} is at least {v} old.", "{n} admits nobody under {v}."),
            ("What is the least age for joining {n}?", "How old must one be to join {n}?"),
            number(10, 22, "{} years"),
        ),
        "loan": Trait(
            ("What is borrowed from {n} comes back within {v}.", "{n} lends for {v} at most."),
            ("For how long does {n} lend?", "Within what time must things go back to {n}?"),
            number(3, 45, "{} days"),
            "Does {n} lend for {v}?",
        ),
        "late": Trait(
            ("Whoever is late pays {v} a day to {n}.", "The fine of {n} is {v} for each day of delay."),
            ("What is the fine of {n} for a day of delay?", "How much does a late day cost at {n}?"),
            number(2, 15, "{} crowns"),
        ),
        "meets": Trait(
            ("The members of {n} meet on {v}.", "{n} meets on {v} in the old school."),
            ("On which day does {n} meet?", "When do the members of {n} meet?"),
            DAYS,
            "Does {n} meet on {v}?",
        ),
        "notice": Trait(
            ("Whoever leaves {n} gives notice by {v}.", "Notice to {n} has to be given by {v}."),
            ("By what date must one give notice to {n}?", "What is the last day for leaving {n}?"),
            date,
        ),
        "chair": Trait(
            ("The chair of {n} is {v}.", "{v} chairs {n}.", "The members of {n} chose {v} as chair."),
            ("Who chairs {n}?", "Who is the chair of {n}?"),
            person,
            "Does {v} chair {n}?",
        ),
        "members": Trait(
            ("{n} has {v} members.", "{v} people belong to {n}."),
            ("How many members does {n} have?",),
            number(19, 900),
            "",
            "Which has more members, {n} or {m}?",
        ),
        "offers": Trait(
            ("{n} offers courses in {v}.", "Courses of {n} teach {v}."),
            ("Which courses does {n} offer?", "What do the courses of {n} teach?"),
            several("grafting", "bookkeeping", "sharpening", "drawing", "first aid", "weaving", "welding"),
        ),
    },
    {
        "guests": (
            "Members may bring guests to {n}.",
            "{n} admits no guests.",
            "May members bring guests to {n}?",
        ),
    },
)
MACHINE = Kind(
    "Machines of the workshop",
    "this machine",
    lambda rng: (
        f"the {rng.choice(['Kestrel', 'Badger', 'Heron', 'Marten', 'Otter', 'Linnet'])} "
        f"{rng.choice([4, 6, 8, 12, 16, 20, 24, 30, 40])}{rng.choice(['', ' S', ' X', ' Mark II'])}"
    ),
    {
        "weight": Trait(
            ("{n} weighs {v}.", "The weight of {n} is {v}."),
            ("How much does {n} weigh?", "What is the weight of {n}?"),
            number(9, 480, "{} kg"),
            "Does {n} weigh {v}?",
            "Which is heavier, {n} or {m}?",
        ),
        "power": Trait(
            ("The motor of {n} has {v}.", "{n} runs with {v}."),
            ("How strong is the motor of {n}?", "What power does the motor of {n} have?"),
            number(1, 60, "{} kW"),
            "",
            "Which has the stronger motor, {n} or {m}?",
        ),
        "oil": Trait(
            ("The oil of {n} is changed every {v}.", "{n} gets new oil after {v}."),
            ("How often is the oil of {n} changed?", "After how many hours does {n} get new oil?"),
            number(40, 900, "{} hours", 10),
        ),
        "warranty": Trait(
            ("The warranty of {n} lasts {v}.", "{n} comes with a warranty of {v}."),
            ("How long is the warranty of {n}?", "How long does the warranty of {n} last?"),
            number(6, 72, "{} months"),
            "Does the warranty of {n} last {v}?",
            "Which has the longer warranty, {n} or {m}?",
        ),
        "colour": Trait(
            ("The lever of {n} is {v}.", "{n} is stopped with the {v} lever."),
            ("What colour is the lever of {n}?", "With which lever is {n} stopped?"),
            pick("red", "yellow", "green", "blue", "white", "orange"),
            "Is the lever of {n} {v}?",
        ),
        "maker": Trait(
            ("{n} was built by {v}.", "The maker of {n} is {v}."),
            ("Who built {n}?", "Who is the maker of {n}?"),
            lambda rng: f"{person(rng).split()[1]} & Sons",
        ),
        "price": Trait(
            ("{n} costs {v}.", "The list price of {n} is {v}."),
            ("What does {n} cost?", "What is the list price of {n}?"),
            number(210, 9800, "{} crowns", 10),
            "Does {n} cost {v}?",
            "Which costs more, {n} or {m}?",
        ),
        "parts": Trait(
            ("{n} comes with {v}.", "In the box of {n} there are {v}."),
            ("What does {n} come with?", "What is in the box of {n}?"),
            several("a manual", "two keys", "a dust cover", "spare belts", "an oil can", "a test sheet"),
        ),
    },
    {
        "outdoors": (
            "{n} may be used outdoors.",
            "{n} must not be used outdoors.",
            "May {n} be used outdoors?",
        ),
    },
)
SHORT_NAMES = 0.35
"""How often a record is called by its noun, once its name was told."""
KINDS = (HUT, MUSEUM, FERRY, CLUB, MACHINE)
FILLERS = (
    "What stands here was last looked through in spring.",
    "Changes are posted on the board at the gate.",
    "Older lists are no longer valid.",
    "Those who find a mistake tell the office.",
    "All of this applies until further notice.",
    "Groups are asked to write ahead.",
)


def records(documents: int = 110, seed: int = 0) -> Iterator[tuple[Row | None, Row | None]]:
    """Documents and questions, one or the other at a time, as ``corpus import --format jsonl`` reads them.

    Args:
        documents: how many.
        seed: decides everything.
    """
    rng = random.Random(seed)
    taken: set[str] = set()
    kinds = [KINDS[count % len(KINDS)] for count in range(documents)]
    groups = [[_record(kind, rng, taken) for _ in range(rng.randint(3, 5))] for kind in kinds]
    for count, (kind, group) in enumerate(zip(kinds, groups, strict=True)):
        id = f"records-{count}"
        text, spans = _written(group, rng)
        document = {"id": id, "title": f"{kind.title}, sheet {count // len(KINDS) + 1}", "text": text}
        yield document, None
        yield from ((None, question) for question in _questions(id, group, taken, spans, rng))


def _record(kind: Kind, rng: random.Random, taken: set[str]) -> Record:
    name = kind.names(rng)
    while name in taken:
        name = kind.names(rng)
    taken.add(name)
    record = Record(name, kind)
    # Some of what is told of others is left out of each.
    for key in rng.sample(list(kind.traits), max(4, len(kind.traits) - rng.randint(2, 4))):
        trait = kind.traits[key]
        value = trait.make(rng)
        called = kind.noun if record.told and rng.random() < SHORT_NAMES else name
        record.told[key] = (_sentence(rng.choice(trait.said), called, value), value)
    for key, (yes, no, _) in kind.flags.items():
        if rng.random() < 0.6:
            holds = rng.random() < 0.5
            record.told[key] = (_sentence(yes if holds else no, name, ""), "yes" if holds else "no")
    return record


def _sentence(form: str, name: str, value: str) -> str:
    said = form.format(n=name, v=value)
    return said[0].upper() + said[1:]


def _written(group: list[Record], rng: random.Random) -> tuple[str, dict[tuple[str, str], tuple[int, int]]]:
    """The text of a document, and where each sentence stands: as prose, as points, or as numbered rules."""
    spans: dict[tuple[str, str], tuple[int, int]] = {}
    text = ""
    style = rng.choice(("prose", "prose", "points", "rules"))
    for count, record in enumerate(group, start=1):
        text += {"prose": "", "points": f"## {record.name}\n\n", "rules": f"{count}. "}[style]
        for key, (said, _) in record.told.items():
            text += "- " if style == "points" else ""
            spans[record.name, key] = (len(text), len(text) + len(said))
            text += said + ("\n" if style == "points" else " ")
        text += rng.choice(FILLERS) if rng.random() < 0.3 else ""
        text = text.rstrip() + "\n\n"
    return text.rstrip(), spans


def _questions(
    document: str,
    group: list[Record],
    taken: set[str],
    spans: dict[tuple[str, str], tuple[int, int]],
    rng: random.Random,
) -> Iterator[Row]:
    asked = 0

    def question(text: str, answer: str | None, *told: tuple[str, str]) -> Row:
        nonlocal asked
        asked += 1
        gold = [{"document": document, "start": spans[at][0], "end": spans[at][1]} for at in told]
        row = {"id": f"{document}-{asked}", "question": text, "gold": gold}
        return row | ({"answers": [answer]} if answer else {"answers": [], "answerable": False})

    for record in group:
        for key, (_, value) in rng.sample(sorted(record.told.items()), min(4, len(record.told))):
            trait = record.kind.traits.get(key)
            if trait is None:
                yield question(record.kind.flags[key][2].format(n=record.name), value, (record.name, key))
                continue
            if trait.checked and rng.random() < 0.4:
                right = rng.random() < 0.5
                named = value if right else _another(trait, value, rng)
                text = trait.checked.format(n=record.name, v=named)
                yield question(text, "yes" if right else "no", (record.name, key))
            else:
                yield question(rng.choice(trait.asked).format(n=record.name), value, (record.name, key))
        left_out = sorted(set(record.kind.traits) - set(record.told))
        if left_out:
            asked_of = record.kind.traits[rng.choice(left_out)].asked
            yield question(rng.choice(asked_of).format(n=record.name), None)
    stranger = group[0].kind.names(rng)
    if stranger not in taken:
        trait = group[0].kind.traits[rng.choice(sorted(group[0].told.keys() & group[0].kind.traits.keys()))]
        yield question(rng.choice(trait.asked).format(n=stranger), None)
    yield from _of_two(group, question, rng)


def _of_two(group: list[Record], question: Callable[..., Row], rng: random.Random) -> Iterator[Row]:
    """Up to two questions that compare two records of a document."""
    pairs = [
        (first, second, key)
        for i, first in enumerate(group)
        for second in group[i + 1 :]
        for key in sorted(set(first.told) & set(second.told) & set(first.kind.traits))
        if first.kind.traits[key].compared and _figure(first, key) != _figure(second, key)
    ]
    for first, second, key in rng.sample(pairs, min(2, len(pairs))):
        higher = max(first, second, key=lambda record: _figure(record, key))
        text = first.kind.traits[key].compared.format(n=first.name, m=second.name)
        yield question(text, higher.name, (first.name, key), (second.name, key))


def _figure(record: Record, key: str) -> int:
    return int("".join(sign for sign in record.told[key][1] if sign.isdigit()))


def _another(trait: Trait, value: str, rng: random.Random) -> str:
    other = trait.make(rng)
    while other == value:
        other = trait.make(rng)
    return other
