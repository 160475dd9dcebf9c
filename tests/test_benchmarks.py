"""The benchmarks' parts, on a few draws; `make bench` runs them whole."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from adviser import choice  # noqa: E402
from committed import markdown  # noqa: E402
from coverage import binary_cells, coverage  # noqa: E402
from evaluation import alike, scores_in_batches  # noqa: E402
from grounded_average import average  # noqa: E402
from plain import answers_one_by_one, scores_by_ragas  # noqa: E402
from planning import compared, made_up_rows  # noqa: E402
from tuning import ALIKE, ARMS, Learned, compare, run_arm, summary, write_rows  # noqa: E402
from turns import Tried, Way, in_turn, ratios  # noqa: E402
from worlds import BY_NAME, COLUMNS, WORLDS, oracle_share  # noqa: E402

from hybrid.adapters import open_adapter  # noqa: E402
from hybrid.errors import ModelMismatch  # noqa: E402
from hybrid.judging.overlap import OverlapJudge  # noqa: E402
from hybrid.records import Answer, Passage, Question  # noqa: E402

SHOWN = (Passage(1, "figs.md", "Figs", "The warranty of this dryer lasts for five full years.", 0, 53),)
HALF = "The warranty of this dryer lasts for five years. A repair of the motor costs another ninety euros."


def test_there_are_enough_worlds_and_each_has_a_name():
    assert len(BY_NAME) == len(WORLDS) >= 24


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_the_adviser_is_not_confidently_wrong(world):
    allowed = world.best() | {"undecided"}
    assert sum(choice(world, seed) not in allowed for seed in range(5)) <= 1


@pytest.mark.parametrize("name", ["both help", "they clash", "only together"])
def test_the_adviser_is_right_where_it_is_plain(name):
    found = [choice(BY_NAME[name], seed) for seed in range(5)]
    assert sum(each in BY_NAME[name].best() for each in found) >= 4


# One group of half the questions shares one difficulty: its draws are far from the population's score.
@pytest.mark.parametrize("world", [w for w in WORLDS if w.group > 0], ids=lambda world: world.name)
def test_draws_have_the_scores_that_the_world_says(world):
    found = world.outcomes(np.random.default_rng(0), 40_000, flawed=False).scores(by_correct=world.by_correct)
    assert found == pytest.approx(world.true_scores(), abs=0.05)


def test_right_is_the_best_after_each_part_has_paid():
    worth = BY_NAME["both help"].true_worth()
    # 0.12 (few-shot) · 0.42 − d · 0.4 − d · 0.75 − 2 d
    assert worth == pytest.approx({"prompt only": 0.12, "retrieve": 0.37, "tune": 0.35, "both": 0.65})
    assert BY_NAME["both help"].best() == {"both"}
    assert BY_NAME["retrieval brings just d"].best() == {"prompt only", "retrieve"}
    assert BY_NAME["they replace each other"].best() == {"retrieve", "tune"}


def test_the_oracle_is_undecided_with_20_questions_and_not_with_2000():
    world = BY_NAME["both help"]
    assert oracle_share(world, 20, world.best()) < 0.9
    assert oracle_share(world, 2000, world.best()) == 1.0


def test_a_biased_judge_changes_scores_and_nothing_else():
    world = BY_NAME["judge blind to the tuned model with retrieval"]
    table, _, _ = world.draw(np.random.default_rng(0), 2000)

    def mean(column, metric):
        return np.mean([value.value for value in table[column][metric].values()])

    assert set(table) == set(COLUMNS)
    assert mean("tuned+rag", "correct") == pytest.approx(mean("base+rag", "correct"), abs=0.05)
    # right 0.5, hallucinated 0.5: 0 in truth; 70 % hidden: 0.5 − 0.15
    assert mean("base+rag", "score") == pytest.approx(0.0, abs=0.06)
    assert mean("tuned+rag", "score") == pytest.approx(0.35, abs=0.06)


def test_coverage_counts_in_percent():
    draw, truths = binary_cells((0.3, 0.55, 0.35, 0.65), 0.0)
    found = coverage(draw, truths, 60, True, False, 20)
    assert set(found) == {"mean", "retrieval_base", "retrieval", "interaction"}
    assert all(75 <= share <= 100 for share in found.values())
    assert coverage(draw, truths + 0.5, 60, True, False, 5)["mean"] == 0


def test_a_table_as_markdown():
    assert markdown(["a", "n"], [["x", 1]]) == "| a | n |\n| --- | ---: |\n| x | 1 |"


class OneByOne(OverlapJudge):
    """Refuses more than one pair at a time."""

    def verdicts(self, pairs):
        assert len(pairs) == 1
        return super().verdicts(pairs)


def row(text, *, abstained=False):
    return Question("q", "How long is the warranty?"), Answer(text, (), SHOWN, abstained, text)


def a_try(seconds, texts, scores):
    return Tried({"generation": seconds, "judging": 1.0, "total": seconds + 1}, [*map(row, texts)], scores)


# ragas leaves a file of its own open.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_plain_way_scores_as_ours_does():
    rows = [row(HALF), row("Five years."), row("I do not know.", abstained=True), row("Ninety euros.")]
    # one of two sentences · "five" and "years" are there, as is "warranty" · nothing stated · "ninety" is not
    assert scores_in_batches(OverlapJudge(), rows) == [0.5, 1.0, None, 0.0]
    assert scores_by_ragas(OneByOne(), rows) == [0.5, 1.0, None, 0.0]


def test_the_plain_way_writes_what_a_batch_of_one_writes(tiny_generator):
    prompts = [tiny_generator.prompt(text, SHOWN) for text in ("Why?", "How long is the warranty?")]
    alone = [tiny_generator.generate([prompt]).outputs[0].text for prompt in prompts]
    assert [output.text for output in answers_one_by_one(tiny_generator, prompts)] == alone


def test_ratios_are_of_one_repeat():
    slow = [a_try(9.0, [], []), a_try(3.0, [], []), a_try(5.0, [], [])]
    fast = [a_try(3.0, [], []), a_try(3.0, [], []), a_try(2.0, [], [])]
    found = ratios(slow, fast)
    # 9/3, 3/3, 5/2 · (9 + 1)/(3 + 1), 1, (5 + 1)/(2 + 1)
    assert found["generation"] == {"min": 1.0, "median": 2.5}
    assert found["total"] == {"min": 1.0, "median": 2.0}


def test_equal_answers_have_to_score_alike():
    ours = a_try(1.0, ["a", "b", "c", "d"], [0.5, 1.0, None, 0.0])
    same = alike(a_try(1.0, ["a", "b", "c", "other"], [0.5, 1.0, None, 1.0]), ours)
    assert same == {"equal_answers": 0.75, "judged_answers": 2, "faithfulness": [0.75, 0.75], "alike": True}
    assert not alike(a_try(1.0, ["a", "b", "c", "d"], [0.5, 0.99, None, 0.0]), ours)["alike"]
    assert not alike(a_try(1.0, ["a", "b", "c", "d"], [0.5, 1.0, 1.0, 0.0]), ours)["alike"]
    assert not alike(a_try(1.0, ["w", "x", "c", "z"], [0.5, 1.0, None, 0.0]), ours)["alike"]


def test_every_other_repeat_is_in_reversed_order():
    called = []
    ways = {
        name: Way(lambda prompts, name=name: called.append(name) or [], lambda rows: [])
        for name in ("a", "b")
    }
    assert {name: len(tries) for name, tries in in_turn(ways, [], [], 3).items()} == {"a": 3, "b": 3}
    # first to warm up
    assert "".join(called) == "ab" + "ab" + "ba" + "ab"


@pytest.mark.parametrize("method", ["lora", "qlora", "full"])
def test_the_peak_of_tuning_is_predicted_and_measured(method, tiny_weights):
    found = compared(method, str(tiny_weights.path), 2, 64, 2)
    assert found["ratio"] == found["predicted"]["total"] / found["measured"]
    # Of so small a model nearly all is the base: that it was measured is what this shows.
    assert 0.7 < found["ratio"] < 1.1


def test_made_up_rows_stay_rows_of_their_own_and_are_padded():
    lengths = [len(row.ids) for row in made_up_rows(2, 64, 2)]
    assert lengths == [64, 63, 62, 61]
    assert len({row.ids[0] for row in made_up_rows(2, 64, 2)}) == 4


@pytest.mark.parametrize("per_context", [1, 3])
def test_trl_with_the_same_settings_learns_the_same(per_context, tmp_path):
    file = tmp_path / "rows.json"
    assert write_rows("smoke", 3, per_context, file, rows=40)["rows"] == 40
    found = compare(file, 1, run_arm)
    outcome = summary(found)
    assert outcome["losses_apart"] < ALIKE
    assert {name: len(losses) for name, losses in outcome["losses"].items()} == {
        "ours": 3, "trl, matched": 3, "trl, defaults": 2,
    }  # fmt: skip
    assert found["ours"][0].label_tokens == found["trl, matched"][0].label_tokens > 0
    assert min(found["trl, defaults"][0].label_tokens, *outcome["peak_mb"].values()) > 0


def test_arms_run_in_turn_and_are_compared_repeat_by_repeat(tmp_path):
    called = []
    seconds = iter([1.0, 2.0, 4.0, 8.0, 6.0, 2.0])

    def run(name, file):
        called.append(name)
        return Learned(100, next(seconds), 10.0, [1.0, 0.5 if name == "ours" else 0.75])

    found = compare(tmp_path, 2, run)
    assert called == [*ARMS, *reversed(ARMS)]
    outcome = summary(found)
    # 2/1 and 6/2; 4/1 and 8/2
    assert outcome["ours_is_faster"] == {"trl, matched": 2.5, "trl, defaults": 4.0}
    assert outcome["losses_apart"] == 0.25


def adapter_of(folder, weight, shape=(2, 2)):
    folder.mkdir()
    save_file({"a": torch.full(shape, weight, dtype=torch.float16)}, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text("{}")
    (folder / "MANIFEST.json").write_text('{"seed": 7}')
    return folder


def test_the_mean_of_two_stages_lies_between_them(tmp_path):
    earlier, later = adapter_of(tmp_path / "1", 1.0), adapter_of(tmp_path / "2", 3.0)
    average(earlier, later, tmp_path / "mean", 0.25)
    assert load_file(tmp_path / "mean" / "adapter_model.safetensors")["a"].tolist() == [[1.5, 1.5]] * 2
    manifest = open_adapter(tmp_path / "mean").manifest
    assert manifest == {"seed": 7, "averaged": {"with": open_adapter(earlier).digest, "share_of_this": 0.25}}


def test_adapters_of_other_shapes_have_no_mean(tmp_path):
    earlier, later = adapter_of(tmp_path / "1", 1.0), adapter_of(tmp_path / "2", 3.0, shape=(4,))
    with pytest.raises(ModelMismatch, match="other tensors"):
        average(earlier, later, tmp_path / "mean", 0.5)
    assert not (tmp_path / "mean").exists()
