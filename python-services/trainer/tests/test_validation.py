"""When a loss has exploded: far above the lowest running mean, whatever its scale."""

from __future__ import annotations

import pytest

from trainer.position import Position
from trainer.validation import has_exploded, note_step


def after(*losses: float) -> Position:
    position = Position()
    for loss in losses:
        position.step += 1
        note_step(position, loss)
    return position


@pytest.mark.parametrize(
    ("losses", "highest_sound"),
    [
        ([10.5], 110),
        ([4.0] * 20 + [0.3] * 100, 8),
        ([1.3, 1.3, 2e8, 2e18], 18),
        ([1.3, 2e8, *[1.3] * 50], 18),
    ],
)
def test_it_has_exploded_far_above_the_lowest_running_mean(losses: list[float], highest_sound: float) -> None:
    position = after(*losses)
    assert not has_exploded(position, highest_sound * 0.99)
    assert has_exploded(position, highest_sound * 1.01)


@pytest.mark.parametrize("losses", [[0.0, 3.0, 2.8], [2.9] * 30 + [0.0] + [2.9] * 30, [2.0, *[1e-6] * 200]])
def test_a_few_easy_rows_make_no_explosion_of_the_others(losses: list[float]) -> None:
    assert not has_exploded(after(*losses), 4.5)


def test_a_loss_that_is_not_finite_has_exploded_even_where_nothing_is_known_of_earlier_ones() -> None:
    assert has_exploded(Position(step=7), float("nan"))
    assert has_exploded(after(1.0), float("inf"))
    assert not has_exploded(Position(step=7), 1e9)
