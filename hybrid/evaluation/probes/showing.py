"""What the columns of probes ask and show."""

from collections.abc import Mapping
from functools import cached_property

from hybrid.evaluation.columns import Column
from hybrid.evaluation.job import Job
from hybrid.evaluation.probes.counterfactual import (
    Counterfactuals,
    counterfactual_requests,
    counterfactuals,
)
from hybrid.evaluation.probes.mixture import Mixture, mixtures
from hybrid.evaluation.probes.oracle import oracle
from hybrid.evaluation.probes.stale import Followed, follow
from hybrid.evaluation.probes.swaps import Swap
from hybrid.pipeline import Request
from hybrid.records import Passage


class Showcase:
    """What the probes of a job show, each made once and the same in every cell."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def requests(self, column: Column) -> list[Request]:
        """What a column that explains a cell asks and shows, in the order of the questions."""
        match column.probe:
            case "oracle":
                return self._shown(self._gold)
            case "distractors":
                return self._shown(
                    {id: each.shuffled(f"{self._job.seed}:{id}") for id, each in self._mixtures.items()}
                )
            case "position-first":
                return self._shown({id: each.placed("first") for id, each in self._mixtures.items()})
            case "position-middle":
                return self._shown({id: each.placed("middle") for id, each in self._mixtures.items()})
            case "position-last":
                return self._shown({id: each.placed("last") for id, each in self._mixtures.items()})
            case "counterfactual":
                return counterfactual_requests(self._job, self.counterfactuals)
            case "stale":
                return self.followed.requests(self._job, column)
        raise ValueError(f"No probe shows {column.probe}.")

    def swap(self, column: Column, question: str) -> Swap | None:
        """What was changed in the passages of a question."""
        match column.probe:
            case "counterfactual":
                return self.counterfactuals.swaps[question]
            case "stale":
                return self.followed.swaps[question]
        return None

    def pool(self, column: Column, request: Request, pool: tuple[Passage, ...]) -> tuple[Passage, ...]:
        """The evidence for what a column answers to a question.

        Its pool; with what a probe shows beside that; and where the passages were changed they alone, since
        the original says something else.
        """
        match column.probe:
            case "counterfactual":
                return request.passages
            case "stale":
                return self.followed.pools[request.question.id]
        return tuple({passage.id: passage for passage in [*pool, *request.passages]}.values())

    @cached_property
    def counterfactuals(self) -> Counterfactuals:
        """The swaps of the job."""
        return counterfactuals(self._job)

    @cached_property
    def followed(self) -> Followed:
        """What is found in the next edition of the job's corpus."""
        return follow(self._job)

    @cached_property
    def _gold(self) -> Mapping[str, tuple[Passage, ...]]:
        return oracle(self._job)

    @cached_property
    def _mixtures(self) -> Mapping[str, Mixture]:
        return mixtures(self._job)

    def _shown(self, passages: Mapping[str, tuple[Passage, ...]]) -> list[Request]:
        return [
            Request(question, passages[question.id])
            for question in self._job.all_questions
            if question.gold and question.id in passages
        ]
