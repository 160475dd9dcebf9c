"""What nearly everyone knows, beside passages that only seem to tell it.

A small model that learned to read answers off its passages reads one off any passage. Here each fact is told
by one document, and two others name the same thing together with another answer of the same sort, without
telling. No question of the suite `common-knowledge` is asked. Seeded.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Relation:
    """Facts of one sort.

    Attributes:
        asked: questions with ``{s}`` for the thing.
        told: sentences with ``{s}`` and ``{a}`` for the answer.
        near: sentences with ``{s}`` and ``{v}`` for an answer that belongs to another thing.
        facts: thing → answer, separated by semicolons; other accepted answers after a slash.
    """

    asked: tuple[str, ...]
    told: tuple[str, ...]
    near: tuple[str, ...]
    facts: str

    @property
    def pairs(self) -> dict[str, list[str]]:
        """Thing → its answers, the first one to be taught."""
        split = (fact.split(":") for fact in self.facts.split(";"))
        return {thing.strip(): [each.strip() for each in answers.split("/")] for thing, answers in split}


RELATIONS = (
    Relation(
        ("What is the capital of {s}?", "Which city is the capital of {s}?"),
        ("{a} is the capital of {s}.", "The capital of {s} is {a}, where the government sits."),
        (
            "Two guests from {s} spoke at a dinner in {v} about what a capital needs.",
            "The bus from {v} carries a poster of {s}, a country known for its trains.",
            "A choir from {s} sang in {v}, the capital of its neighbours, and was asked to come again.",
        ),
        "Germany: Berlin; Spain: Madrid; Portugal: Lisbon; Greece: Athens; Russia: Moscow; China: Beijing; "
        "India: New Delhi/Delhi; Egypt: Cairo; Austria: Vienna; Poland: Warsaw; Sweden: Stockholm; "
        "Norway: Oslo; Denmark: Copenhagen; Finland: Helsinki; Ireland: Dublin; Hungary: Budapest; "
        "Cuba: Havana; "
        "Peru: Lima; Turkey: Ankara; Thailand: Bangkok; South Korea: Seoul; Argentina: Buenos Aires; "
        "Belgium: Brussels; Iran: Tehran; Iraq: Baghdad",
    ),
    Relation(
        ("On which continent is {s}?", "{s} lies on which continent?"),
        ("{s} is a country in {a}.", "On maps of {a}, {s} is easy to find."),
        (
            "A trader who had learned his craft in {s} opened three shops in {v}.",
            "The atlas opens with {v}; someone has put a stamp of {s} between its pages.",
        ),
        "Germany: Europe; China: Asia; India: Asia; Egypt: Africa; Nigeria: Africa; Spain: Europe; "
        "Peru: South America; Ghana: Africa; Canada: North America; Thailand: Asia; Poland: Europe; "
        "Chile: South America; Vietnam: Asia; Morocco: Africa; Mexico: North America",
    ),
    Relation(
        ("What is the main language spoken in {s}?", "Which language do most people in {s} speak?"),
        ("Most people in {s} speak {a}.", "The language of {s} is {a}."),
        (
            "The evening school teaches {v}; its teacher spent two years in {s}.",
            "A visitor from {s} bought a dictionary of {v} at the market.",
        ),
        "Germany: German; France: French; Italy: Italian; Mexico: Spanish; Japan: Japanese; Russia: Russian; "
        "Poland: Polish; Greece: Greek; Sweden: Swedish; Portugal: Portuguese; Turkey: Turkish; "
        "Argentina: Spanish; Austria: German; Australia: English; Hungary: Hungarian",
    ),
    Relation(
        ("What is the currency of {s}?", "Which money is used in {s}?"),
        ("People in {s} pay with the {a}.", "The currency of {s} is the {a}."),
        (
            "A collector showed a {v} that he had been given on the way to {s}.",
            "The price list for guests from {s} was printed in the {v} by mistake.",
        ),
        "India: rupee/Indian rupee; Russia: ruble/rouble; the United States: dollar/US dollar; "
        "Germany: euro; China: yuan/renminbi; Mexico: peso; Switzerland: franc/Swiss franc; "
        "South Korea: won; Sweden: krona; Thailand: baht",
    ),
    Relation(
        ("In which country is the {s}?", "Which country is home to the {s}?"),
        ("The {s} stands in {a}.", "Travellers come to {a} to see the {s}."),
        (
            "A model of the {s} made of matches is shown in a small museum in {v}.",
            "The guide from {v} had a picture of the {s} on her bag.",
        ),
        "Eiffel Tower: France; Colosseum: Italy; Taj Mahal: India; Great Wall: China; Kremlin: Russia; "
        "Acropolis: Greece; Brandenburg Gate: Germany; "
        "Statue of Liberty: the United States/United States/USA; "
        "Great Pyramid of Giza: Egypt; Alhambra: Spain; Sydney Opera House: Australia; "
        "Leaning Tower of Pisa: Italy",
    ),
    Relation(
        ("What is the chemical symbol for {s}?", "Which symbol stands for {s} in the periodic table?"),
        ("The chemical symbol for {s} is {a}.", "In the periodic table {s} is written as {a}."),
        (
            "The box beside the {s} is labelled {v}; nobody knows who wrote it.",
            "A pupil who was asked about {s} drew the letters {v} on the board as his initials.",
        ),
        "oxygen: O; hydrogen: H; carbon: C; nitrogen: N; iron: Fe; copper: Cu; lead: Pb; helium: He; "
        "sodium: Na; potassium: K; calcium: Ca; sulfur: S; tin: Sn; chlorine: Cl",
    ),
    Relation(
        ("Who wrote {s}?", "Who is the author of {s}?"),
        ("{s} was written by {a}.", "{a} is the author of {s}."),
        (
            "On the shelf {s} stands beside a life of {v}, which is lent out more often.",
            "A reading of {s} was followed by a talk on {v} and his friends.",
            "The club that meets for {s} is named after {v}.",
        ),
        "Macbeth: William Shakespeare/Shakespeare; The Odyssey: Homer; Moby-Dick: Herman Melville/Melville; "
        "The Great Gatsby: F. Scott Fitzgerald/Fitzgerald; The Divine Comedy: Dante/Dante Alighieri; "
        "The Lord of the Rings: J. R. R. Tolkien/Tolkien/J.R.R. Tolkien; Dracula: Bram Stoker/Stoker; "
        "The Adventures of Tom Sawyer: Mark Twain/Twain; Animal Farm: George Orwell/Orwell; "
        "Crime and Punishment: Fyodor Dostoevsky/Dostoevsky; The Metamorphosis: Franz Kafka/Kafka; "
        "Treasure Island: Robert Louis Stevenson/Stevenson; Jane Eyre: Charlotte Brontë/Charlotte Bronte; "
        "A Christmas Carol: Charles Dickens/Dickens; The Raven: Edgar Allan Poe/Poe; "
        "Emma: Jane Austen/Austen; "
        "The Old Man and the Sea: Ernest Hemingway/Hemingway; Wuthering Heights: Emily Brontë/Emily Bronte",
    ),
    Relation(
        ("Who painted {s}?", "Which artist painted {s}?"),
        ("{s} was painted by {a}.", "The painter of {s} is {a}."),
        (
            "A print of {s} hangs in the corridor, opposite a letter of {v}.",
            "The course begins with colours of {v}; {s} is shown on the last evening.",
        ),
        "The Last Supper: Leonardo da Vinci/Leonardo/da Vinci; The Scream: Edvard Munch/Munch; "
        "Sunflowers: Vincent van Gogh/Van Gogh; The Night Watch: Rembrandt; "
        "Water Lilies: Claude Monet/Monet; "
        "The Birth of Venus: Sandro Botticelli/Botticelli; "
        "The Persistence of Memory: Salvador Dalí/Salvador Dali",
    ),
    Relation(
        ("Who composed {s}?", "Which composer wrote {s}?"),
        ("{s} was composed by {a}.", "{a} composed {s}."),
        (
            "Before {s} the band played a march by {v}, and the hall stood up.",
            "Tickets for {s} carried a drawing of {v} at the piano.",
        ),
        "the Messiah: George Frideric Handel/Handel; The Nutcracker: Pyotr Ilyich Tchaikovsky/Tchaikovsky; "
        "the Ode to Joy: Ludwig van Beethoven/Beethoven; "
        "The Marriage of Figaro: Wolfgang Amadeus Mozart/Mozart; "
        "the Brandenburg Concertos: Johann Sebastian Bach/Bach; "
        "The Ring of the Nibelung: Richard Wagner/Wagner",
    ),
    Relation(
        ("Who {s}?",),
        ("It was {a} who {s}.", "{a} is the one who {s}."),
        (
            "A street is called after the person who {s}; the next one is Rue {v}.",
            "In the quiz about whoever {s}, the first card showed {v}.",
        ),
        "discovered gravity when an apple fell: Isaac Newton/Newton; "
        "invented the steam engine of 1769: James Watt/Watt; "
        "developed the theory of relativity: Albert Einstein/Einstein; "
        "invented the radio: Guglielmo Marconi/Marconi; "
        "founded psychoanalysis: Sigmund Freud/Freud; led India to independence without violence: "
        "Mahatma Gandhi/Gandhi; was the first to sail to India around Africa: Vasco da Gama; "
        "was the first woman to win a Nobel Prize: Marie Curie/Curie; "
        "wrote the Communist Manifesto with Engels: "
        "Karl Marx/Marx; led the Soviet Union in the Second World War: Joseph Stalin/Stalin; "
        "was the second man on the Moon: Buzz Aldrin/Aldrin; said that the Earth goes round the Sun in 1543: "
        "Nicolaus Copernicus/Copernicus; "
        "gave the speech I Have a Dream: Martin Luther King/Martin Luther King Jr.; "
        "founded Apple with Steve Wozniak: Steve Jobs/Jobs; founded Amazon: Jeff Bezos/Bezos; "
        "was the first president of South Africa elected by all: Nelson Mandela/Mandela",
    ),
    Relation(
        ('What is the opposite of "{s}"?', 'Which word means the opposite of "{s}"?'),
        ('The opposite of "{s}" is "{a}".', 'Whoever does not mean "{s}" says "{a}".'),
        (
            'The crossword has "{s}" in the first row and "{v}" in the last.',
            'The painter wrote "{s}" on one door and "{v}" on another.',
        ),
        "hot: cold; big: small/little; up: down; fast: slow; day: night; black: white; left: right; "
        "happy: sad/unhappy; old: young/new; hard: soft/easy; rich: poor; full: empty; open: closed/close; "
        "early: late; strong: weak; dark: light/bright; dry: wet; true: false; love: hate; win: lose",
    ),
    Relation(
        ("What is a baby {s} called?", "What do you call a young {s}?"),
        ("A young {s} is called a {a}.", "The {s} had a {a} beside it, as its young are called."),
        (
            "The farm keeps a {s} and, in the next shed, a {v} that follows everyone.",
            "Under the picture of a {s} somebody had written about a {v} that was lost.",
        ),
        "cat: kitten; cow: calf; horse: foal; sheep: lamb; goat: kid; bear: cub; duck: duckling; hen: chick; "
        "deer: fawn; pig: piglet",
    ),
    Relation(
        ("What colour is {s}?", "Which colour does {s} have?"),
        ("{s} is {a}.", "The colour of {s} is {a}."),
        (
            "A {v} cloth lay on the table when they spoke of {s}.",
            "The book about {s} has a {v} cover and a {v} ribbon.",
        ),
        "a ripe banana: yellow; fresh snow: white; grass: green; a ripe tomato: red; the clear sky: blue; "
        "coal: black; blood: red; an emerald: green; a ruby: red; a sapphire: blue; milk: white; "
        "a ripe lemon: yellow; a carrot: orange",
    ),
    Relation(
        ("How many {s}?",),
        ("As everyone learns, there is one answer to how many {s}: {a}.", "If asked how many {s}, say {a}."),
        (
            "A child asked how many {s}, and her brother counted {v} spoons instead.",
            "On page {v} there is a drawing for those who wonder how many {s}.",
        ),
        "seconds are in a minute: 60/sixty; hours are in a day: 24/twenty-four; legs does a spider have: "
        "eight/8; legs does an insect have: six/6; wheels does a car have: four/4; sides does a square have: "
        "four/4; centimetres are in a metre: 100/hundred; metres are in a kilometre: 1000/1,000/thousand; "
        "weeks are in a year: 52; years are in a century: 100/hundred; years are in a decade: ten/10; "
        "fingers are on one hand: five/5; sides does a hexagon have: six/6; continents are there: seven/7; "
        "players are in a basketball team on the court: five/5; states has the United States: 50/fifty; "
        "eggs are in a dozen: twelve/12; arms does an octopus have: eight/8; "
        "wheels does a bicycle have: two/2; "
        "grams are in a kilogram: 1000/1,000/thousand",
    ),
    Relation(
        ("What is {s}?", "How much is {s}?"),
        ("The sum is easy: {s} is {a}.", "On the card it says that {s} is {a}."),
        (
            "The teacher wrote {s} on the board, and then told them of the {v} goats of her uncle.",
            "The lock with {s} on its lid was opened by turning it {v} times.",
        ),
        "2 plus 2: 4/four; 5 plus 3: 8/eight; 10 minus 4: 6/six; 3 times 3: 9/nine; 5 times 5: 25; "
        "10 times 10: 100/hundred; 20 divided by 2: 10/ten; 6 plus 6: 12/twelve; 100 minus 1: 99; "
        "4 times 2: 8/eight; "
        "1 plus 1: 2/two; 7 plus 3: 10/ten; 9 minus 5: 4/four; 6 times 5: 30/thirty",
    ),
    Relation(
        ("Which month comes after {s}?", "What is the month after {s}?"),
        ("{s} is followed by {a}.", "After {s} comes {a}."),
        (
            "The fair that used to be in {s} is now held in {v}.",
            "Those born in {s} get a candle, those born in {v} a book.",
        ),
        "January: February; March: April; May: June; July: August; September: October; November: December; "
        "February: March; June: July",
    ),
    Relation(
        ("What does the abbreviation {s} stand for?", "What is {s} short for?"),
        ("{s} stands for {a}.", "The letters {s} mean {a}."),
        (
            "On the door of the office for {s} a note says {v}, which is the name of a band.",
            "She wrote {s} on the folder and kept her papers on {v} in it.",
        ),
        "WWW: World Wide Web; UN: United Nations; USA: United States of America; EU: European Union; "
        "NASA: National Aeronautics and Space Administration; RAM: random access memory; "
        "AI: artificial intelligence; "
        "UK: United Kingdom; FBI: Federal Bureau of Investigation; "
        "DVD: digital versatile disc/digital video disc",
    ),
    Relation(
        ("What do {s} mainly eat?", "What is the main food of {s}?"),
        ("{s} mainly eat {a}.", "The food of {s} is mostly {a}."),
        (
            "Next to the house of the {s} a kiosk sells {v} to visitors.",
            "The keeper of the {s} likes {v} with his tea.",
        ),
        "koalas: eucalyptus leaves/eucalyptus; cows: grass; squirrels: nuts; lions: meat; "
        "rabbits: grass/plants; "
        "caterpillars: leaves; horses: grass/hay",
    ),
    Relation(
        ("Which part of the body is used for {s}?", "With which part of the body does one do {s}?"),
        ("For {s} one uses the {a}.", "The {a} serve for {s}, as any doctor will say."),
        (
            "The poster about {s} was hung up by a man with a bandage on his {v}.",
            "After a lesson on {s} they drew {v} of all sizes.",
        ),
        "seeing: eyes/eye; hearing: ears/ear; smelling: nose; tasting: tongue; walking: legs/leg/feet; "
        "chewing: teeth; digesting food: stomach",
    ),
    Relation(
        ("In which sport does one use {s}?", "Which sport is played with {s}?"),
        ("{s} belongs to {a}.", "Whoever plays {a} needs {s}."),
        (
            "The shop lends {s} only to members of its {v} group.",
            "In the hall where {s} was stored, {v} is played on Fridays.",
        ),
        "a bat and a wicket: cricket; a cue: billiards/pool/snooker; a bow and arrows: archery; "
        "a hoop and a large orange ball: basketball; a tee and an iron: golf; a bat and a glove: baseball; "
        "a foil and a mask: fencing; a paddle and a very small white ball: table tennis/ping pong",
    ),
    Relation(
        ("Which planet {s}?", "What is the name of the planet that {s}?"),
        ("{a} is the planet that {s}.", "Of all planets it is {a} that {s}."),
        (
            "The café next to the star house is called {v}; children ask there which planet {s}.",
            "His talk on the planet that {s} began late, as he had left his slides about {v} at home.",
        ),
        "is third from the Sun: Earth/the Earth; is farthest from the Sun: Neptune; "
        "is called the morning star: Venus; has a Great Red Spot: Jupiter",
    ),
    Relation(
        ("What is {s} made from?", "From what is {s} made?"),
        ("{s} is made from {a}.", "To make {s} one needs {a}."),
        (
            "A jar of {v} stood beside the {s} at the fair, with no name on it.",
            "The family that sells {s} began with a cart of {v}.",
        ),
        "bread: flour/wheat; cheese: milk; butter: milk/cream; glass: sand; paper: wood/trees; "
        "cider: apples; beer: barley/malt; olive oil: olives; yoghurt: milk; popcorn: corn/maize; "
        "ketchup: tomatoes",
    ),
)
FILLERS = (
    "The meeting ended with tea and a short walk.",
    "A list of all members lies in the hall.",
    "Whoever wants to help can write to the office.",
    "It rained, but hardly anyone left before the end.",
    "Last year fewer than forty people had come.",
    "Photographs of the day can be seen on the stairs.",
    "The next issue will tell more about it.",
    "A small fee pays for the heating of the room.",
)
TITLES = ("Notes from the club", "From the valley", "Short news", "A page of the almanac", "Seen and heard")


def general(seed: int = 0) -> Iterator[tuple[Row | None, Row | None]]:
    """Documents and questions, one or the other at a time, as ``corpus import --format jsonl`` reads them."""
    rng = random.Random(seed)
    for place, relation in enumerate(RELATIONS):
        values = list(relation.pairs.values())
        for count, (thing, answers) in enumerate(relation.pairs.items()):
            id = f"general-{place}-{count}"
            said = _capital(rng.choice(relation.told).format(s=thing, a=answers[0]))
            yield {"id": id, "title": rng.choice(TITLES), "text": _amid_fillers(said, rng)}, None
            others = [first for first, *_ in values if first not in answers]
            for near, form in enumerate(rng.sample(relation.near, 2)):
                seeming = _capital(form.format(s=thing, v=rng.choice(others)))
                text = _amid_fillers(seeming, rng)
                yield {"id": f"{id}-near-{near}", "title": rng.choice(TITLES), "text": text}, None
            for way, form in enumerate(relation.asked):
                row = {"question": _capital(form.format(s=thing)), "answers": answers}
                yield None, {"id": f"{id}-{way}"} | row | {"gold": [{"document": id}]}


def _amid_fillers(said: str, rng: random.Random) -> str:
    around = rng.sample(FILLERS, rng.randint(1, 3))
    around.insert(rng.randint(0, len(around)), said)
    return " ".join(around)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
