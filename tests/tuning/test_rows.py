from collections import Counter

import pytest
from scipy.stats import chisquare

from hybrid.corpus.store import Corpus
from hybrid.generation.abstention import ABSTENTION
from hybrid.generation.citations import find_markers, marker
from hybrid.records import Document, Gold, Passage, Question
from hybrid.retrieval.embed import HashingEmbedder
from hybrid.retrieval.retriever import Retriever
from hybrid.specs import TuningSpec
from hybrid.tuning.builder import RowBuilder
from hybrid.tuning.distractors import HARD_POOL
from hybrid.tuning.gold import gold_passages, holds_answer, trainable
from hybrid.tuning.rows import TrainingRow


@pytest.fixture
def build(small_corpus, small_retriever, training):
    def build(rows=120, *, questions=training, passages=3, style="short", seed=0, known=(), **shares):
        spec = TuningSpec(rows=rows, **shares)
        builder = RowBuilder(
            small_corpus, small_retriever, passages=passages, spec=spec, style=style, seed=seed
        )
        return builder.build(questions, known)

    return build


def of_kind(rows, kind):
    return [row for row in rows if row.kind == kind]


def test_the_gold_stands_at_every_place_equally_often(build):
    rows = of_kind(build(600, passages=4), "gold")
    places = Counter(
        place for row in rows for place, passage in enumerate(row.passages) if passage.id in row.cited
    )
    assert sorted(places) == [0, 1, 2, 3]
    assert chisquare(list(places.values())).pvalue > 0.01


def test_no_distractor_holds_an_answer_and_no_passage_stands_twice(build):
    for row in build(300):
        texts = [passage.text for passage in row.passages]
        assert len(set(texts)) == len(texts) == (0 if row.kind == "no_context" else 3)
        distractors = [passage for passage in row.passages if passage.id not in row.cited]
        assert not any(holds_answer(row.question, passage) for passage in distractors)


def test_a_passage_elsewhere_that_holds_the_answer_is_no_distractor(build, small_corpus, training):
    small_corpus.add([Document("tart.md", "Tart", "What does one fig tart cost? As a fig: 15 cents.")])
    rows = build(60, questions=training[5:6], passages=4, distractors={"hard": 1})
    assert "tart.md" not in {passage.document for row in rows for passage in row.passages}


def test_a_passage_that_holds_a_part_of_the_gold_is_no_distractor(build, small_corpus, training):
    first, second = small_corpus.holding(Gold("fig.md"))
    across = Question("q", "Is the fig green?", ("yes",), gold=(Gold("fig.md", first.end - 5, second.end),))
    shown = {passage.id for row in build(60, questions=[across], passages=4) for passage in row.passages}
    assert (first.id in shown, second.id in shown) == (False, True)


@pytest.mark.parametrize("documents_that_tell", [("0.md",), ("0.md", "1.md")])
@pytest.mark.parametrize(("silent", "least"), [(0, 4), (1, 3)])
def test_texts_that_stand_in_two_documents_are_shown_once(state_folder, documents_that_tell, silent, least):
    documents = [Document(f"{row}.md", "", f"Is it open? Yes, {row // 2}.") for row in range(8)]
    gold = tuple(Gold(document, 0, 5) for document in documents_that_tell)
    with Corpus.create("twins", documents=documents) as corpus:
        retriever = Retriever(corpus, HashingEmbedder(64), 3)
        question = Question("q", "Is it open?", ("yes",), gold=gold)
        spec = TuningSpec(rows=40, distractors_only=silent, no_context_rows=0, distractors={"hard": 1})
        rows = RowBuilder(corpus, retriever, passages=4, spec=spec).build([question])
    shown = [[passage.text for passage in row.passages] for row in rows]
    assert {len(texts) for texts in shown} == {len(set(texts)) for texts in shown} == {least}
    # A copy of what tells, in a document that is not gold, tells as well.
    assert all((documents[0].text in texts) != silent for texts in shown)


def test_a_passage_whose_title_is_the_answer_is_no_distractor(build, small_corpus, training):
    small_corpus.add([Document("sale.md", "A fig for 15 cents", "What does one fig cost? See above.")])
    rows = build(60, questions=training[5:6], passages=4, distractors={"hard": 1})
    assert "sale.md" not in {passage.document for row in rows for passage in row.passages}


def test_every_marker_of_a_target_is_that_of_the_gold_in_its_own_row(build):
    for row in of_kind(build(200), "gold"):
        [gold] = [place for place, passage in enumerate(row.passages, 1) if passage.id in row.cited]
        assert find_markers(row.target) == (marker(gold),)
        assert row.target == f"{row.question.answers[0]} {marker(gold)}"
        assert row.question.answers[0] in row.passages[gold - 1].text


def test_where_passages_do_not_tell_the_target_abstains(build):
    rows = build(200)
    assert {row.target for row in of_kind(rows, "distractors")} == {ABSTENTION}
    unanswerable = [row for row in rows if not row.question.answerable]
    assert {row.kind for row in unanswerable} == {"distractors"} and len(unanswerable) > 10


def bound_to(document):
    return Question("bound", "What does one fig cost?", (), False, (Gold(document),), kind="unanswerable")


def test_a_bound_question_is_shown_its_own_passages_and_abstains(build, small_corpus):
    own = {passage.id for passage in small_corpus.holding(Gold("fig.md"))}
    rows = build(60, questions=[bound_to("fig.md")], no_context_rows=0.5)
    assert {(row.kind, row.target, row.cited) for row in rows} == {("distractors", ABSTENTION, frozenset())}
    assert all(own < {passage.id for passage in row.passages} for row in rows)
    alone = build(60, questions=[bound_to("fig.md")], passages=1)
    assert {passage.id for row in alone for passage in row.passages} == own


def test_a_bound_question_is_shown_no_passages_for_being_near(build, small_corpus):
    rows = build(200, questions=[bound_to("fig.md")], distractors={"hard": 1})
    others = {passage.id for row in rows for passage in row.passages if passage.document != "fig.md"}
    # All 14 of the other documents, where the near ones would be 12 at most.
    assert len(others) == 14 > HARD_POOL


@pytest.mark.parametrize(("distractors", "none"), [(0.2, 0.1), (0.5, 0.25), (0.0, 0.0), (0.7, 0.6)])
def test_kinds_have_their_shares(build, distractors, none):
    rows = build(200, distractors_only=distractors, no_context_rows=none)
    counts = Counter(row.kind for row in rows)
    unanswerable = sum(not row.question.answerable for row in rows)
    assert len(rows) == 200
    assert counts["distractors"] == max(200 * distractors, unanswerable)
    assert counts["no_context"] == min(200 * none, 200 - counts["distractors"])


def test_questions_come_again_only_when_all_were_used(build, training):
    asked = [row.question.id for row in build(2 * len(training))]
    assert set(asked[: len(training)]) == set(asked[len(training) :]) == {q.id for q in training}


def test_a_question_that_comes_again_has_fresh_distractors(build, training):
    rows = of_kind(build(60, questions=training[:1], no_context_rows=0, distractors_only=0), "gold")
    assert len({row.passages for row in rows}) > 20


@pytest.mark.parametrize(("share", "near"), [(1.0, True), (0.0, False)])
def test_hard_distractors_come_from_the_retriever(build, small_retriever, training, share, near):
    hits = {q.id: small_retriever.retrieve(q.text, HARD_POOL) for q in training}
    found = [
        passage in [hit.passage for hit in hits[row.question.id]]
        for row in build(100, distractors={"hard": share}, no_context_rows=0)
        for passage in row.passages
    ]
    assert all(found) == near


def test_rows_without_context_abstain_unless_the_base_knows(build):
    remembered = build(200, no_context_rows=0.4, no_context="from_memory", known={"fig.md", "apple.md"})
    targets = {(row.question.id, row.target) for row in of_kind(remembered, "no_context")}
    assert {("fig.md", "15 cents"), ("apple.md", "10 cents"), ("grape.md", ABSTENTION)} <= targets
    assert len(targets) == 8
    forgetful = build(200, no_context_rows=0.4, known={"fig.md", "apple.md"})
    assert {row.target for row in of_kind(forgetful, "no_context")} == {ABSTENTION}


def test_long_answers_cite_after_every_sentence_and_end_after_three(build, training):
    fig = training[5]
    long = Question(fig.id, fig.text, ("It is 15 cents. Per fig! Is that much? No.",), gold=fig.gold)
    [row] = build(1, questions=[long], style="long", no_context_rows=0, distractors_only=0, passages=1)
    assert row.target == "It is 15 cents. [1] Per fig! [1] Is that much? [1]"


def test_two_golds_are_both_shown_and_cited(build, training):
    both = Question("both", "What do they cost?", ("12 and 13",), gold=training[2].gold + training[3].gold)
    for row in build(20, questions=[both], no_context_rows=0, distractors_only=0):
        cited = {passage.document for passage in row.passages if passage.id in row.cited}
        assert cited == {"cherry.md", "damson.md"}
        assert len(find_markers(row.target)) == 2


def test_the_seed_decides_everything(build):
    assert build(50, seed=3) == build(50, seed=3) != build(50, seed=4)


def test_the_gold_passage_is_the_one_that_holds_most_of_the_span(small_corpus):
    text = small_corpus.document("fig.md").text
    cut = text.index("# Price")
    question = Question("q", "?", ("x",), gold=(Gold("fig.md", cut - 6, cut + 20), Gold("apple.md")))
    assert [passage.text[:7] for passage in gold_passages(small_corpus, question)] == ["# Price"]


@pytest.mark.parametrize(
    ("question", "can"),
    [
        (Question("q", "?", ("15",), gold=(Gold("fig.md", 0, 5),)), True),
        (Question("q", "?", (), answerable=False, gold=()), True),
        (Question("q", "?", None, gold=(Gold("fig.md", 0, 5),)), False),
        (Question("q", "?", ("15",), gold=None), False),
        (Question("q", "?", ("15 cents",), gold=(Gold("fig.md"),)), True),
        (Question("q", "?", ("9 cents",), gold=(Gold("fig.md"),)), False),
        (Question("q", "?", ("15",), gold=(Gold("gone.md", 0, 5),)), False),
    ],
)
def test_a_question_can_be_trained_on_if_reference_and_gold_are_known(small_corpus, question, can):
    assert trainable(small_corpus, question) == can


@pytest.mark.parametrize(
    ("answer", "text", "held"),
    [
        ("five years", "It lasts FIVE\nyears.", True),
        ("five", "It is twenty-five.", False),
        ("five years", "It lasts 5 years.", True),
        ("1,200 kg", "It weighs 1200 kg.", True),
        ("U.S.", "In the US it is sold.", True),
        ("five", "fivefold", False),
        ("yes", "Yes, it is.", False),
        ("…", "…", False),
    ],
)
def test_an_answer_is_held_as_words(answer, text, held):
    assert holds_answer(Question("q", "?", (answer,)), Passage(1, "d", "", text, 0, 1)) == held


def test_a_shortened_row_loses_an_uncited_passage_and_counts_its_markers_anew():
    passages = tuple(Passage(i, "d", "", str(i), i, i + 1) for i in range(3))
    row = TrainingRow(Question("q", "?"), "gold", passages, ("x",), frozenset({2}))
    assert (row.target, row.shortened().target) == ("x [3]", "x [2]")
    assert row.shortened() == row.shortened()
    shortest = row.shortened().shortened()
    assert (shortest.passages, shortest.target, shortest.shortened()) == (passages[2:], "x [1]", None)


def test_too_many_unanswerable_questions_get_no_more_than_their_share(build, training):
    silent = [Question(f"s{n}", f"Who grows fig {n}?", (), False, ()) for n in range(30)]
    rows = build(100, questions=[*training, *silent], distractors_only=0.2, no_context_rows=0)
    assert sum(not row.question.answerable for row in rows) == 20
    # In any order, not at the end.
    assert len({row.question.answerable for row in rows[:20]}) == 2
    only = build(10, questions=silent[:5], no_context_rows=0)
    assert len(only) == 10


def test_a_reference_in_a_text_without_spaces_is_found():
    passage = Passage(1, "d", "", "雾眉茶园要有二十一个芽头达标", 0, 14)
    assert holds_answer(Question("q", "?", ("二十一个",)), passage)
    assert not holds_answer(Question("q", "?", ("二十二个",)), passage)
