import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from crashes import kills  # noqa: E402
from readers import compete  # noqa: E402


@pytest.mark.slow
def test_thirty_kills_lose_nothing(tmp_path):
    found, whole = kills(tmp_path, 30, seed=1)
    assert (found, 0 <= whole <= 30) == ([], True)


def test_a_reader_beside_a_writer_sees_whole_and_fresh_generations(tmp_path):
    assert compete(tmp_path, opens=1000, batches=100) == []
