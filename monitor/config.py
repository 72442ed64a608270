"""One typed settings model: TOML file < environment < flags.

Every setting has a safe default. A wrong key or value raises :class:`ConfigError`, whose
text names the setting, where it came from, and the mend.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import socket
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

ENV_PREFIX = "MXTAP_"


class ConfigError(Exception):
    """The configuration is wrong; the text is for the operator."""


def split_address(value: str) -> tuple[str, int]:
    """``HOST:PORT`` or ``[IPv6]:PORT`` in parts. Raises ValueError that tells the form."""
    host, sep, port = value.rpartition(":")
    host = host.strip("[]")
    if not sep or not port.isdigit() or not 0 <= int(port) <= 65535 or not host:
        raise ValueError(f"{value!r} is not HOST:PORT (or [IPv6]:PORT)")
    return host, int(port)


def _address(value: str) -> str:
    split_address(value)
    return value


def _network(value: str) -> str:
    ipaddress.ip_network(value, strict=False)
    return value


Address = Annotated[str, AfterValidator(_address)]
Network = Annotated[str, AfterValidator(_network)]
Seconds = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Act = Literal["note", "refuse", "drop"]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Tls(_Table):
    """STARTTLS, offered to clients and used towards the upstream."""

    enabled: bool = True
    certificate: Path | None = None  # PEM; self-signed, made at first start, when none is given
    key: Path | None = None
    minimum: Literal["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] = "TLSv1.2"
    ciphers: str = ""  # an OpenSSL cipher list; "" for OpenSSL's own default
    handshake_timeout: Seconds = 30
    upstream: Literal["off", "opportunistic", "require"] = "off"


class Dns(_Table):
    """Where answers come from."""

    server: Address | None = None  # None: the machine's own resolver
    zone: Path | None = None  # answer from this file only
    timeout: Seconds = 4
    cache: Count = 50_000  # answers
    trust_ad: bool | None = None  # believe the AD bit; None: only of a loopback resolver


class Checking(_Table):
    """Bounds of the checks of one message."""

    deadline: Seconds = 5
    signatures: Count = 10
    questions: Count = 100
    stamp: bool = False  # add an Authentication-Results field
    authserv_id: str = ""  # "" for the relay's name
    processes: int = Field(default=1, ge=0)  # for DKIM over large bodies


class Greylist(_Table):
    """Greylisting: ours where it is enforced, what it would have done where it is observed."""

    mode: Literal["off", "observe", "enforce"] = "observe"
    delay: Seconds = 60
    retry_window: Seconds = 2 * 86400
    remember: Seconds = 35 * 86400
    auto_allow: int = Field(default=5, ge=0)  # passes of a pool; 0 never
    patterns: tuple[str, ...] = ()  # more reply patterns (regular expressions) of upstreams


class Retry(_Table):
    """How retries are judged. Seconds; the bands go from info to error."""

    soon: tuple[Seconds, Seconds, Seconds, Seconds] = (1_800, 300, 60, 10)
    immediate: Seconds = 5
    rapid_window: Seconds = 60
    fallback_window: Seconds = 60  # another listener within this is MX fallback, no retry
    permanent_memory: Seconds = 5 * 86_400
    silence: Seconds = 6 * 3_600  # a sender that retried is given up on after this
    no_retry: Seconds = 86_400  # and one that never did, after this
    gave_up: tuple[Seconds, Seconds, Seconds] = (96 * 3_600, 20 * 3_600, 4 * 3_600)
    remembered: Count = 1_000_000  # senders and recipients that are kept in mind


class Limits(_Table):
    """What a client may use up. Times are seconds, sizes bytes."""

    sessions: Count = 2_000
    sessions_per_ip: Count = 50
    sessions_per_network: Count = 200
    command_line: Count = 4_096
    commands: Count = 10_000
    errors: Count = 20
    recipients: Count = 1_000
    messages: Count = 1_000
    message_size: Count = 50 * 1024 * 1024
    spool_memory: Count = 1024 * 1024  # a message larger than this goes to a file
    spool_total: Count = 2 * 1024 * 1024 * 1024
    command_timeout: Seconds = 300
    data_timeout: Seconds = 180  # between two pieces of a message
    data_total: Seconds = 3_600
    session_timeout: Seconds = 14_400
    upstream_connect: Seconds = 15
    upstream_reply: Seconds = 300
    upstream_dot: Seconds = 600  # RFC 5321 4.5.3.2.6
    drain: Seconds = 10


class Conduct(_Table):
    """What is done about protocol faults, besides saying so."""

    greet_delay: Seconds = 0  # wait for early talkers this long
    early_talker: Act = "note"
    unannounced_pipelining: Act = "note"
    helo: Act = "note"
    not_smtp: Act = "drop"
    bare_newline: Literal["refuse", "fix", "pass"] = "refuse"


class Capture(_Table):
    """What is written to session files, in the folder ``captures`` of the state folder."""

    mode: Literal["off", "envelope", "headers", "full"] = "headers"
    rotate_size: Count = 256 * 1024 * 1024  # bytes, compressed
    rotate_age: Seconds = 86_400
    keep_days: float = Field(default=14, ge=0)  # 0 keeps for ever
    disk_floor: int = Field(default=1024 * 1024 * 1024, ge=0)  # bytes left free at least


class History(_Table):
    """What is remembered of ended transactions."""

    days: float = Field(default=30, ge=0)  # 0 keeps everything


class Settings(_Table):
    """Everything that can be set."""

    state: Path = Field(default_factory=lambda: default_state())
    name: str = Field(default_factory=lambda: socket.getfqdn() or "localhost")
    listen: tuple[Address, ...] = ("127.0.0.1:2525",)
    upstream: Address = "127.0.0.1:10025"
    identity: Literal["auto", "xclient", "proxy", "none"] = "auto"
    proxy_from: tuple[Network, ...] = ()  # who may speak the PROXY protocol to us
    local_domains: tuple[str, ...] = ()
    report_addresses: tuple[str, ...] = ()  # where our own domains collect reports (rua=)
    themes: Path | None = None  # a folder of themes; None for the user's own
    tls: Tls = Tls()
    dns: Dns = Dns()
    checks: Checking = Checking()
    greylist: Greylist = Greylist()
    retry: Retry = Retry()
    limits: Limits = Limits()
    conduct: Conduct = Conduct()
    history: History = History()
    capture: Capture = Capture()


def default_state() -> Path:
    """``$STATE_DIRECTORY`` (systemd), else ``$XDG_STATE_HOME/mxtap``."""
    if given := os.environ.get("STATE_DIRECTORY"):
        return Path(given.split(":")[0])
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "mxtap"


def _tables() -> dict[str, type[BaseModel]]:
    return {
        name: field.annotation
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    }


def _known() -> dict[str, tuple[str, ...]]:
    """Every setting by its environment name, without the prefix."""
    known: dict[str, tuple[str, ...]] = {}
    tables = _tables()
    for name in Settings.model_fields:
        if name in tables:
            for key in tables[name].model_fields:
                known[f"{name}_{key}".upper()] = (name, key)
        else:
            known[name.upper()] = (name,)
    return known


def _put(tree: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        tree = tree.setdefault(key, {})
    tree[path[-1]] = value


def _from_file(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not valid TOML: {error}") from None


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    known = _known()
    for variable, text in environ.items():
        if not variable.startswith(ENV_PREFIX) or variable in _NOT_SETTINGS:
            continue
        path = known.get(variable.removeprefix(ENV_PREFIX))
        if path is None:
            near = difflib.get_close_matches(variable, [ENV_PREFIX + k for k in known], 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ConfigError(f"environment: {variable} is not a setting{hint}")
        field: Any = Settings.model_fields[path[0]]
        if len(path) == 2:
            field = _tables()[path[0]].model_fields[path[1]]
        many = "tuple" in str(field.annotation)
        _put(tree, path, [x.strip() for x in text.split(",") if x.strip()] if many else text)
    return tree


_NOT_SETTINGS = {"MXTAP_REQUIRE_REAL", "MXTAP_CONFIG"}


def _merge(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(value, Mapping) and isinstance(below, dict):
            merged[key] = _merge(below, value)
        else:
            merged[key] = value
    return merged


def load(
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Settings:
    """The settings of all three layers. Raises ConfigError."""
    layers: list[tuple[str, Mapping[str, Any]]] = []
    if file is not None:
        layers.append((str(file), _from_file(file)))
    layers.append(("environment", _from_environment(os.environ if environ is None else environ)))
    layers.append(("command line", flags or {}))
    tree: dict[str, Any] = {}
    for source, layer in layers:
        tree = _merge(tree, layer)
        try:
            settings = Settings.model_validate(tree)
        except ValidationError as error:
            raise ConfigError("\n".join(_complaints(source, error))) from None
    return settings


def _complaints(source: str, error: ValidationError) -> list[str]:
    lines = []
    for fault in error.errors(include_url=False):
        path = [str(part) for part in fault["loc"] if not isinstance(part, int)]
        key = ".".join(path)
        if fault["type"] == "extra_forbidden":
            model = _tables().get(path[0], Settings) if len(path) > 1 else Settings
            near = difflib.get_close_matches(path[-1], model.model_fields, 1)
            hint = f"did you mean {near[0]}?" if near else "remove it"
            lines.append(f"{source}: {key} is not a setting; {hint}")
        else:
            reason = fault["msg"].removeprefix("Value error, ")
            lines.append(f"{source}: {key} = {fault['input']!r}: {reason}")
    return lines
