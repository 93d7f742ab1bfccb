"""Who may import whom: a service the shared packages and itself, the shared packages no service; and nothing in a circle.

Tests may import what they test.
"""

from __future__ import annotations

import ast
from collections import defaultdict
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


def _imported(file: Path) -> set[str]:
    """What a file imports, inside functions too; of ``from a import b`` both ``a`` and ``a.b``."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_a_service_imports_no_sibling_and_the_shared_packages_no_service(package: str) -> None:
    forbidden = set(SERVICES) - {package}
    packages = {
        name: {one.partition(".")[0] for one in _imported(file)} & forbidden for name, file in _modules(package).items()
    }
    assert {name: found for name, found in packages.items() if found} == {}


def test_no_modules_import_each_other_in_a_circle() -> None:
    """A package's own ``__init__`` is left out where a submodule is named: Python reads it, but nothing is taken from it."""
    modules = {name: file for package in PACKAGES for name, file in _modules(package).items()}
    known = {name: _imported(file) & modules.keys() for name, file in modules.items()}
    needed = {
        name: {one for one in found - {name} if not any(other.startswith(f"{one}.") for other in found)}
        for name, found in known.items()
    }
    TopologicalSorter(needed).prepare()


def test_no_packages_of_a_service_import_each_other_in_a_circle() -> None:
    """Beside one another, that is: the modules of a service stand above and below its packages."""
    modules = [(name, file) for package in PACKAGES for name, file in _modules(package).items()]
    inner = {package for name, _ in modules if "." in (package := _package(name))}
    needed: dict[str, set[str]] = defaultdict(set)
    for name, file in modules:
        if (own := _package(name)) in inner:
            needed[own] |= ({_package(one) for one in _imported(file)} & inner) - {own}
    TopologicalSorter(needed).prepare()


def _package(module: str) -> str:
    return module.rpartition(".")[0]
