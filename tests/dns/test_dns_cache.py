"""The cache of answers: TTLs, failures, and a bound that counts large answers as several."""

from __future__ import annotations

from monitor.dns.cache import FAILURE_TTL, NEGATIVE_TTL, Cache
from monitor.findings.answers import Answer


def answer(name: str, ttl: int = 60, size: int = 1, status: str = "ok") -> Answer:
    records = ("x" * size,) if status == "ok" else ()
    return Answer(name=name, type="TXT", status=status, records=records, ttl=ttl)


def test_an_answer_is_kept_for_its_ttl():
    cache = Cache(10)
    cache.put(answer("a", ttl=60), now=100)
    assert cache.get(("a", "TXT"), now=159) == answer("a", ttl=60)
    assert cache.get(("a", "TXT"), now=160) is None
    assert len(cache) == 0


def test_what_does_not_exist_and_what_failed_are_kept_for_less():
    cache = Cache(10)
    cache.put(answer("a", ttl=10**6, status="nxdomain"), now=0)
    cache.put(answer("b", status="timeout"), now=0)
    assert cache.get(("a", "TXT"), now=NEGATIVE_TTL - 1)
    assert not cache.get(("a", "TXT"), now=NEGATIVE_TTL)
    assert cache.get(("b", "TXT"), now=FAILURE_TTL - 1)
    assert not cache.get(("b", "TXT"), now=FAILURE_TTL)


def test_ttl_zero_is_not_kept():
    cache = Cache(10)
    cache.put(answer("a", ttl=0), now=0)
    assert cache.get(("a", "TXT"), now=0) is None


def test_the_least_recently_used_goes_first():
    cache = Cache(2)
    cache.put(answer("a"), now=0)
    cache.put(answer("b"), now=0)
    cache.get(("a", "TXT"), now=1)
    cache.put(answer("c"), now=1)
    assert [bool(cache.get((n, "TXT"), now=2)) for n in "abc"] == [True, False, True]


def test_large_answers_take_the_place_of_several():
    cache = Cache(5)
    for name in "abc":
        cache.put(answer(name), now=0)
    cache.put(answer("big", size=3_000), now=0)
    assert not cache.get(("a", "TXT"), now=1)
    assert cache.get(("c", "TXT"), now=1)
    assert cache.get(("big", "TXT"), now=1)
    cache.put(answer("huge", size=65_000), now=0)
    assert len(cache) == 0
