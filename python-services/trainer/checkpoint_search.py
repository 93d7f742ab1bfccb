"""Which checkpoints there are below a prefix, without the right to list: each attempt keeps an index, and a pointer names the last attempt.

Not here: whether one is whole, sound and of the same training (``checkpoint``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from pydantic import TypeAdapter, ValidationError

from wlops_common.contracts import ObjectRef
from wlops_common.job_context import ObjectStore

_INDEX = TypeAdapter(list[ObjectRef])
_POINTER = TypeAdapter(dict[str, int])
_STEP = re.compile(r"/checkpoint-(\d+)/manifest\.json$")


def write_index(store: ObjectStore, output_prefix: str, attempt: int, checkpoints: Sequence[ObjectRef]) -> None:
    """Say which checkpoints this attempt has, oldest first; the pointer keeps the highest number an attempt ever had."""
    index = json.dumps([ref.to_json() for ref in checkpoints]).encode()
    store.put(_index_key(output_prefix, attempt), index, "application/json")
    highest = max(attempt, _last_attempt(store, output_prefix))
    store.put(_pointer_key(output_prefix), json.dumps({"attempt": highest}).encode(), "application/json")


def checkpoints_below(store: ObjectStore, output_prefix: str, at_least: int = 1) -> Iterator[ObjectRef]:
    """Manifests of the checkpoints of all attempts, the furthest first; attempts up to ``at_least`` are looked at anyway.

    By step, as the number of an attempt says nothing about which is newer: it begins anew where a job's store was lost.
    """
    last = max(at_least, _last_attempt(store, output_prefix))
    # The pointer may be that of an attempt whose process outlived its service for a moment.
    while store.get(_index_key(output_prefix, last + 1)) is not None:
        last += 1
    found = [
        (_step_of(ref), attempt, ref)
        for attempt in range(1, last + 1)
        for ref in _index(store, _index_key(output_prefix, attempt))
    ]
    for _, _, ref in sorted(found, key=lambda one: one[:2], reverse=True):
        yield ref


def _step_of(ref: ObjectRef) -> int:
    """The step that a checkpoint was taken after, which its key names; -1 where it does not, as none of ours."""
    found = _STEP.search(ref.key)
    return -1 if found is None else int(found[1])


def _index(store: ObjectStore, key: str) -> list[ObjectRef]:
    try:
        return _INDEX.validate_json(store.get(key) or b"[]")
    except ValidationError:
        return []  # damaged, so it names nothing


def _last_attempt(store: ObjectStore, output_prefix: str) -> int:
    try:
        return _POINTER.validate_json(store.get(_pointer_key(output_prefix)) or b"{}").get("attempt", 0)
    except ValidationError:
        return 0


def _index_key(output_prefix: str, attempt: int) -> str:
    return f"{output_prefix}attempt-{attempt}/checkpoints.json"


def _pointer_key(output_prefix: str) -> str:
    return f"{output_prefix}last-attempt.json"
