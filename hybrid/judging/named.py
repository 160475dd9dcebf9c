"""The judges that a suite or the command line can name."""

from collections.abc import Callable
from pathlib import Path

from hybrid import models
from hybrid.endpoint import Endpoint, parse_address
from hybrid.errors import UnknownName
from hybrid.judging.cache import Cached
from hybrid.judging.judge import Judge
from hybrid.judging.llm import LlmJudge
from hybrid.judging.overlap import OverlapJudge
from hybrid.models import Say

NAMES = (
    "grounding",
    "grounding:FOLDER",
    "overlap",
    "classifier:MODEL",
    "likelihood:MODEL",
    "endpoint:MODEL@URL",
)
"""The forms of a judge's name; FOLDER is what ``hybrid judge train`` left, MODEL a bundled name, a hub id or
a folder, at an endpoint its own name."""


def open_judge(name: str, say: Say = lambda _: None) -> Judge:
    """The judge of that name. Slow ones keep their verdicts, see :mod:`hybrid.judging.cache`.

    Args:
        name: see ``NAMES``.
        say: gets a line before slow work.

    Raises:
        UnknownName: there is none.
        HybridError: its weights are not on this machine, or are none of a judge.
    """
    return _opener(name)(say)


def check_judge(name: str) -> None:
    """Reads a name without opening anything, so that a wrong one is found before any slow work.

    Raises:
        UnknownName: there is no such judge.
        BadSpec: the address of an endpoint is not of its form, or would send texts in the clear.
    """
    _opener(name)


def _opener(name: str) -> Callable[[Say], Judge]:
    match name.partition(":"):
        case ("grounding", "", _):
            return lambda say: _grounding(None)
        case ("grounding", ":", str(folder)) if folder:
            return lambda say: _grounding(Path(folder))
        case ("overlap", "", _):
            return lambda say: OverlapJudge()
        case ("classifier", ":", str(model)) if model:
            return lambda say: _classifier(model, say)
        case ("likelihood", ":", str(model)) if model:
            return lambda say: _likelihood(model, say)
        case ("endpoint", ":", str(address)):
            model, url = parse_address(address)
            server = Endpoint(url)
            return lambda say: Cached(LlmJudge(model, server))
    raise UnknownName("judge", name, NAMES)


def _grounding(folder: Path | None) -> Judge:
    from hybrid.judging.grounding import SHIPPED, GroundingJudge

    return Cached(GroundingJudge(folder or SHIPPED))


def _classifier(model: str, say: Say) -> Judge:
    from hybrid.judging.classifier import ClassifierJudge

    return Cached(ClassifierJudge(models.locate(model, say)))


def _likelihood(model: str, say: Say) -> Judge:
    from hybrid.judging.likelihood import LikelihoodJudge

    return Cached(LikelihoodJudge(models.locate(model, say)))
