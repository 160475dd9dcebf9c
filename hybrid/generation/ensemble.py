"""Answering beside each passage alone, the next tokens mixed by the retriever's probabilities.

p(y|x) = Σ_c p_LM(y | c∘x) · p_R(c|x), with p_R the softmax of the retriever's scores over the passages shown
(RA-DIT, 2310.01352, section 2.1), taken token by token as in REPLUG (2301.12652, section 3.2): the greedy
token of the mixture continues all rows of a group.

The rows share one answer, so every passage is offered as ``[1]`` in its own prompt. What the answer cites is
the passage on which it stands, that of the largest posterior: p_R(c|x) · p_LM(answer | c∘x).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from transformers import LogitsProcessor

from hybrid.errors import BadSpec
from hybrid.generation.fitting import Prompt, Rendering, Row
from hybrid.models import ENDPOINT
from hybrid.specs import PipelineSpec


def check_mode(spec: PipelineSpec) -> None:
    """Looks whether a pipeline's model can answer as an ensemble.

    Raises:
        BadSpec: it is on a server.
    """
    if spec.generation.mode == "ensemble" and spec.model.startswith(ENDPOINT):
        raise BadSpec(
            f"generation.mode: ensemble mixes next-token distributions, which {spec.model} does not send. "
            "Use generation.mode=together, or a model on this machine."
        )


def weights(scores: Sequence[float], temperature: float) -> list[float]:
    """p_R(c|x), the softmax of the retriever's scores; at least one.

    >>> weights([0.8, 0.8], temperature=0.05)
    [0.5, 0.5]
    """
    best = max(scores)
    odds = [math.exp((score - best) / temperature) for score in scores]
    return [each / sum(odds) for each in odds]


def ensemble_prompt(
    rendering: Rendering, scores: Sequence[float], temperature: float, fit: Callable[[Rendering], Prompt]
) -> Prompt:
    """The prompts of a request beside each of its passages; with fewer than two of them a plain prompt.

    Args:
        rendering: what is asked, with all passages.
        scores: of the passages; empty: all weigh the same.
        temperature: of their softmax.
        fit: encodes a rendering, and drops a passage that is too long for the context.

    Raises:
        PromptTooLong: the question does not fit even alone.
    """
    prompts = [fit(replace(rendering, passages=(passage,))) for passage in rendering.passages]
    scored = zip(prompts, scores or [0.0] * len(prompts), strict=True)
    fitting = [(prompt, score) for prompt, score in scored if prompt.shown]
    dropped = len(prompts) - len(fitting)
    if not fitting:
        return replace(fit(replace(rendering, passages=())), dropped=dropped)
    if len(fitting) == 1:
        return replace(fitting[0][0], dropped=dropped)
    weighed = weights([score for _, score in fitting], temperature)
    rows = tuple(Row(prompt.ids, weight) for (prompt, _), weight in zip(fitting, weighed, strict=True))
    return Prompt((), tuple(prompt.shown[0] for prompt, _ in fitting), dropped, alone=rows)


class Mixture(LogitsProcessor):
    """Gives all rows of a group the log-probabilities of their mixture, so that they write the same.

    Groups of one row are left as they are.

    Args:
        groups: the rows of each prompt; in the batch they stand one after the other.
        stops: ids that end an answer.
        device: of the model.
    """

    def __init__(self, groups: Sequence[Sequence[Row]], stops: Sequence[int], device: torch.device) -> None:
        self._sizes = [len(group) for group in groups]
        sizes = torch.tensor(self._sizes, device=device)
        weight = torch.tensor([row.weight for group in groups for row in group], device=device)
        self._group = torch.arange(len(groups), device=device).repeat_interleave(sizes)
        self._single = (sizes == 1)[self._group]
        self._shares = torch.zeros(len(groups), len(weight), device=device)
        self._shares[self._group, torch.arange(len(weight), device=device)] = weight
        self._stops = torch.tensor(stops, device=device)
        self._open = torch.ones_like(self._group, dtype=torch.bool)
        self._posterior = weight.log()

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """The scores of the next token of each row, shape [rows, vocabulary], mixed within the groups."""
        apart = scores.log_softmax(dim=-1)
        mixture = (self._shares @ apart.exp()).log()[self._group]
        mixed = torch.where(self._single[:, None], scores, mixture)
        chosen = mixed.argmax(dim=-1)
        told = apart.gather(1, chosen[:, None])[:, 0]
        self._posterior += told.where(self._open, 0.0)
        self._open &= ~torch.isin(chosen, self._stops)
        return mixed

    def leaders(self) -> list[int | None]:
        """For each group the place, from 0, of its row of the largest posterior; None in groups of one."""
        return [
            int(posterior.argmax()) if len(posterior) > 1 else None
            for posterior in self._posterior.split(self._sizes)
        ]
