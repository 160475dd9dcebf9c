"""Simulated worlds of which the truth is known, to try the adviser on.

    python benchmarks/worlds.py        # lists them, with the choices that are right

A world says how often each column is right, silent, or wrong, and how a run in it is flawed. What is true of
a column is its score: right answers less hallucinated ones, of questions such as will be asked.

Right is the option whose true score, less d for each of its parts, is the highest; so is each within a point
of it, and of retrieval and tuning (as many parts) the other one if it is less than d behind, but not behind
the rest.
``undecided`` is right, too, where an oracle would be undecided: one that applies the adviser's rule to the
same questions, but is told the true standard errors and judges without error. If it gets to a right option in
less than 95 of 100 draws, nobody has to. In worlds with a biased judge ``undecided`` is always right, because
what is observed does not hold the truth.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from scipy import special

from hybrid.evaluation.choice import OPTIONS, PAIRS, PARTS, choose
from hybrid.records import Status, Value

COLUMNS = ("base", "base+rag", "tuned", "tuned+rag", "few-shot", "few-shot+rag")
D = 0.05
TIE = 0.01
ORACLE_DRAWS = 400
ORACLE_SHARE = 0.95
Z = 1.959964
METRICS = ("score", "correct", "answer_rate", "abstention_recall", "false_abstention")
NOT_APPLICABLE = Value(None, Status.NOT_APPLICABLE, "not asked here")
VALUES = {value: Value(float(value)) for value in (-1, 0, 1)}

Draw = tuple[dict[str, dict[str, dict[str, Value]]], dict[str, str], dict[str, str]]


@dataclass(frozen=True)
class Answers:
    """How a column answers: what is neither right, silent nor misled is hallucinated.

    Attributes:
        right: share of answerable questions answered right.
        silent: share of them that it abstains on.
        misled: share of them answered wrongly, but true to a passage.
        recall: share of unanswerable questions that it abstains on; it hallucinates on the others.
    """

    right: float
    silent: float = 0.0
    misled: float = 0.0
    recall: float = 0.0


@dataclass(frozen=True)
class World:
    """A population of questions and six ways to answer them.

    Attributes:
        name: of the world.
        columns: how each column answers questions such as will be asked.
        n: questions of a run.
        group: questions of a group; -1 for one group of half the questions and the rest in fours.
        grouped: correlation of difficulty within a group.
        shared: correlation of difficulty between the columns.
        unanswerable: share of questions that nothing answers.
        hidden: column → share of its hallucinations that the judge passes.
        harsh: column → share of its right answers that the judge calls hallucinated.
        seen: how columns answer the half of the questions on documents that tuning saw; they are not what
            will be asked.
        by_correct: whether the truth is the share of right answers, because silence is not worth having.
    """

    name: str
    columns: Mapping[str, Answers]
    n: int = 200
    group: int = 1
    grouped: float = 0.0
    shared: float = 0.5
    unanswerable: float = 0.0
    hidden: Mapping[str, float] = field(default_factory=dict)
    harsh: Mapping[str, float] = field(default_factory=dict)
    seen: Mapping[str, Answers] = field(default_factory=dict)
    by_correct: bool = False

    def true_scores(self) -> np.ndarray:
        """The population's score of each column."""
        return np.array([self._true_score(self.columns[name]) for name in COLUMNS])

    def _true_score(self, column: Answers) -> float:
        if self.by_correct:
            return column.right
        hallucinated = 1 - column.right - column.silent - column.misled
        answerable = column.right - hallucinated
        return (1 - self.unanswerable) * answerable + self.unanswerable * (2 * column.recall - 1)

    def true_worth(self) -> dict[str, float]:
        """Option → score of its best column, less d for each part."""
        scores = dict(zip(COLUMNS, self.true_scores(), strict=True))
        return {o: max(scores[c] for c in columns) - D * PARTS[o] for o, columns in OPTIONS.items()}

    def best(self) -> set[str]:
        """The options that are right."""
        worth = self.true_worth()
        top = max(worth.values())
        best = {option for option, value in worth.items() if value >= top - TIE}
        others = max(worth["prompt only"], worth["both"])
        for option, equal in (("retrieve", "tune"), ("tune", "retrieve")):
            if option in best and worth[equal] > max(worth[option] - D, others - TIE):
                best.add(equal)
        return best

    def right(self, n: int | None = None) -> set[str]:
        """The right choices for a run with n questions: the best options, and ``undecided`` where it is."""
        return right_choices(self.name, n or self.n)

    def latent(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Uniform numbers per question and column, low is easy, and the group of each question."""
        groups = group_numbers(self.group, n)
        own = 1 - self.shared - self.grouped
        difficulty = (
            np.sqrt(self.grouped) * rng.normal(size=groups.max() + 1)[groups][:, None]
            + np.sqrt(self.shared) * rng.normal(size=(n, 1))
            + np.sqrt(own) * rng.normal(size=(n, len(COLUMNS)))
        )
        return special.ndtr(difficulty), groups

    def outcomes(self, rng: np.random.Generator, n: int, *, flawed: bool = True) -> "Outcomes":
        """What is answered to n questions; without flaws all of them are such as will be asked."""
        uniform, groups = self.latent(rng, n)
        answerable = rng.random(n) >= self.unanswerable
        seen = (groups % 2 == 0) & bool(self.seen) & flawed
        right, silent = np.zeros(uniform.shape, dtype=bool), np.zeros(uniform.shape, dtype=bool)
        misled = np.zeros(uniform.shape, dtype=bool)
        for c, name in enumerate(COLUMNS):
            for rows, column in (
                (~seen, self.columns[name]),
                (seen, self.seen.get(name, self.columns[name])),
            ):
                u = uniform[:, c]
                limits = np.cumsum([column.right, column.silent, column.misled])
                right[:, c] |= rows & answerable & (u < limits[0])
                silent[:, c] |= rows & answerable & (u >= limits[0]) & (u < limits[1])
                silent[:, c] |= rows & ~answerable & (u < column.recall)
                misled[:, c] |= rows & answerable & (u >= limits[1]) & (u < limits[2])
        return Outcomes(right, silent, misled, answerable, seen, groups)

    def draw(self, rng: np.random.Generator, n: int | None = None) -> Draw:
        """One run as the evaluation keeps it: the table, the groups, the splits."""
        found = self.outcomes(rng, n or self.n)
        hallucinated = ~(found.right | found.silent | found.misled)
        for c, name in enumerate(COLUMNS):
            chance = rng.random(len(hallucinated))
            passed = hallucinated[:, c] & (chance < self.hidden.get(name, 0))
            flagged = found.right[:, c] & (chance < self.harsh.get(name, 0))
            hallucinated[:, c] = (hallucinated[:, c] & ~passed) | flagged
        return found.table(hallucinated)


@dataclass(frozen=True)
class Outcomes:
    """What became of each question in each column, and what the questions are."""

    right: np.ndarray
    silent: np.ndarray
    misled: np.ndarray
    answerable: np.ndarray
    seen: np.ndarray
    groups: np.ndarray

    def scores(self, *, by_correct: bool) -> np.ndarray:
        """Mean score of each column, by a judge without error."""
        if by_correct:
            return self.right[self.answerable].mean(axis=0)
        good = self.right | (self.silent & ~self.answerable[:, None])
        bad = ~(self.right | self.silent | self.misled)
        return good.mean(axis=0) - bad.mean(axis=0)

    def table(self, hallucinated: np.ndarray) -> Draw:
        """The rows as the evaluation keeps them."""
        ids = [f"q{i}" for i in range(len(self.groups))]
        good = self.right | (self.silent & ~self.answerable[:, None])
        silent = self.silent.astype(int)
        everywhere = np.ones(len(ids), dtype=bool)
        kept = {
            "score": (good.astype(int) - hallucinated, everywhere),
            "correct": (self.right.astype(int), self.answerable),
            "answer_rate": (1 - silent, everywhere),
            "abstention_recall": (silent, ~self.answerable),
            "false_abstention": (silent, self.answerable),
        }
        table = {
            name: {metric: _column(ids, rows[:, c], where) for metric, (rows, where) in kept.items()}
            for c, name in enumerate(COLUMNS)
        }
        groups = {id: f"g{group}" for id, group in zip(ids, self.groups.tolist(), strict=True)}
        splits = {id: "seen" if seen else "unseen" for id, seen in zip(ids, self.seen.tolist(), strict=True)}
        return table, groups, splits


def _column(ids: list[str], rows: np.ndarray, where: np.ndarray) -> dict[str, Value]:
    return {
        id: VALUES[value] if applies else NOT_APPLICABLE
        for id, value, applies in zip(ids, rows.tolist(), where.tolist(), strict=True)
    }


def group_numbers(size: int, n: int) -> np.ndarray:
    """The group of each question."""
    if size > 0:
        return np.arange(n) // size
    return np.concatenate([np.zeros(n // 2, dtype=int), 1 + np.arange(n - n // 2) // 4])


@cache
def right_choices(name: str, n: int) -> set[str]:
    """The right choices in a world of this name with n questions."""
    world = BY_NAME[name]
    best = world.best()
    if world.hidden or world.harsh or oracle_share(world, n, best) < ORACLE_SHARE:
        return best | {"undecided"}
    return best


def oracle_share(world: World, n: int, best: set[str]) -> float:
    """How often the oracle gets to a right option."""
    rng = np.random.default_rng(7)
    kwargs = {"by_correct": world.by_correct}
    means = np.array([world.outcomes(rng, n, flawed=False).scores(**kwargs) for _ in range(ORACLE_DRAWS)])
    covariance = np.cov(means.T)
    hits = sum(choose(_rows(mean, covariance, n), D, COLUMNS).choice in best for mean in means)
    return hits / ORACLE_DRAWS


def _rows(means: np.ndarray, covariance: np.ndarray, n: int) -> dict[str, dict[str, float]]:
    """The comparisons of two columns with their true standard errors."""
    rows = {}
    for name, (above, below) in PAIRS.items():
        a, b = COLUMNS.index(above), COLUMNS.index(below)
        half = Z * np.sqrt(max(0.0, covariance[a, a] + covariance[b, b] - 2 * covariance[a, b]))
        mean = means[a] - means[b]
        rows[name] = {"mean": mean, "low": mean - half, "high": mean + half, "n": n}
    return rows


def columns(*rights: float, misled: float = 1.0, **others: Answers) -> dict[str, Answers]:
    """Six columns by their shares of right answers; of the wrong ones this share is only misled."""
    made = {name: Answers(r, misled=misled * (1 - r)) for name, r in zip(COLUMNS, rights, strict=True)}
    return made | {name.replace("_", "+"): answers for name, answers in others.items()}


HALF = {"misled": 0.5}
SILENT = Answers(0.0, silent=1.0, recall=1.0)
# base, base+rag, tuned, tuned+rag, few-shot, few-shot+rag
WORLDS = (
    World("retrieval helps", columns(0.1, 0.6, 0.12, 0.6, 0.1, 0.6), n=500, shared=0.95),
    World("retrieval helps, few questions", columns(0.1, 0.6, 0.12, 0.6, 0.1, 0.6), n=60),
    World("tuning helps", columns(0.1, 0.12, 0.6, 0.6, 0.12, 0.12), n=500, shared=0.95),
    World("both help", columns(0.1, 0.4, 0.4, 0.75, 0.12, 0.42)),
    World("both help, hallucinations count", columns(0.1, 0.4, 0.4, 0.8, 0.1, 0.4, misled=0.0)),
    World("neither helps", columns(0.3, 0.31, 0.3, 0.3, 0.3, 0.3), n=500, shared=0.95),
    World("they clash", columns(0.2, 0.65, 0.4, 0.3, 0.2, 0.6)),
    World("only together", columns(0.1, 0.1, 0.1, 0.5, 0.1, 0.1)),
    World("they replace each other", columns(0.1, 0.6, 0.6, 0.6, 0.1, 0.6), n=500, shared=0.95),
    World("retriever broken", columns(0.4, 0.25, 0.4, 0.25, 0.4, 0.25), n=500, shared=0.95),
    World("retriever broken, tuning helps", columns(0.2, 0.1, 0.6, 0.45, 0.2, 0.1)),
    World(
        "judge blind to the tuned model with retrieval",
        columns(0.1, 0.5, 0.1, 0.5, 0.1, 0.5, misled=0.0),
        hidden={"tuned+rag": 0.7},
    ),
    World(
        "judge blind to the tuned model",
        columns(*[0.2] * 6, misled=0.0),
        hidden={"tuned": 0.6, "tuned+rag": 0.6},
    ),
    World(
        "judge blind to retrieval",
        columns(*[0.2] * 6, misled=0.0),
        hidden={"base+rag": 0.6, "tuned+rag": 0.6, "few-shot+rag": 0.6},
    ),
    World(
        "judge harsh to the tuned model",
        columns(0.1, 0.4, 0.4, 0.75, 0.1, 0.4, **HALF),
        harsh={"tuned": 0.5, "tuned+rag": 0.5},
    ),
    World("retrieval brings just d", columns(0.3, 0.35, 0.3, 0.35, 0.3, 0.35)),
    World("tuning adds just d", columns(0.1, 0.5, 0.12, 0.55, 0.1, 0.5), n=500, shared=0.8),
    World("a little above d", columns(0.3, 0.37, 0.3, 0.37, 0.3, 0.37), n=500),
    World("a little below d", columns(0.3, 0.33, 0.3, 0.33, 0.3, 0.33), n=500),
    World("groups of 20, retrieval helps", columns(0.1, 0.6, 0.1, 0.6, 0.1, 0.6), group=20, grouped=0.3),
    World("groups of 10, neither helps", columns(*[0.4] * 6), group=10, grouped=0.3),
    World("one large group", columns(0.2, 0.5, 0.2, 0.5, 0.2, 0.5), group=-1, grouped=0.3),
    World(
        "seen questions flattered",
        columns(0.1, 0.5, 0.1, 0.5, 0.1, 0.5),
        seen=columns(0.1, 0.5, 0.7, 0.9, 0.1, 0.5),
    ),
    World(
        "seen questions flattered, nothing helps",
        columns(*[0.2] * 6),
        seen=columns(0.2, 0.2, 0.7, 0.7, 0.2, 0.2),
    ),
    World("20 questions, both help a little", columns(0.2, 0.35, 0.35, 0.5, 0.2, 0.35), n=20),
    World("20 questions, neither helps", columns(*[0.4] * 6), n=20),
    World("ceiling", columns(0.97, 0.98, 0.97, 0.98, 0.97, 0.98), n=300, shared=0.8),
    World("floor", columns(0.02, 0.02, 0.02, 0.03, 0.02, 0.02), n=300),
    World(
        "tuned model silent",
        columns(0.1, 0.45, 0, 0.75, 0.1, 0.45, misled=0.3, tuned=SILENT),
        unanswerable=0.2,
        by_correct=True,
    ),
    World(
        "tuned model silent, also with retrieval",
        columns(0.1, 0.5, 0, 0, 0.1, 0.5, misled=0.5, tuned=SILENT, tuned_rag=SILENT),
        unanswerable=0.3,
        by_correct=True,
    ),
    World("best prompt equals tuning", columns(0.1, 0.3, 0.4, 0.7, 0.4, 0.7), n=500, shared=0.95),
    World("best prompt equals everything", columns(0.1, 0.3, 0.6, 0.6, 0.6, 0.6), n=500, shared=0.95),
    World("best prompt beats tuning", columns(0.1, 0.3, 0.3, 0.5, 0.4, 0.75)),
    World(
        "tuning turns hallucinations into silence",
        columns(0.2, 0.5, 0, 0, 0.2, 0.5, misled=0.1, tuned=Answers(0.2, 0.4), tuned_rag=Answers(0.5, 0.45)),
        n=300,
    ),
    World(
        "tuning learns what the corpus does not tell",
        columns(
            0.2,
            0.6,
            0,
            0,
            0.2,
            0.6,
            tuned=Answers(0.2, misled=0.8),
            tuned_rag=Answers(0.6, 0.1, 0.3, recall=0.9),
        ),
        n=300,
        unanswerable=0.5,
    ),
)
"""The worlds, with the columns in the order of ``COLUMNS``."""

BY_NAME = {world.name: world for world in WORLDS}


def main() -> None:
    """Lists the worlds with their sizes and right choices."""
    for world in WORLDS:
        scores = " ".join(f"{score:+.2f}" for score in world.true_scores())
        print(f"{world.name:<46}{world.n:>5}  {scores}  {', '.join(sorted(world.right()))}", flush=True)


if __name__ == "__main__":
    main()
