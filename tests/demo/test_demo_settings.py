"""The relay's settings in the demo: everyday's, with shorter minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.config import Greylist, Retry, Settings
from monitor.demo.pace import Pace
from monitor.demo.stage import GIVEN_UP, settings


def test_times_are_scaled_and_counts_are_not(tmp_path: Path) -> None:
    made = settings(tmp_path, "127.0.0.1:25", 1 / 60)
    everyday = Retry()
    assert made.retry.soon == pytest.approx([seconds / 60 for seconds in everyday.soon])
    assert made.retry.permanent_memory == pytest.approx(everyday.permanent_memory / 60)
    assert made.retry.remembered == everyday.remembered
    assert made.greylist.delay == pytest.approx(5)
    assert made.greylist.auto_allow == Greylist().auto_allow


def test_in_a_demo_of_real_minutes_only_silence_is_told_sooner(tmp_path: Path) -> None:
    made = settings(tmp_path, "127.0.0.1:25", 1).retry
    assert made == Retry(silence=GIVEN_UP, no_retry=GIVEN_UP)


def test_they_survive_the_way_to_the_relay(tmp_path: Path) -> None:
    made = settings(tmp_path, "127.0.0.1:25", 1 / 60)
    assert Settings.model_validate_json(made.model_dump_json()) == made


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_a_speed_is_above_nothing(speed: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Pace(speed)
