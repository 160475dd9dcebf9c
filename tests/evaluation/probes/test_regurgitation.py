from dataclasses import replace
from types import SimpleNamespace

import pytest

from hybrid.evaluation.columns import Column
from hybrid.evaluation.probes.regurgitation import (
    Hidden,
    hidden_from,
    hidden_in_examples,
    hidden_in_training,
    planted,
    regurgitated,
    runs,
)
from hybrid.generation.prompt import Example
from hybrid.pipeline import Request
from hybrid.records import Answer, Gold, Passage, Question
from hybrid.tuning.canaries import canary, found_canaries, training_canaries

LONG = "Turn the ring left until the mark meets the second notch."
EXAMPLES = (Example("Near?", (), "5 years [1]"), Example("Nearest?", (), LONG))
PASSAGE = Passage(1, "a.md", "Rings", "Every ring has a mark.", 0, 22)


def request(id="q1", examples=EXAMPLES, passages=(PASSAGE,)):
    return Request(Question(id, "How do I open it?"), passages, examples)


def answer(text):
    return Answer(text, (), (), False, text)


def rates(texts, asked=None, hidden=None):
    """The figures of a column with planted examples that answered these texts, by question id."""
    asked = asked or {id: planted(request(id), 0) for id in texts}
    hidden = hidden or {id: hidden_in_examples(each, 0) for id, each in asked.items()}
    return regurgitated(asked, {id: answer(text) for id, text in texts.items()}, hidden, {})


def code(id):
    return canary(f"0 {id}").code


def test_the_nearest_example_alone_gets_a_canary():
    far, nearest = planted(request(), 0).examples
    assert far == EXAMPLES[0]
    assert nearest.answer == f"{LONG} The file number of this answer is {code('q1')}."
    assert planted(request(examples=()), 0) == request(examples=())


def test_every_question_has_a_canary_of_its_own():
    assert len({code(f"q{n}") for n in range(1000)}) == 1000
    assert len(code("q1")) == 12 and code("q1").isalnum()


def test_an_answer_with_its_canary_leaks_however_it_is_written():
    spread = "-".join([code("q2")[:4], code("q2")[4:8].lower(), code("q2")[8:]])
    found = rates({"q1": "5 years", "q2": f"Number {spread}.", "q3": code("q1"), "q4": "I don't know."})
    # Of four one: the code that q3 gives is not its own.
    assert (found["canary_rate"]["mean"], found["canary_rate"]["n"]) == (0.25, 4)
    assert found["canaries"] == 4


def test_a_canary_in_a_passage_shown_is_no_leak():
    shown = replace(PASSAGE, text=f"The file number is {code('q1')}.")
    asked = {"q1": planted(request(passages=(shown,)), 0)}
    assert rates({"q1": code("q1")}, asked)["canary_rate"]["mean"] == 0.0


def test_eight_words_of_an_example_are_a_copy_and_seven_are_none():
    eight = "You turn ring left until mark meets second notch"
    found = rates({"q1": eight, "q2": "Turn the ring left until a mark meets it", "q3": LONG})
    # Articles are no words: in q2 six are the example's in a row.
    assert found["copied_rate"]["mean"] == pytest.approx(2 / 3)
    assert len(runs([LONG])) == 1 and len(runs(["turn ring left until mark meets second"])) == 0


def test_a_copy_of_what_the_passages_or_the_question_say_is_none():
    shown = replace(PASSAGE, text=LONG)
    asked = {"q1": planted(request(passages=(shown,)), 0)}
    assert rates({"q1": LONG}, asked)["copied_rate"]["mean"] == 0.0
    echo = {"q1": planted(replace(request(), question=Question("q1", LONG)), 0)}
    assert rates({"q1": LONG}, echo)["copied_rate"]["mean"] == 0.0


def test_the_sentence_of_the_canary_is_no_copy():
    # Eight words: the last of the example's own answer and the seven of the sentence.
    found = rates({"q1": f"notch. {canary('0 q1').sentence}"})
    assert (found["canary_rate"]["mean"], found["copied_rate"]["mean"]) == (1.0, 0.0)


def test_what_cannot_be_looked_for_is_not_applicable():
    asked = {"q1": request()}
    unknown = rates({"q1": LONG}, asked, {"q1": Hidden(None, ())})
    assert {unknown[rate]["status"] for rate in ("canary_rate", "copied_rate")} == {"not_applicable"}
    assert unknown["copied_rate"]["reason"] == "what the adapter was tuned on is not known"
    short = rates({"q1": LONG}, asked, {"q1": Hidden(frozenset(), ())})
    assert short["copied_rate"]["reason"] == "no answer that could be copied has 8 words"
    assert short["canary_rate"]["reason"] == "no canaries were planted"


TRAINED = Question("t", "How?", (LONG,), gold=(Gold("a.md"),))


@pytest.fixture
def suite(monkeypatch):
    from hybrid.evaluation.probes import regurgitation

    monkeypatch.setattr(regurgitation, "trainable_questions", lambda suite: [TRAINED])
    return SimpleNamespace(name="warranty")


def adapter(**manifest):
    return SimpleNamespace(manifest=manifest)


def test_an_adapter_hides_its_targets_and_its_canaries(suite):
    hidden = hidden_in_training(adapter(sources=[{"suite": "warranty"}], seed=3, canaries=2), suite)
    assert (hidden.runs, hidden.canaries) == (runs([LONG]), tuple(training_canaries(2, 3)))
    assert hidden_in_training(adapter(sources=[{"suite": "warranty"}]), suite).canaries == ()
    assert hidden_in_training(adapter(sources=[{"suite": "another"}]), suite) == Hidden(None, ())
    assert hidden_in_training(adapter(), suite) == Hidden(None, ())


def test_only_tuned_cells_and_planted_columns_are_looked_at(suite):
    asked, made = {"q1": planted(request(), 0)}, adapter(suite="warranty", seed=0, canaries=1)
    seen = {
        column.name: hidden_from(column, asked, made, suite, 0)
        for column in (
            Column("base+rag", retrieval=True),
            Column("tuned", tuned=True),
            Column("few-shot", few_shot=True),
            Column("regurgitation/few-shot", few_shot=True, probe="regurgitation"),
            Column("oracle/tuned+rag", tuned=True, probe="oracle"),
        )
    }
    assert [name for name, hidden in seen.items() if hidden] == ["tuned", "regurgitation/few-shot"]
    assert found_canaries(seen["tuned"]["q1"].canaries[0].sentence, training_canaries(1, 0))
    assert hidden_from(Column("tuned", tuned=True), asked, None, suite, 0) is None
