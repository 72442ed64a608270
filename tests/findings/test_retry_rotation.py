"""Retries from other hosts of the same sender."""

from __future__ import annotations

import pytest
from conversation import World

LATER = "451 4.3.2 Please try again later"
ROTATION = "retry.host-rotation"
NO_DELAY = "retry.rotation-no-delay"
POOL = {"spf": "sender.example"}


def toured(hosts: list[str], wait: float, **more: object) -> World:
    world = World()
    for host in hosts:
        world.attempt(host, LATER, **more)
        world.wait(wait)
    return world


def severities(world: World, code: str) -> list[str]:
    return [found.severity for found in world.found(code)]


def test_the_same_host_does_not_rotate():
    assert severities(toured(["192.0.2.1"] * 4, 2_000), ROTATION) == []


def test_a_neighbour_is_worth_a_note():
    world = toured(["192.0.2.1", "192.0.2.2", "192.0.2.3"], 2_000)
    assert severities(world, ROTATION) == ["info", "info"]


def test_another_network_of_the_pool_weighs_more():
    world = toured(["192.0.2.1", "198.51.100.1"], 2_000, **POOL)
    assert severities(world, ROTATION) == ["notice"]
    assert world.found(ROTATION)[0].evidence["hosts"] == ["192.0.2.1", "198.51.100.1"]


HOSTS = ["192.0.2.1", "198.51.100.1", "203.0.113.1", "192.0.3.1"]


def test_three_new_networks_are_three_timers_begun_anew():
    world = toured(HOSTS, 2_000, **POOL)
    assert severities(world, ROTATION) == ["notice", "notice", "warning"]
    assert severities(world, NO_DELAY) == []


def test_without_delay_it_is_an_error():
    world = toured(HOSTS, 20, **POOL)
    assert severities(world, NO_DELAY) == ["notice", "notice", "error"]


def test_back_and_forth_between_two_networks_begins_one_timer_anew():
    world = toured(HOSTS[:2] * 4, 2_000, **POOL)
    assert set(severities(world, ROTATION)) == {"notice"}


def test_hosts_of_one_organisation_are_never_above_notice():
    world = World()
    for n, host in enumerate(HOSTS):
        world.attempt(host, LATER, ptr=f"out{n}.sender.example")
        world.wait(20)
    assert set(severities(world, ROTATION)) == {"notice"}
    assert set(severities(world, NO_DELAY)) == {"notice"}


def test_strangers_are_not_one_pool():
    world = World()
    for n, host in enumerate(HOSTS):
        world.attempt(host, LATER, helo=f"mx.sender{n}.example")
    assert world.codes("retry") == []


@pytest.mark.parametrize("size", [1_040, 1_500])
def test_another_host_may_add_its_line_to_the_size(size: int):
    world = World()
    world.attempt("192.0.2.1", LATER, size=1_000, **POOL)
    world.wait(2_000)
    world.attempt("198.51.100.1", LATER, size=size, **POOL)
    assert severities(world, ROTATION) == ["notice"]
