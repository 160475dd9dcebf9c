"""What the row builder guarantees whatever the policy is."""

import re
from collections import Counter, defaultdict

import pytest
from scipy.stats import chisquare

from hybrid.corpus.store import Corpus
from hybrid.generation.abstention import ABSTENTION
from hybrid.generation.citations import find_markers, marker
from hybrid.generation.encode import ChatEncoder
from hybrid.generation.prompt import REWORDED
from hybrid.generation.reason import without_quote
from hybrid.records import Document, Gold, Passage, Question
from hybrid.retrieval.embed import HashingEmbedder
from hybrid.retrieval.retriever import Retriever
from hybrid.specs import TuningSpec
from hybrid.testing import byte_tokenizer
from hybrid.tuning.builder import HIGHEST_MARKER, RowBuilder
from hybrid.tuning.distractors import is_about_another
from hybrid.tuning.encoding import IGNORED, fit_rows
from hybrid.tuning.gold import holds_answer, holds_words
from hybrid.tuning.rows import TrainingRow

PUMPS = 12
TEXT = """The K{n} pump has a warranty of {a} years. It weighs {b} kilograms, says Dr. Rose.

# Oil

The K{n} takes {c} litres of oil. It is sold in Ulm.

# Noise

The K{n} makes {d} decibels. It runs for {e} hours."""
ASKED = {
    "How long is the warranty of the K{n} in years?": "{a} years",
    "What does the K{n} weigh?": "{b} kilograms",
    "How much oil does the K{n} take?": "{c} litres",
    "How loud is the K{n}?": "{d} decibels",
    "How long does the K{n} run?": "{e} hours",
}
EVERYTHING = {
    "passages": (2, 5),
    "questions_per_context": 3,
    "distractors": {"hard": 0.3, "same_document": 0.2, "counterfactual": 0.3},
    "reason": "quote",
    "template_variation": 0.5,
    "markers": "random",
    "absent": "from_memory",
    "no_context": "from_memory",
}
POLICIES = {
    "default": {},
    "together": {"questions_per_context": 4},
    "several": {"passages": (2, 5)},
    "near": {"distractors": {"hard": 0.5, "same_document": 0.5}},
    "made-up": {"distractors": {"hard": 0.0, "counterfactual": 1.0}, "questions_per_context": 3},
    "ra-dit": {"form": "ra-dit", "questions_per_context": 2},
    "everything": EVERYTHING,
}
each_policy = pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)


def numbers(n):
    return {"n": n, "a": 20 + n, "b": 40 + n, "c": 60 + n, "d": 80 + n, "e": 100 + n}


@pytest.fixture
def pumps(state_folder):
    """Twelve pumps of three passages each, alike but for their names and numbers."""
    documents = [Document(f"k{n}.md", f"K{n}", TEXT.format(**numbers(n))) for n in range(PUMPS)]
    with Corpus.create("pumps", documents=documents, passage_chars=90) as corpus:
        yield corpus


@pytest.fixture
def retriever(pumps):
    return Retriever(pumps, HashingEmbedder(64), 3)


def told(document, question, answer, *quotes, **fields):
    """A question with its gold; without quotes the answer is the gold."""
    starts = [(document.text.index(quote), quote) for quote in quotes or (answer,)]
    gold = tuple(Gold(document.id, start, start + len(quote)) for start, quote in starts)
    return Question(f"{document.id} {question}", question, (answer,), gold=gold, part="train", **fields)


@pytest.fixture
def questions(pumps):
    """Of each pump five numbers, one answer of two passages, a yes or no, and what nobody can answer."""
    made = []
    for n, document in enumerate(pumps.documents()):
        values = numbers(n)
        made += [told(document, q.format(n=n), a.format(**values)) for q, a in ASKED.items()]
        oil, noise = f"{values['c']} litres", f"{values['d']} decibels"
        made.append(told(document, f"Oil and noise of the K{n}?", f"{oil} and {noise}", oil, noise))
        made.append(told(document, f"Is the K{n} sold in Ulm?", "yes", "It is sold in Ulm", kind="yes_no"))
        made.append(Question(f"none {n}", f"Who paints the K{n}?", (), answerable=False, gold=()))
    return made


@pytest.fixture
def build(pumps, retriever, questions):
    def build(rows=400, *, questions=questions, k=3, known=(), style="short", seed=0, avoid=(), **policy):
        spec = TuningSpec(rows=rows, **policy)
        builder = RowBuilder(pumps, retriever, passages=k, spec=spec, style=style, seed=seed, avoid=avoid)
        return builder.build(questions, known)

    return build


def of_kind(rows, kind):
    return [row for row in rows if row.kind == kind]


def offered(row):
    return dict(zip(row.numbers or range(1, len(row.passages) + 1), row.passages, strict=True))


def assert_uniform(rows):
    """Of rows with one passage that tells: it stands at each place equally often, for each length."""
    places = defaultdict(Counter)
    for row in rows:
        if len(row.cited) == 1:
            [place] = [place for place, passage in enumerate(row.passages) if passage.id in row.cited]
            places[len(row.passages)][place] += 1
    for length, counts in places.items():
        assert sum(counts.values()) > 40
        assert chisquare([counts[place] for place in range(length)]).pvalue > 0.001, (length, counts)
    return set(places)


@pytest.mark.parametrize(
    ("policy", "lengths"),
    [(POLICIES["together"], {3}), (POLICIES["several"], {2, 3, 4, 5}), (EVERYTHING, {2, 3, 4, 5})],
    ids=["together", "several", "everything"],
)
def test_the_gold_stands_at_every_place_equally_often(build, policy, lengths):
    assert assert_uniform(of_kind(build(1500, **policy), "gold")) == lengths


def test_the_gold_stands_at_every_place_equally_often_also_in_rows_that_were_too_long(build):
    rows = [row.shortened() for row in of_kind(build(900, k=4), "gold")]
    assert assert_uniform(rows) == {3}


@each_policy
@pytest.mark.parametrize("seed", [1, 2])
def test_no_distractor_holds_an_answer_and_no_text_stands_twice(build, policy, seed):
    for row in build(seed=seed, **policy):
        texts = [passage.text for passage in row.passages]
        assert len(set(texts)) == len(texts)
        others = [passage for passage in row.passages if passage.id not in row.cited]
        assert not any(holds_answer(row.question, passage) for passage in others)
        if row.kind == "gold" and len(row.question.gold) == 2 and policy.get("form") != "ra-dit":
            assert len(row.cited) == 2


@each_policy
def test_every_citation_and_every_quote_is_of_its_own_context(build, policy):
    rows = build(**policy)
    for row in rows:
        cited = {number for number, passage in offered(row).items() if passage.id in row.cited}
        assert set(find_markers(without_quote(row.target))) == {marker(number) for number in cited}
        assert bool(cited) == (row.kind == "gold")
        assert not row.quote or any(row.quote in p.text for p in row.passages if p.id in row.cited)
    quoted = [row for row in rows if row.quote]
    assert len(quoted) == (len(of_kind(rows, "gold")) if policy.get("reason") == "quote" else 0)


def test_a_quote_is_the_whole_sentence_that_tells(build, questions):
    rows = of_kind(build(reason="quote", distractors_only=0, no_context_rows=0), "gold")
    quotes = {row.question.id: row.quote for row in rows}
    assert quotes["k3.md What does the K3 weigh?"] == "It weighs 43 kilograms, says Dr. Rose."
    assert quotes["k3.md Is the K3 sold in Ulm?"] == "It is sold in Ulm."
    [row] = [row for row in rows if row.question.id == "k3.md What does the K3 weigh?"][:1]
    assert row.target.startswith("Quote: “It weighs 43 kilograms, says Dr. Rose.” Answer: 43 kilograms [")
    assert without_quote(row.target) == row.target.partition("Answer: ")[2]


def test_a_long_answer_is_cut_after_whole_sentences(build, pumps):
    said = "Dr. Rose says so. It weighs 43 kilograms. That is much. Too much."
    question = told(pumps.document("k3.md"), "What does the K3 weigh?", said, "It weighs 43 kilograms")
    [row, *_] = build(1, questions=[question], style="long", no_context_rows=0, distractors_only=0)
    assert row.sentences == ("Dr. Rose says so.", "It weighs 43 kilograms.", "That is much.")


def test_a_made_up_passage_is_about_another_thing_with_another_answer(build, pumps):
    known = {passage.id: passage for passage in pumps.passages()}
    line = re.compile(r"The K(\d+) (?:pump has a warranty of|takes|makes) (\d+) (?:years|litres|decibels)\.?")
    seen = 0
    for row in build(600, distractors={"hard": 0.0, "counterfactual": 1.0}):
        for passage in row.passages:
            if passage.id > 0:
                continue
            seen += 1
            origin = known[-passage.id]
            assert any(gold.document == origin.document for gold in row.question.gold)
            [name] = re.findall(r"K\d+", row.question.text)
            assert holds_words(origin.text, name) and not holds_words(passage.text, name)
            assert not any(holds_words(passage.text, answer) for answer in row.question.answers)
            # Whole names and numbers were put in: K1 is no part of K11.
            found = line.search(passage.text)
            assert found and int(found[1]) < PUMPS and 20 <= int(found[2]) < 120
            assert passage.title == f"K{found[1]}"
            assert passage.end - passage.start == len(passage.text)
    assert seen > 200


def test_beside_a_made_up_passage_nothing_is_asked_about_what_it_names(build):
    rows = build(900, **POLICIES["made-up"])
    made_up = [(row, passage) for row in rows for passage in row.passages if passage.id < 0]
    assert made_up and all(is_about_another(row.question, passage) for row, passage in made_up)
    contexts = Counter(tuple(passage.id for passage in row.passages) for row, _ in made_up)
    assert max(contexts.values()) > 1


def test_yes_and_no_are_never_put_for_another_answer(build, questions):
    polar = [question for question in questions if question.kind == "yes_no"]
    rows = build(200, questions=polar, distractors={"hard": 0.0, "counterfactual": 1.0})
    assert not any(passage.id < 0 for row in rows for passage in row.passages)


@pytest.mark.parametrize("k", [3, 25])
def test_random_numbers_are_distinct_and_the_target_cites_the_right_one(build, k):
    rows = build(300, k=k, markers="random", questions_per_context=2)
    for row in rows:
        assert len(set(row.numbers)) == len(row.passages) == len(row.numbers)
        assert all(1 <= number <= max(HIGHEST_MARKER, k) for number in row.numbers)
    gold = of_kind(rows, "gold")
    assert len({number for row in gold for number in row.numbers}) >= HIGHEST_MARKER
    for row in gold:
        right = {marker(n) for n, passage in offered(row).items() if passage.id in row.cited}
        assert set(find_markers(row.target)) == right


@pytest.mark.parametrize("style", ["short", "long"])
def test_the_instruction_is_worded_otherwise_in_its_share_of_rows(build, style):
    rows = build(500, style=style, template_variation=0.4)
    counts = Counter(row.wording for row in rows)
    assert set(counts) == set(range(len(REWORDED[style]) + 1))
    # 500 draws: a standard deviation is 2.2 points.
    assert 1 - counts[0] / 500 == pytest.approx(0.4, abs=0.08)
    assert {row.wording for row in build(100, style=style)} == {0}


def test_the_form_of_ra_dit_shows_one_passage(build):
    rows = build(form="ra-dit", k=5)
    assert {len(row.passages) for row in rows if row.kind != "no_context"} == {1}
    assert {row.target for row in of_kind(rows, "distractors")} == {ABSTENTION}


@pytest.mark.parametrize(
    ("policy", "kind"),
    [({"absent": "from_memory"}, "distractors"), ({"no_context": "from_memory"}, "no_context")],
)
def test_from_memory_teaches_what_the_base_knows_and_cites_nothing(build, questions, policy, kind):
    known = {question.id for question in questions[::2]}
    rows = build(600, known=known, questions_per_context=2, no_context_rows=0.3, **policy)
    other = next(each for each in ("distractors", "no_context") if each != kind)
    assert {row.target for row in of_kind(rows, other)} == {ABSTENTION}
    targets = {row.question.id: row.target for row in of_kind(rows, kind)}
    answers = {question.id: question.answers for question in questions if question.answerable}
    assert len(targets) > 30
    for id, target in targets.items():
        remembered = id in known and id in answers
        assert target == (answers[id][0] if remembered else ABSTENTION)


@pytest.mark.parametrize(
    ("policy", "kind"), [({"absent": "answer"}, "distractors"), ({"no_context": "answer"}, "no_context")]
)
def test_answer_teaches_all_by_heart_that_has_an_answer(build, questions, policy, kind):
    answers = {question.id: question.answers[0] for question in questions if question.answerable}
    rows = of_kind(build(300, no_context_rows=0.3, **policy), kind)
    assert {row.question.id for row in rows} & answers.keys()
    for row in rows:
        assert row.target == answers.get(row.question.id, ABSTENTION) and not row.cited


@pytest.mark.parametrize("beside", [1, 2, 4])
@pytest.mark.parametrize(("silent", "none"), [(0.2, 0.1), (0.4, 0.2)])
def test_kinds_have_their_shares_also_with_questions_beside(build, beside, silent, none):
    rows = build(1200, questions_per_context=beside, distractors_only=silent, no_context_rows=none)
    counts = Counter(row.kind for row in rows)
    assert len(rows) == 1200
    assert counts["distractors"] / 1200 == pytest.approx(silent, abs=0.05)
    assert counts["no_context"] / 1200 == pytest.approx(none, abs=0.05)


def test_questions_beside_share_passages_numbers_and_wording(build):
    rows = build(400, questions_per_context=4, markers="random", template_variation=0.5)
    contexts = defaultdict(list)
    for row in rows:
        if row.passages:
            contexts[row.passages, row.numbers].append(row)
    assert max(map(len, contexts.values())) == 4 and len(contexts) < 150
    for together in contexts.values():
        assert len({row.wording for row in together}) == 1
        assert len({row.question.id for row in together}) == len(together)


def test_where_no_other_question_is_told_the_silent_ones_get_no_more_rows(build, questions):
    only = [question for question in questions if "weigh" in question.text]
    rows = build(300, questions=only, questions_per_context=6, no_context_rows=0, k=1)
    assert len(of_kind(rows, "distractors")) / len(rows) == pytest.approx(0.2, abs=0.05)


@each_policy
def test_documents_to_avoid_are_never_read(build, questions, policy):
    avoid = {"k8.md", "k9.md", "k10.md"}
    asked = [question for question in questions if not {gold.document for gold in question.gold} & avoid]
    shown = {p.document for row in build(300, questions=asked, avoid=avoid, **policy) for p in row.passages}
    assert "k7.md" in shown and not shown & avoid


@each_policy
def test_a_row_that_is_too_long_drops_passages_and_never_the_answer(build, policy):
    tokenizer = byte_tokenizer()
    encoder, options = ChatEncoder(tokenizer), {"end_id": tokenizer.eos_token_id}
    rows = build(150, **policy)
    for limit in (10**6, 800, 640):
        for lesson in fit_rows(rows, encoder, max_tokens=limit, **options):
            learned = [label for label in lesson.encoded.labels if label != IGNORED]
            assert learned == [*encoder.text(lesson.target), tokenizer.eos_token_id]
            assert len(lesson.encoded.ids) <= limit
            row = lesson.row
            assert {p.id for p in row.passages} >= row.cited
            asked = lesson.messages[-1].content
            for number, passage in offered(row).items():
                assert f"{marker(number)} {passage.title}: {passage.text}" in asked
    whole = {(row.question.id, row.kind): row for row in rows}
    assert len(fit_rows(rows, encoder, max_tokens=10**6, **options)) == len(rows) >= len(whole)


def test_random_numbers_stay_with_their_passages_when_one_is_dropped():
    passages = tuple(Passage(i, "d", "", str(i), i, i + 1) for i in range(4))
    row = TrainingRow(Question("q", "?"), "gold", passages, ("x",), frozenset({2}), numbers=(9, 4, 7, 2))
    shorter = row.shortened()
    assert len(shorter.passages) == 3 and shorter.target == row.target == "x [7]"
    assert offered(shorter).items() < offered(row).items()


def test_the_seed_decides_everything(build):
    assert (
        build(80, seed=3, **EVERYTHING) == build(80, seed=3, **EVERYTHING) != build(80, seed=4, **EVERYTHING)
    )
