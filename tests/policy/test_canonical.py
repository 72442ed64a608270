"""No spelling dodges a list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.policy.canonical import canonical
from monitor.policy.entry import KINDS, Kind


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("ip", "::ffff:192.0.2.1", "192.0.2.1"),
        ("ip", "2001:db8::1", "2001:db8:0:0:ffff::9"),
        ("ip", "fe80::1%eth0", "fe80::2"),
        ("net", "192.0.2.77/24", "192.0.2.0/24"),
        ("net", "::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("domain", "EXAMPLE.org.", "example.org"),
        ("domain", "bücher.example", "xn--bcher-kva.example"),
        ("helo", "[IPv6:2001:db8::1]", "[2001:db8::2]"),
        ("sender", '"a"@Example.org', "a@example.org"),
        ("sender", "<A@example.org.>", "a@example.org"),
        ("sender", "<@relay.test,@b.test:a@example.org>", "a@example.org"),
        ("sender", "", "<>"),
        ("sender", '"a\\b"@example.org', "ab@example.org"),
    ],
)
def test_spellings_of_one_thing(kind: Kind, one: str, other: str) -> None:
    assert canonical(kind, one) == canonical(kind, other)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("ip", "example.org"),
        ("net", "192.0.2.0/99"),
        ("domain", "a b"),
        ("domain", "x" * 300),
        ("sender", "no-at-sign"),
        ("sender", "a b@example.org"),
        ("sender", "\udcff@example.org"),  # an argument that is no UTF-8
        ("sender", '"\udcff"@example.org'),
    ],
)
def test_nonsense_is_told(kind: Kind, value: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        canonical(kind, value)


@given(st.sampled_from(KINDS), st.text(max_size=60))
def test_canonical_is_its_own_canonical(kind: Kind, value: str) -> None:
    try:
        once = canonical(kind, value)
    except ValueError:
        return
    again = "net" if kind == "ip" and "/" in once else kind
    assert canonical(again, once) == once
