"""What is published: the sdist and the wheel hold what the program reads, and nothing of the workshop."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from email.message import Message
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from machine import CHECKOUT, missing
from trove_classifiers import classifiers

from newsletter import DISTRIBUTION, __version__

STEM = f"{DISTRIBUTION.replace('-', '_')}-{__version__}"


def build(folder: Path, target: str, out: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", out],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    (made,) = out.iterdir()
    return made


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, unpacked."""
    made = build(CHECKOUT, "sdist", tmp_path_factory.mktemp("sdist"))
    assert made.name == f"{STEM}.tar.gz"
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(made) as archive:
        # Python 3.11.3 and before have no filters; the archive is our own.
        archive.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))  # type: ignore[arg-type]
    return folder / STEM


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel that is made of the source distribution, as an installer does."""
    made = build(sdist, "wheel", tmp_path_factory.mktemp("wheel"))
    assert made.name == f"{STEM}-py3-none-any.whl"
    return zipfile.ZipFile(made)


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    return message_from_bytes(wheel.read(f"{STEM}.dist-info/METADATA"))


def tracked(*folders: str) -> set[str]:
    """Files of the checkout that git keeps, or would."""
    if not (CHECKOUT / ".git").exists():
        missing("this is no clone, so what belongs in a package is not known")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders]
    listed = subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True)
    return set(listed.stdout.splitlines())


def test_the_wheel_has_every_file_of_the_package_and_no_other(wheel: zipfile.ZipFile) -> None:
    package = tracked("newsletter") | {f"newsletter/{name}" for name in tracked("templates")}
    assert package > {"newsletter/templates/labels.toml", "newsletter/py.typed", "newsletter/__main__.py"}
    names = {name for name in wheel.namelist() if not name.startswith(f"{STEM}.dist-info/")}
    assert names - package == {f"{STEM}.data/data/share/man/man1/newsletter.1"}
    assert package - names == set()
    assert any(name.startswith("newsletter/check/clients/caniemail.") for name in names)


def test_the_sdist_has_what_a_reader_tries_and_nothing_of_the_workshop(sdist: Path) -> None:
    names = {path.relative_to(sdist).as_posix() for path in sdist.rglob("*") if path.is_file()}
    assert names - tracked() == {"PKG-INFO"}
    assert names > tracked("newsletter", "templates", "examples", "docs", "subscribers.example.csv")
    assert {name.partition("/")[0] for name in names}.isdisjoint({"tests", "benchmarks", ".ci", "out"})


def test_the_metadata_names_what_an_index_shows(wheel: zipfile.ZipFile, metadata: Message) -> None:
    assert (metadata["Name"], metadata["Version"]) == (DISTRIBUTION, __version__)
    assert metadata["Author"]
    assert metadata["License-Expression"] == "MIT"
    assert "postgresql" in metadata.get_all("Provides-Extra", [])
    assert set(metadata.get_all("Classifier", [])) <= classifiers
    oldest = metadata["Requires-Python"].removeprefix(">=")
    assert f"Programming Language :: Python :: {oldest}" in metadata.get_all("Classifier", [])
    assert b"newsletter = newsletter.__main__:main" in wheel.read(f"{STEM}.dist-info/entry_points.txt")


def test_whoever_is_told_to_install_it_is_told_this_name() -> None:
    """`pip install newsletter` brings another project's program."""
    told = re.compile(r"\b(?:pip|pipx|uv)\b[^`\n]*?\b(?:install|add|run)\b[^`\n]*")
    wrong = re.compile(r"(?<![\w./-])newsletter(?!-press)(?=[\s'\"\[`;]|==|$)")
    texts = [CHECKOUT / name for name in tracked("README.md", "docs", "newsletter", "examples")]
    places = [
        f"{path.name}: {found[0]}"
        for path in texts
        if path.suffix in (".md", ".py", ".toml") and path.parent.name != "decisions"  # those speak of the other, too
        for found in told.finditer(path.read_text("utf-8"))
        if wrong.search(found[0].partition("&&")[0])
    ]
    assert places == []
    assert wrong.search("pip install 'newsletter[postgresql]'")
    assert tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]["name"] == DISTRIBUTION


def test_whatever_is_imported_is_a_declared_dependency() -> None:
    """A package that is here by chance, another one's perhaps, is missing where newsletter alone is installed."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [each for name, needs in project["optional-dependencies"].items() if name != "dev" for each in needs]
    declared = {_normal(re.split(r"[\[<>=,; ]", each, maxsplit=1)[0]) for each in [*project["dependencies"], *extras]}
    owners = packages_distributions()
    strangers = {
        f"{path.name}: {module}"
        for path in (CHECKOUT / "newsletter").rglob("*.py")
        for module in _imported(path)
        if module not in sys.stdlib_module_names
        and module != "newsletter"
        and not declared & {_normal(each) for each in owners.get(module, [module])}
    }
    assert strangers == set()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found
