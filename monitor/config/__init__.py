"""One typed settings model: TOML file < environment < flags; every setting has a safe default."""

from monitor.config.judging import Conduct, Greylist, Retry
from monitor.config.layers import ENV_PREFIX, ConfigError, load
from monitor.config.settings import Settings, default_state
from monitor.config.tables import Capture, Checking, Dns, History, Limits, Log, Metrics, Tls
from monitor.config.values import Act, Table, split_address

__all__ = [
    "ENV_PREFIX",
    "Act",
    "Capture",
    "Checking",
    "Conduct",
    "ConfigError",
    "Dns",
    "Greylist",
    "History",
    "Limits",
    "Log",
    "Metrics",
    "Retry",
    "Settings",
    "Table",
    "Tls",
    "default_state",
    "load",
    "split_address",
]
