"""What is measured while training: one JSON line per step, the loss curve of the result, rate and remaining time.

All of it is part of the checkpoint, so that a resumed training reports as if it had never stopped. Not here: scores (evaluator).
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Most points of the loss curve in the result.
CURVE_POINTS = 200
METRICS_NAME = "metrics.jsonl"
_RATE_WINDOW_STEPS = 50
#: Writing each line at once took as long as a percent of a small model's training; many at a time cost little.
_MOST_LINES_HELD = 100


@dataclass
class StepMetrics:
    """Writes the step file and keeps the curve. ``seconds`` counts time spent training, over all segments."""

    path: Path
    curve: list[tuple[int, float]] = field(default_factory=list)
    #: Every ``stride``-th step is on the curve; doubles whenever the curve is full.
    stride: int = 1
    seconds: float = 0.0
    #: Given every line as well.
    listener: Callable[[Mapping[str, Any]], None] | None = field(default=None, repr=False)
    _held: list[Mapping[str, Any]] = field(default_factory=list, repr=False)
    _recent: deque[float] = field(default_factory=lambda: deque(maxlen=_RATE_WINDOW_STEPS), repr=False)

    def start(self) -> None:
        """Start the clock; steps are timed from here."""
        self._recent.clear()
        self._recent.append(time.monotonic())

    def record(self, step: int, *, epoch: float, loss: float, learning_rate: float, grad_norm: float | None) -> None:
        """Add one step: a line of the file and, now and then, a point of the curve."""
        now = time.monotonic()
        self.seconds += now - self._recent[-1]
        self._recent.append(now)
        self.write(
            {
                "step": step,
                "epoch": round(epoch, 4),
                "loss": loss,
                "learningRate": learning_rate,
                "gradNorm": grad_norm,
                "seconds": round(self.seconds, 3),
            }
        )
        if step % self.stride == 0:
            self.curve.append((step, loss))
        if len(self.curve) > CURVE_POINTS:
            self.stride *= 2
            self.curve = [point for point in self.curve if point[0] % self.stride == 0]

    def write(self, line: Mapping[str, Any]) -> None:
        """Add one line; it is in the step file by the time ``file`` answers."""
        self._held.append(line)
        if len(self._held) >= _MOST_LINES_HELD:
            self.file()
        if self.listener is not None:
            self.listener(line)

    def file(self) -> Path:
        """The step file with all lines so far."""
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in self._held)
        self._held.clear()
        return self.path

    def rate(self) -> float | None:
        """Steps a second over the last steps; None before the second one."""
        elapsed = self._recent[-1] - self._recent[0]
        return (len(self._recent) - 1) / elapsed if elapsed > 0 else None

    def eta_seconds(self, steps_left: int) -> float | None:
        """Seconds until the end at the present rate; None while the rate is unknown."""
        rate = self.rate()
        return None if rate is None else steps_left / rate

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps beside the step file."""
        return {"curve": self.curve, "stride": self.stride, "seconds": self.seconds}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from what ``state`` returned."""
        self.curve = [(int(step), float(loss)) for step, loss in state["curve"]]
        self.stride, self.seconds = int(state["stride"]), float(state["seconds"])
