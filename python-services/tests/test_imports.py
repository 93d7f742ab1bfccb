"""Who may import whom: a service the shared packages and itself, the shared packages no service; and nothing in a circle.

Tests may import what they test.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Set as AbstractSet
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGES = ("data_optimizer", "evaluator", "trainer", "common/wlops_common", "common/wlops_ml")
SERVICES = ("data_optimizer", "evaluator", "trainer")
ROOT = Path(__file__).parents[1]


def _modules(package: str) -> dict[str, Path]:
    """The files of a package that are no tests, by module name."""
    folder = ROOT / package
    files = [file for file in folder.rglob("*.py") if "tests" not in file.relative_to(ROOT).parts]
    assert files
    parts = {file: file.relative_to(folder.parent).with_suffix("").parts for file in files}
    return {".".join(names).removesuffix(".__init__"): file for file, names in parts.items()}


def _imported(file: Path, known: AbstractSet[str] = frozenset()) -> set[str]:
    """The modules a file imports, inside functions too: of ``from a import b`` it is ``a.b`` where that is a known one, else ``a``.

    There are no relative imports; ruff forbids them.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{name.name}" for name in node.names}
            found |= (names & known) | ({node.module} if names - known else set())
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_a_service_imports_no_sibling_and_the_shared_packages_no_service(package: str) -> None:
    forbidden = set(SERVICES) - {package}
    packages = {
        name: {one.partition(".")[0] for one in _imported(file)} & forbidden for name, file in _modules(package).items()
    }
    assert {name: found for name, found in packages.items() if found} == {}


def test_no_modules_import_each_other_in_a_circle() -> None:
    modules = {name: file for package in PACKAGES for name, file in _modules(package).items()}
    needed = {name: (_imported(file, modules.keys()) & modules.keys()) - {name} for name, file in modules.items()}
    TopologicalSorter(needed).prepare()


def test_no_packages_of_a_service_import_each_other_in_a_circle() -> None:
    """Beside one another, that is: the modules of a service stand above and below its packages."""
    modules = {name: file for package in PACKAGES for name, file in _modules(package).items()}
    inner = {package for name in modules if "." in (package := _package(name))}
    needed: dict[str, set[str]] = defaultdict(set)
    for name, file in modules.items():
        if (own := _package(name)) in inner:
            needed[own] |= ({_package(one) for one in _imported(file, modules.keys())} & inner) - {own}
    TopologicalSorter(needed).prepare()


def _package(module: str) -> str:
    return module.rpartition(".")[0]
