"""Where a teacher is: address, model and key, as the service's settings tell its jobs, and whether it is near."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

#: Endings of names that no public server has (RFC 6761, 6762, 8375; ``internal`` is reserved by ICANN).
_NEAR_ENDINGS = (".localhost", ".local", ".internal", ".home.arpa")


@dataclass(frozen=True)
class TeacherAddress:
    """Base address of the endpoint, such as ``http://127.0.0.1:11434/v1``, name of the model there, and the key, if it wants one."""

    url: str
    model: str
    key: str = field(default="", repr=False)


def address_of(extras: Mapping[str, str]) -> TeacherAddress | None:
    """The endpoint as the service's settings tell it (``OptimizerSettings.job_extras``); None where none is set."""
    url = extras.get("teacher.url", "")
    return TeacherAddress(url, extras.get("teacher.model", ""), extras.get("teacher.key", "")) if url else None


def is_near(url: str) -> bool:
    """Whether the host is of this machine or of a private network, told by its address or name alone; nothing is looked up.

    A name of one word, such as that of a container, is one of the own network.
    """
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.endswith(_NEAR_ENDINGS) or (host[:1].isalpha() and "." not in host)
    inner = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return not (inner or address).is_global
