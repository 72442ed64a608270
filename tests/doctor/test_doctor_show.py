"""What the operator reads."""

from __future__ import annotations

from monitor.doctor.check import Subject, exit_code, worst
from monitor.doctor.show import lines

SAY = Subject("upstream")
GOOD = SAY.ok("reachable", "220 mx.our.test")
BAD = SAY.error("identity", "refused", "Let the upstream take XCLIENT from this address.")


def test_an_error_is_what_fails() -> None:
    assert exit_code([GOOD, SAY.warning("a", "b", "c"), SAY.skipped("d", "e")]) == 0
    assert exit_code([GOOD, BAD]) == 1
    assert worst([SAY.skipped("a", "b"), GOOD]) == "skipped"
    assert worst([]) == "ok"


def test_columns_are_aligned_and_the_mend_is_below() -> None:
    told = list(lines([GOOD, BAD], colour=False, width=60))
    assert told[0] == "upstream"
    assert told[1].index("220") == told[2].index("refused") == told[3].index("→")
    assert all(len(line) <= 60 for line in told)
    assert told[-1] == "1 error"
    assert "\x1b" not in "".join(told)
    assert "\x1b[1;31m" in "".join(lines([BAD], colour=True))


def test_a_strangers_words_do_not_reach_the_terminal() -> None:
    hostile = SAY.error("reachable", "220 \x1b]0;title\x07\u202e" + "x" * 9_999, "\x9b31m")
    told = "\n".join(lines([hostile], colour=False, width=80))
    assert all(line.isprintable() for line in told.splitlines())
    assert len(told) < 1_500
