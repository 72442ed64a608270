"""Several processes that meet clients, for one hub: ``workers = N``."""
