"""Where things are: the state folder, the built-in pipelines, suites and corpora, and the user's own."""

import os
import shutil
from pathlib import Path

from hybrid import disk
from hybrid.errors import RunError, UnknownName
from hybrid.specs import SuiteSpec, load_spec


def home() -> Path:
    """The folder that holds all state: ``HYBRID_HOME``, or ``.hybrid`` in the user's home folder."""
    return Path(os.environ.get("HYBRID_HOME") or Path.home() / ".hybrid").expanduser().resolve()


def builtin_folder(kind: str) -> Path:
    """The folder of built-in ``pipelines``, ``eval`` or ``corpora``: in the wheel, else in the checkout."""
    package = Path(__file__).parent
    packed = package / "builtin" / kind
    return packed if packed.is_dir() else package.parent / kind


def builtin_pipelines() -> dict[str, Path]:
    """Built-in pipelines by name."""
    return {path.stem: path for path in sorted(builtin_folder("pipelines").glob("*.yaml"))}


def builtin_suites() -> dict[str, Path]:
    """Built-in suites by name."""
    return {path.stem: path for path in sorted(builtin_folder("eval").glob("*.yaml"))}


def builtin_corpora() -> dict[str, Path]:
    """Manifests of the built-in corpora by name."""
    return {path.parent.name: path for path in sorted(builtin_folder("corpora").glob("*/manifest.yaml"))}


def own_suites() -> dict[str, Path]:
    """Suites made by ``hybrid corpus import``, by name."""
    disk.finish_moves(home() / "corpora")
    return {path.parent.name: path for path in sorted((home() / "suites").glob("*/suite.yaml"))}


def suite_folder(name: str, state: Path | None = None) -> Path:
    """Where the suite of an imported corpus lives, under ``home()`` or another state folder."""
    return (state or home()) / "suites" / name


def find_pipeline(name: str) -> Path:
    """The YAML file of a pipeline, by built-in name or by path."""
    return _find("pipeline", name, builtin_pipelines())


def find_suite(name: str) -> Path:
    """The YAML file of a suite, by own or built-in name, or by path."""
    return _find("suite", name, builtin_suites() | own_suites())


def copy_builtin(name: str, target: Path) -> Path:
    """Copies a built-in pipeline, or a suite with its questions, into a folder, as a start for one's own.

    Raises:
        UnknownName: there is no such built-in.
        RunError: a file is there already, or the folder cannot be made.
    """
    source = _find("pipeline or suite", name, builtin_suites() | builtin_pipelines())
    copies = {path: target / path.relative_to(source.parent) for path in _files(source)}
    if present := [copy for copy in copies.values() if copy.exists()]:
        raise RunError(f"{present[0]} exists already; move it away or choose another folder.")
    try:
        for path, copy in copies.items():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    except OSError as exc:
        raise RunError(f"{target}: {exc.strerror}; choose another folder.") from exc
    return copies[source]


def _files(source: Path) -> list[Path]:
    """A pipeline's file; a suite's with the files that it names."""
    if source not in builtin_suites().values():
        return [source]
    spec = load_spec(SuiteSpec, source)
    named = (spec.questions, spec.training, *spec.known.values())
    return [source, *(source.parent / name for name in named if name)]


def _find(kind: str, name: str, known: dict[str, Path]) -> Path:
    if name in known:
        return known[name]
    path = Path(name)
    if path.suffix in {".yaml", ".yml"} and path.is_file():
        return path
    raise UnknownName(kind, name, known)
