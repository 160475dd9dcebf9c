"""The judges that a suite or the command line can name."""

from hybrid.errors import UnknownName
from hybrid.judging.judge import Judge
from hybrid.judging.overlap import OverlapJudge

NAMES = ("overlap",)
"""Judges without an argument."""


def open_judge(name: str) -> Judge:
    """The judge of that name.

    Raises:
        UnknownName: there is none.
    """
    match name.partition(":"):
        case ("overlap", "", _):
            return OverlapJudge()
    raise UnknownName("judge", name, NAMES)
