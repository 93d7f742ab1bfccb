"""Takes as long to import as PyTorch, for tests of a forkserver that is not warm yet."""

from __future__ import annotations

import time

time.sleep(4)
