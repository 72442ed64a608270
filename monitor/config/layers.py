"""Settings from their three layers: TOML file < environment < flags.

A wrong key or value raises :class:`ConfigError`, whose text names the setting, where it
came from, and the mend.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from monitor.config.database import shown
from monitor.config.settings import Settings

ENV_PREFIX = "MXTAP_"


class ConfigError(Exception):
    """The configuration is wrong; the text is for the operator."""


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
        _put(tree, path, text)
    return _listed(Settings, tree)


def _listed(model: type[BaseModel], tree: Mapping[str, Any]) -> dict[str, Any]:
    """``tree`` with lists where the settings are lists and a line of text was given."""
    done = dict(tree)
    for name, value in tree.items():
        if name not in model.model_fields:
            continue
        kind = model.model_fields[name].annotation
        if isinstance(value, Mapping) and isinstance(kind, type) and issubclass(kind, BaseModel):
            done[name] = _listed(kind, value)
        elif isinstance(value, str) and "tuple" in str(kind):
            done[name] = [item.strip() for item in value.split(",") if item.strip()]
    return done


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
    layers.append(("command line", _listed(Settings, flags or {})))
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
            value = shown(str(fault["input"])) if key == "database" else fault["input"]
            lines.append(f"{source}: {key} = {value!r}: {reason}")
    return lines
