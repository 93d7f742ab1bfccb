"""Logs of a service: one JSON object a line on standard output. Jobs write their own logs, see ``jobs.context``.

Fields given with ``extra={"fields": {...}}`` appear beside the message. Request bodies, tokens and settings are never logged.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wlops_common.settings import LogLevel


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON with time, level, service and message."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "service": self._service,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["stack"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure_logging(service: str, level: LogLevel) -> None:
    """Send the logs of this process to standard output as JSON lines; to be called once, at start."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines(service))
    # Python knows nothing finer than debug; its names for the others include these.
    known = "DEBUG" if level == "trace" else level.upper()
    logging.basicConfig(level=known, handlers=[handler], force=True)
    for noisy in ("botocore", "boto3", "urllib3", "s3transfer", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
