"""Which checkpoints there are below a prefix, without the right to list: each attempt keeps an index, and a pointer names the last attempt.

Not here: whether one is whole, sound and of the same training (``checkpoint``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from pydantic import TypeAdapter, ValidationError

from wlops_common.contracts import ObjectRef
from wlops_common.job_context import ObjectStore

_INDEX = TypeAdapter(list[ObjectRef])
_POINTER = TypeAdapter(dict[str, int])


def write_index(store: ObjectStore, output_prefix: str, attempt: int, checkpoints: Sequence[ObjectRef]) -> None:
    """Say which checkpoints this attempt has, oldest first, and that it is the last one so far."""
    index = json.dumps([ref.to_json() for ref in checkpoints]).encode()
    store.put(_index_key(output_prefix, attempt), index, "application/json")
    store.put(_pointer_key(output_prefix), json.dumps({"attempt": attempt}).encode(), "application/json")


def checkpoints_below(store: ObjectStore, output_prefix: str, at_least: int = 1) -> Iterator[ObjectRef]:
    """Manifests of the checkpoints of all attempts, the newest attempt's newest first; attempts up to ``at_least`` are looked at anyway."""
    last = max(at_least, _last_attempt(store, output_prefix))
    # The pointer may be that of an attempt whose process outlived its service for a moment.
    while store.get(_index_key(output_prefix, last + 1)) is not None:
        last += 1
    for attempt in range(last, 0, -1):
        yield from reversed(_index(store, _index_key(output_prefix, attempt)))


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
