import json

import pytest

from hybrid.tuning.checkpoints import is_sealed, last_checkpoint, retire, seal


@pytest.fixture
def make(tmp_path):
    def make(step, *, best=None, sealed=True):
        made = tmp_path / f"checkpoint-{step}"
        made.mkdir()
        (made / "adapter_model.safetensors").write_bytes(bytes(range(100)))
        (made / "optimizer.pt").write_bytes(bytes(50))
        (made / "trainer_state.json").write_text(json.dumps({"best_global_step": best}))
        if sealed:
            seal(made)
        return made

    return make


def steps_in(folder):
    return sorted(int(path.name.split("-")[1]) for path in folder.iterdir())


def test_a_checkpoint_is_sealed_once_it_is_complete(make):
    made = make(10, sealed=False)
    assert not is_sealed(made)
    seal(made)
    assert is_sealed(made)
    assert sorted(path.name for path in made.iterdir()) == [
        "COMPLETE",
        "adapter_model.safetensors",
        "optimizer.pt",
        "trainer_state.json",
    ]


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "optimizer.pt", "trainer_state.json"])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut off", "changed"])
def test_a_sealed_checkpoint_with_a_damaged_file_is_ignored(make, tmp_path, name, damage):
    whole, damaged = make(10), make(20)
    file = damaged / name
    content = file.read_bytes()
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes({"empty": b"", "cut off": content[:-1], "changed": b"\xff" + content[1:]}[damage])
    assert not is_sealed(damaged)
    assert last_checkpoint(tmp_path) == whole


def test_the_newest_complete_checkpoint_is_taken_and_all_others_go(make, tmp_path):
    make(9)
    newest = make(10)
    make(20, sealed=False)
    (tmp_path / "checkpoint-30").mkdir()
    assert last_checkpoint(tmp_path) == newest
    assert steps_in(tmp_path) == [10]
    assert last_checkpoint(tmp_path / "none") is None


def test_the_best_checkpoint_goes_with_the_newest(make, tmp_path):
    make(5)
    make(10)
    newest = make(20, best=5)
    assert last_checkpoint(tmp_path) == newest
    assert steps_in(tmp_path) == [5, 20]


def test_without_its_best_checkpoint_one_cannot_be_continued(make, tmp_path):
    make(10, best=10)
    make(30, best=20)
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-10"


def test_two_and_their_best_are_kept(make, tmp_path):
    for step in (3, 5, 9, 10):
        make(step)
    make(20, best=3)
    make(100, best=5)
    retire(tmp_path)
    assert steps_in(tmp_path) == [3, 5, 20, 100]
