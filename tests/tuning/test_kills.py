import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "kill_training.py"


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_a_training_that_is_killed_comes_to_the_same_weights(pipeline_file, kills):
    alone = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(pipeline_file), str(kills), "0"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | alone,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["kills"] == kills and found["finished"] >= 1
    assert found["continued"] >= kills // 5
    assert found["difference"] <= 1e-6
