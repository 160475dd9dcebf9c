import json

import pytest

from hybrid.generation.answers import AnswerStore, Generated, GeneratedBatch, batch_key

BATCH = GeneratedBatch((Generated("Five [1]. 猫", 3), Generated("", 0)), seconds=0.25, peak_memory_mb=9.5)


@pytest.fixture
def store(tmp_path):
    return AnswerStore(tmp_path / "answers")


def test_what_was_put_is_got(store):
    assert store.get("abc") is None
    store.put("abc", BATCH)
    assert store.get("abc") == BATCH
    assert store.get("abd") is None


def test_a_batch_that_could_not_be_written_is_not_there(store, monkeypatch):
    def fail(data, file):
        file.write('{"outputs": [')
        raise OSError("disk full")

    monkeypatch.setattr(json, "dump", fail)
    with pytest.raises(OSError, match="disk full"):
        store.put("abc", BATCH)
    assert store.get("abc") is None


@pytest.mark.parametrize(
    ("setup", "prompts"), [("b", [[1, 2], [3]]), ("a", [[1, 2, 3]]), ("a", [[3], [1, 2]]), ("a", [[1, 2]])]
)
def test_setup_prompts_and_their_order_decide_the_key(setup, prompts):
    assert batch_key(setup, prompts) != batch_key("a", [[1, 2], [3]])


def test_equal_batches_have_one_key():
    assert batch_key("a", [(1, 2), (3,)]) == batch_key("a", [[1, 2], [3]])
