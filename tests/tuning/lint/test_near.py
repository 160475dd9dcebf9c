import random

import pytest

from hybrid.tuning.lint.near import Marks, NearTexts, marks

LONG = (
    "Describe in your own words how the harbour master of the old town counts ropes, lamps, anchors and "
    "barrels before winter closes the sea and boats rest under canvas along the northern wall"
)
WORDS = [f"{a}{b}{c}" for a in "bdfglmnp" for b in "aeiou" for c in ("rt", "lk", "st", "nd", "mp")]


def near(one, other):
    return marks(one).like(marks(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Which grease may I use?", "what grease can you use"),
        ("How heavy is the Bramble B90?", "how heavy is   the bramble b90 ?"),
        ("It weighs 1,000 kg.", "It weighs 1000 kg"),
        (LONG, LONG.replace("rest", "lie")),
        ("芽叶最长不能超过多少?", "芽叶最长不能超过多少"),
    ],
)
def test_the_same_in_almost_the_same_words_is_near(one, other):
    assert near(one, other) and near(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How heavy is the Bramble B90?", "How heavy is the Bramble B60?"),
        ("How long is the warranty of a K3?", "How long is the warranty of a K3-S?"),
        ("Does a lamp cost more than a rope?", "Does a rope cost more than a lamp?"),
        ("When was it founded?", "Where was it founded?"),
        ("How much is the day ticket?", "How much is the reduced day ticket?"),
        (LONG, LONG.replace("before winter", "never before winter")),
        (LONG, LONG.replace("harbour master", "harbour master Idony")),
        (LONG, f"{LONG}, as of 2031"),
        ("这里可以上山吗", "这里不可以上山吗"),
    ],
)
def test_what_one_word_makes_another_question_is_not_near(one, other):
    assert not near(one, other)


def test_leaders_are_the_first_of_their_group():
    texts = ["Who is it?", "What is red?", "who is it", "Which is red?", "Who was it, please?"]
    assert NearTexts(texts).leaders() == [0, 1, 0, 1, 0]


def test_a_text_is_found_or_not():
    texts = NearTexts(["Who keeps the tower key?", "Which lamp is red?"])
    assert texts.find("what lamp is red") == 1
    assert texts.find("Which lamp is blue?") is None
    assert NearTexts([]).find("Which lamp is red?") is None


def random_texts(count):
    """Texts of 5 to 30 words; some are an earlier one with a word taken out, changed or put in."""
    rng = random.Random(3)
    texts = []
    for _ in range(count):
        words = rng.choices(WORDS, k=rng.randint(5, 30))
        if texts and rng.random() < 0.5:
            words = rng.choice(texts).split()
            place = rng.randrange(len(words))
            words[place : place + rng.randint(0, 1)] = rng.choices(WORDS, k=rng.randint(0, 1))
        texts.append(" ".join(words))
    return texts


def test_no_near_text_is_missed():
    texts = random_texts(300)
    all_pairs = [
        any(marks(text).like(marks(earlier)) for earlier in texts[:place]) for place, text in enumerate(texts)
    ]
    assert [leader != place for place, leader in enumerate(NearTexts(texts).leaders())] == all_pairs
    assert 20 < sum(all_pairs) < 280


def test_few_of_many_texts_are_compared(monkeypatch):
    compared = 0
    like = Marks.like

    def counted(self, other):
        nonlocal compared
        compared += 1
        return like(self, other)

    monkeypatch.setattr(Marks, "like", counted)
    NearTexts([f"{text} of lot {place}" for place, text in enumerate(random_texts(2000))]).leaders()
    NearTexts(random_texts(2000)).leaders()
    NearTexts(["How many lamps are there?"] * 2000).leaders()
    assert compared < 100_000  # of 6 million pairs
