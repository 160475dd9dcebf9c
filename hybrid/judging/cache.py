"""Verdicts kept on disk by content, so that a slow judge is asked once for the same claim and evidence."""

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hybrid import library
from hybrid.judging.judge import Judge, Judgement, Pair
from hybrid.records import Verdict

SECONDS_TO_WAIT = 30
_TABLE = """
    CREATE TABLE IF NOT EXISTS judgement
    (key TEXT PRIMARY KEY, verdict TEXT NOT NULL, score REAL) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class Cached:
    """A judge that remembers; it has the name and digest of the one it asks.

    A judgement that failed is never kept. The file holds digests and verdicts, no text.
    """

    judge: Judge

    @property
    def name(self) -> str:
        """How reports call it."""
        return self.judge.name

    @property
    def digest(self) -> str:
        """Of the judge that is asked."""
        return self.judge.digest

    @property
    def validated(self) -> bool:
        """Whether its agreement with people was measured."""
        return self.judge.validated

    @property
    def languages(self) -> frozenset[str]:
        """The languages it was made for."""
        return self.judge.languages

    @property
    def threshold(self) -> float | None:
        """The least score that it calls supported, if it has one."""
        return getattr(self.judge, "threshold", None)

    @property
    def path(self) -> Path:
        """The file of this judge's verdicts, under ``<home>/judgements``."""
        return library.home() / "judgements" / f"{self.digest[:16]}.db"

    def verdicts(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """One judgement for each pair of claim and evidence, in their order."""
        keys = {pair: _key(self.digest, pair) for pair in pairs}
        known = self._known(keys)
        new = [pair for pair in keys if pair not in known]
        if new:
            asked = dict(zip(new, self.judge.verdicts(new), strict=True))
            self._keep({keys[pair]: judgement for pair, judgement in asked.items() if not judgement.failed})
            known |= asked
        return [known[pair] for pair in pairs]

    def _known(self, keys: Mapping[Pair, str]) -> dict[Pair, Judgement]:
        known = {}
        with _forgiving(), self._connection() as connection:
            for pair, key in keys.items():
                row = connection.execute("SELECT verdict, score FROM judgement WHERE key = ?", (key,))
                for word, score in row:
                    known[pair] = Judgement(Verdict(word), score)
        return known

    def _keep(self, judgements: Mapping[str, Judgement]) -> None:
        rows = [(key, str(judgement.verdict), judgement.score) for key, judgement in judgements.items()]
        with _forgiving(), self._connection() as connection:
            connection.executemany("INSERT OR REPLACE INTO judgement VALUES (?, ?, ?)", rows)

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=SECONDS_TO_WAIT)
        try:
            with connection:
                connection.execute(_TABLE)
                yield connection
        finally:
            connection.close()


def _forgiving() -> contextlib.AbstractContextManager[None]:
    """A file that is damaged or busy costs time, never a verdict."""
    return contextlib.suppress(sqlite3.Error, OSError, ValueError)


def _key(digest: str, pair: Pair) -> str:
    return hashlib.sha256(json.dumps([digest, *pair]).encode()).hexdigest()
