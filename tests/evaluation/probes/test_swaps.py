import random

import pytest

from hybrid.evaluation.probes.names import Kind, Names, kind_of
from hybrid.evaluation.probes.swaps import Edit, Unfit, edited, edits, swapped
from hybrid.generation.correctness import correct
from hybrid.records import Passage, Question

NONE = Names([])


def question(text, *answers, kind=""):
    return Question("q", text, answers, kind=kind)


def passage(text, id=7, title=""):
    return Passage(id, "doc.md", title, text, 0, len(text), "page 1")


def swap(asked, *texts, names=NONE, title=""):
    shown = [passage(text, id, title) for id, text in enumerate(texts, start=7)]
    return swapped(asked, shown, names, random.Random(0))


def reason(*args, **options):
    with pytest.raises(Unfit) as refused:
        swap(*args, **options)
    return str(refused.value)


WARRANTY = question("How long is the warranty?", "5 years", "five years")


def test_every_occurrence_is_swapped_and_nothing_else():
    text = "It lasts 5 years. Five years are long: 15 years\n\tare longer, 2.5 years shorter."
    (changed,) = swap(WARRANTY, text).passages
    years = changed.text.removeprefix("It lasts ").split()[0]
    spelled = changed.text.split(". ")[1].split()[0]
    assert years != "5" and spelled.istitle() and spelled != "Five"
    # Put back, the text is what it was, byte by byte.
    assert changed.text.replace(f"lasts {years} ", "lasts 5 ").replace(spelled, "Five") == text


def test_old_and_new_answer_are_told_apart():
    made = swap(WARRANTY, "It lasts 5 years.")
    (changed,) = made.passages
    after = question(WARRANTY.text, *made.substitutes)
    assert correct(changed.text, after) and not correct(changed.text, WARRANTY)
    assert not any(correct(each, after) for each in made.references)
    assert not any(correct(each, WARRANTY) for each in made.substitutes)
    assert len(made.substitutes) == 2


def test_a_changed_passage_says_so_and_is_none_of_the_corpus():
    (changed,) = swap(WARRANTY, "It lasts 5 years.").passages
    assert (changed.id, changed.locator) == (-7, "page 1 (answer swapped)")
    assert (changed.document, changed.title) == ("doc.md", "")


def test_all_gold_passages_are_shown_and_swapped():
    first, second = swap(WARRANTY, "It is sold with a warranty.", "It lasts 5 years.").passages
    assert first.text == "It is sold with a warranty." and "5 years" not in second.text


def test_a_number_of_the_passage_is_no_substitute():
    # Of 2 to 9 only 6 stands nowhere in the passage.
    text = "It lasts 5 years, not 2, 3, 4, 7, 8 or 9."
    assert swap(question("How long?", "5 years"), text).substitutes == ("6 years",)
    assert reason(question("How long?", "5 years"), text[:-1] + ", but 6.") == (
        "every substitute stands in the passage already"
    )


WHO = [question("Who is the cook?", "Odo March"), question("Who mends nets?", "Fenella Crake", "Crake")]
NAMES = Names([*WHO, question("What colour is it?", "red"), question("Which colour is the seal?", "blue")])


def test_a_name_becomes_another_that_answers_the_same_kind_of_question():
    made = swap(WHO[0], "The cook is Odo March.", names=NAMES)
    assert made.substitutes == ("Fenella Crake", "Crake")
    assert made.passages[0].text == "The cook is Fenella Crake."
    colour = question("Which colours do they have?", "green")
    assert swap(colour, "Green ones.", names=NAMES).passages[0].text in ("Red ones.", "Blue ones.")


def test_a_name_of_the_passage_is_no_substitute():
    assert reason(WHO[0], "Not Fenella Crake, but Odo March.", names=NAMES) == (
        "every substitute stands in the passage already"
    )


def test_a_name_of_which_a_part_is_left_is_not_swapped():
    assert reason(WHO[0], "The cook is Odo March. March is from Skerrow.", names=NAMES) == (
        "a part of the name stands elsewhere in the passage"
    )


@pytest.mark.parametrize(
    ("asked", "text", "why"),
    [
        (question("May I?", "yes", kind="yes_no"), "Yes.", "the answer is yes or no"),
        (question("May I?", "no"), "No.", "the answer is yes or no"),
        (question("Which?", "a, b", kind="list"), "a, b", "the answer is a list"),
        (question("How long?", "1 year"), "1 year", "the answer is one of something"),
        (question("How long?", "2 years"), "24 months", "no passage holds a reference word for word"),
        (question("How far?", "12 to 15 m"), "It is 12 to 15 m.", "the answer holds several numbers"),
        (question("Why?", "it is wet"), "It is wet.", "not a number, date or name"),
        (question("Who?", "Ada"), "Ada.", "no other answer is of its kind"),
        (question("Are 5 years enough?", "5 years"), "5 years.", "the question itself holds the answer"),
        (
            question("How long?", "7 years"),
            "7 years: seven years.",
            "the old answer is still told elsewhere in the passage or its title",
        ),
    ],
)
def test_what_cannot_be_swapped_has_a_reason(asked, text, why):
    assert reason(asked, text) == why


def test_a_title_that_tells_is_no_place_to_swap():
    assert "or its title" in reason(WARRANTY, "It lasts 5 years.", title="A warranty of 5 years")


def test_a_chinese_number_is_swapped_between_characters():
    made = swap(question("保修期多久？", "25个月"), "保修期为25个月。")
    assert made.substitutes != ("25个月",) and made.passages[0].text == f"保修期为{made.substitutes[0]}。"


def test_the_same_seed_makes_the_same_swap():
    assert swap(WARRANTY, "It lasts 5 years.") == swap(WARRANTY, "It lasts 5 years.")


def test_of_two_references_at_one_place_the_longest_is_replaced():
    found = edits("The harbour school teaches.", {"school": "inn", "harbour school": "inn"})
    assert found == [Edit(4, 18, "inn")]
    assert edited("The harbour school teaches.", found) == "The inn teaches."


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Who is it?", "person"),
        ("Whom must I tell?", "person"),
        ("Where is it?", "place"),
        ("At which quays do they load?", "quay"),
        ("What is the name of the lamp?", "lamp"),
        ("Which is the only lamp?", ""),
        ("How far is it?", ""),
    ],
)
def test_what_a_question_asks_for(text, asked):
    assert kind_of(question(text, "Lantern Quay")) == Kind(asked, proper=True)
