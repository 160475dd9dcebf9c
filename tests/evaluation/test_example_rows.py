from hybrid.evaluation.example_rows import behind_effect, where, with_rows
from hybrid.records import Value


def column(*values):
    return {"score": {f"q{i}": Value(float(value)) for i, value in enumerate(values)}}


TABLE = {"base": column(0, 0, 0, 0, 0, 0, 1, 1), "base+rag": column(1, 1, 1, 1, 1, 0, 0, 1)}


def test_most_rows_speak_for_the_mean_and_some_against_it():
    # five gain, q6 loses, q5 and q7 stay
    found = behind_effect("retrieval_base", "score", TABLE)
    assert [row["question_id"] for row in found] == ["q0", "q1", "q2", "q3", "q6"]
    assert {row["cell"] for row in found} == {"base+rag"}


def test_main_effects_have_no_single_rows():
    assert behind_effect("retrieval", "score", TABLE) == []


def test_rows_with_a_value():
    assert where(TABLE, "base", "score", 1.0) == [
        {"question_id": "q6", "cell": "base"},
        {"question_id": "q7", "cell": "base"},
    ]


def test_sentences_get_the_rows_of_their_effect():
    sentences = [{"text": "a", "effect": "retrieval_base"}, {"text": "b", "effect": ""}]
    found = with_rows(sentences, {"retrieval_base": {"metric": "score"}}, TABLE)
    assert [len(sentence["rows"]) for sentence in found] == [5, 0]
