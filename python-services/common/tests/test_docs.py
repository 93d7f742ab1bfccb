"""What the docs name is there: files, commands, variables, routes, messages, states. Prose itself is not covered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DOCS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
#: Folders of the repository that docs name with a path below them.
FOLDERS = (
    "src",
    "workflows",
    "activities",
    "prisma",
    "python-services",
    "tools",
    "samples",
    "bench",
    "deploy",
    "tests",
    "docs",
)

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")


def text_of(paths: Iterable[Path]) -> str:
    return "\n".join(path.read_text() for path in sorted(paths))


def slugs(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def named_by(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", DOCS, ids=named_by)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        if re.match(r"https?:", target):
            continue
        file, _, anchor = target.partition("#")
        resolved = (page.parent / file).resolve() if file else page
        assert resolved.exists(), target
        assert not anchor or anchor in slugs(resolved), target


@pytest.mark.parametrize("page", DOCS, ids=named_by)
def test_every_path_in_code_style_exists(page: Path) -> None:
    for code in CODE.findall(page.read_text()):
        if code.startswith(tuple(f"{folder}/" for folder in FOLDERS)) and re.fullmatch(r"[\w./-]+", code):
            assert (ROOT / code).exists(), code


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        waiting += [
            (page.parent / link.partition("#")[0]).resolve()
            for link in LINK.findall(page.read_text())
            if "://" not in link
        ]
    assert {page for page in DOCS if page not in reached} == set()


def test_every_npm_script_named_exists() -> None:
    scripts = json.loads((ROOT / "package.json").read_text())["scripts"]
    named = set(re.findall(r"npm run ([a-z:]+)", text_of(DOCS)))
    assert named - set(scripts) == set()
    assert {"start", "test"} <= set(scripts)


def test_every_variable_named_is_read_somewhere() -> None:
    readers = [
        ROOT / "src/config.ts",
        ROOT / "docker-compose.yml",
        *(path for path in (ROOT / "tools").rglob("*.mjs") if ".test." not in path.name),
        *(path for path in (ROOT / "tests/faults").rglob("*") if path.is_file()),
        *(ROOT / "python-services").glob("*/settings.py"),
        ROOT / "python-services/common/wlops_common/settings.py",
    ]
    read = set(re.findall(r"\b(?:WLOPS|S3|TEMPORAL)_[A-Z0-9_]+\b|\bDATABASE_URL\b", text_of(readers)))
    named = set(re.findall(r"`((?:WLOPS|S3|TEMPORAL)_[A-Z0-9_]+|DATABASE_URL|AMQP_URL)(?:=[^`]*)?`", text_of(DOCS)))
    assert named - read == set()


def test_every_route_named_exists() -> None:
    sources = [path for path in (ROOT / "src/http").rglob("*.ts") if ".test." not in path.name]
    known = {re.sub(r"\{\w+\}", "{}", path) for path in re.findall(r"path: [`'\"](/[^`'\"]*)", text_of(sources))}
    # Controls are one operation for each verb, with the verb put in by a template.
    known |= {
        re.sub(r"\$\{\w+\}|\$\{\}", verb, path)
        for path in known
        if "$" in path
        for verb in ("pause", "resume", "cancel", "fail")
    }
    named = set(re.findall(r"(?:GET|POST|PATCH|DELETE) (/api/[\w/{}-]+)", text_of(DOCS)))
    outside = {path for path in named if path.startswith("/api/v1/")}
    assert {re.sub(r"\{\w+\}", "{}", path) for path in named - outside} - known == set()


def test_the_messages_of_the_cli_examples_are_those_of_the_workflow() -> None:
    contract = (ROOT / "src/contracts/task-workflow.ts").read_text()
    block = contract[contract.index("MESSAGE_NAMES") :]
    messages = set(re.findall(r"'(\w+)'", block[: block.index("}")]))
    attributes = set(re.findall(r"Wlops\w+", contract))
    readme = (ROOT / "README.md").read_text()
    commands = re.findall(r"^temporal workflow .*$", readme, flags=re.MULTILINE)
    assert len(commands) >= 8
    for command in commands:
        assert set(re.findall(r"--(?:name|type) +(\w+)", command)) <= messages, command
        assert set(re.findall(r"Wlops\w+", command)) <= attributes, command
        for argument in re.findall(r"--input '([^']+)'", command):
            json.loads(argument)


def test_the_documented_state_machine_is_the_one_in_the_code() -> None:
    source = (ROOT / "src/domain/task-status.ts").read_text()
    in_code = {
        state: re.findall(r"'(\w+)'", targets)
        for state, targets in re.findall(r"^  ([A-Z]+): \[(.*)\],$", source, flags=re.MULTILINE)
    }
    page = (ROOT / "docs/architecture.md").read_text()
    section = page[page.index("## State machine") :].partition("\n## ")[2]
    rows = re.findall(
        r"^\| ([A-Z, ]+) \| ([A-Z, –]+) \|$",
        page[page.index("## State machine") : page.index(section)],
        flags=re.MULTILINE,
    )
    in_docs = {state: re.findall(r"[A-Z]{4,}", targets) for states, targets in rows for state in states.split(", ")}
    assert len(in_code) == 9
    assert {state: set(targets) for state, targets in in_docs.items()} == {
        state: set(targets) for state, targets in in_code.items()
    }


def test_every_error_code_of_the_api_is_documented() -> None:
    source = (ROOT / "src/domain/errors.ts").read_text()
    block = source[source.index("ERROR_CODES = {") : source.index("} as const satisfies")]
    page = (ROOT / "docs/api.md").read_text()
    assert {
        code for code in re.findall(r"^  ([A-Z_]+): \{", block, flags=re.MULTILINE) if f"`{code}`" not in page
    } == set()


def test_decisions_are_numbered_without_gaps_and_have_the_same_parts() -> None:
    pages = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    index = (ROOT / "docs/decisions/README.md").read_text()
    for page in pages:
        text = page.read_text()
        assert f"({page.name})" in index, page.name
        assert text.startswith(f"# {page.name[:4]} "), page.name
        for part in ("**Status:**", "**Context.**", "**Decision.**", "**Consequences.**", "**Enforced by**"):
            assert part in text, f"{page.name}: {part}"
