"""Who may import whom: a service the shared packages and itself, the shared packages no service. Tests may import what they test."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SERVICES = ("data_optimizer", "evaluator", "trainer")
ROOT = Path(__file__).parents[1]


def _imported(file: Path) -> set[str]:
    """The top-level packages a file imports, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("package", [*SERVICES, "common/wlops_common", "common/wlops_ml"])
def test_a_service_imports_no_sibling_and_the_shared_packages_no_service(package: str) -> None:
    files = [file for file in (ROOT / package).rglob("*.py") if "tests" not in file.relative_to(ROOT).parts]
    forbidden = set(SERVICES) - {package}
    assert files
    assert {str(file.relative_to(ROOT)): found for file in files if (found := _imported(file) & forbidden)} == {}
