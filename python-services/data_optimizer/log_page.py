"""The optimization log as one HTML page for people: self-contained, no script, nothing from elsewhere, light and dark.

Whatever a file held is escaped; the page's own policy forbids scripts besides.
"""

from __future__ import annotations

import json
from html import escape
from typing import Any

_STYLE = """
:root{color-scheme:light dark;--line:#8884;--soft:#8882}
body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
.number{text-align:right;font-variant-numeric:tabular-nums}
td.sample{overflow-wrap:anywhere}
summary{cursor:pointer}
pre{background:var(--soft);padding:.6rem;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def log_page(log: dict[str, Any]) -> str:
    """The page of a log as ``Journal.to_log`` gives it."""
    steps = "".join(map(_step, log["steps"]))
    samples = "".join(_samples(step) for step in log["steps"] if step["samples"])
    facts = {
        name: value for name, value in log.items() if name not in ("steps", "inputs", "seed", "version", "quarantined")
    }
    inputs = "".join(
        f"<tr><th>{escape(name)}<td><code>{escape(sha256)}</code>" for name, sha256 in log["inputs"].items()
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><title>Optimization log</title><style>{_STYLE}</style></head><body>
<h1>Optimization log</h1>
<p>Seed {_number(log["seed"])}. {_number(log["quarantined"])} rows were set aside; <code>quarantine.jsonl</code> lists them all.</p>
<h2>Read</h2><table><tr><th>object<th>sha256</tr>{inputs}</table>
<h2>Steps</h2><table>
<tr><th>step<th>operator<th class="number">rows in<th class="number">rows out
<th>taken out<th class="number">edited<th class="number">seconds</tr>{steps}</table>
{samples and f"<h2>Examples</h2>{samples}"}
<h2>Facts</h2><pre>{escape(json.dumps(facts, ensure_ascii=False, indent=1))}</pre>
</body></html>
"""


def _step(step: dict[str, Any]) -> str:
    reasons = "<br>".join(f"{escape(reason)}: {_number(count)}" for reason, count in step["removed"].items())
    operator = f"{escape(step['operator'])}, version {_number(step['version'])}"
    edited = "".join(f'<td class="number">{_number(step[name])}' for name in ("changed", "seconds"))
    cells = "".join(f'<td class="number">{_number(step[name])}' for name in ("rowsIn", "rowsOut"))
    return f"<tr><th>{escape(step['name'])}<td>{operator}{cells}<td>{reasons}{edited}</tr>"


def _samples(step: dict[str, Any]) -> str:
    rows = "".join(
        f'<tr><td>{escape(one["file"])}<td class="number">{_number(one["line"])}<td>{escape(one["reason"])}'
        f'<td class="sample">{"<i>not shown</i>" if one["sample"] is None else escape(one["sample"])}</tr>'
        for one in step["samples"]
    )
    head = '<tr><th>file<th class="number">line<th>reason<th>beginning of the row</tr>'
    return f"<details><summary>{escape(step['name'])}</summary><table>{head}{rows}</table></details>"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,}"
