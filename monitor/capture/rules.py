"""The settings that findings depend on: they go into a capture, for findings made anew."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from monitor.config import Settings

# Not how hard the relay may work, nor what its operator's regular expressions are: a
# capture may come from a stranger.
KEPT: dict[str, Any] = {
    "name": True,
    "local_domains": True,
    "report_addresses": True,
    "checks": {"signatures", "questions"},
    "greylist": {"mode", "delay", "retry_window", "remember", "auto_allow"},
    "retry": True,
    "conduct": True,
}
Rules = dict[str, Any]


def rules_of(settings: Settings) -> Rules:
    """What a capture says of the settings that it was made under."""
    return settings.model_dump(mode="json", include=KEPT)


def restored(settings: Settings, rules: Rules) -> Settings:
    """``settings`` with those of then in place. Raises ValueError where they are no settings."""
    merged = settings.model_dump()
    for key, kept in KEPT.items():
        if key not in rules:
            continue
        then = rules[key]
        if isinstance(merged[key], dict) and isinstance(then, dict):
            wanted = kept if isinstance(kept, set) else then
            then = merged[key] | {name: then[name] for name in wanted if name in then}
        merged[key] = then
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        reason = error.errors(include_url=False)[0]["msg"]
        raise ValueError(f"the settings of then are not understood: {reason}") from None
