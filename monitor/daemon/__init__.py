"""What a relay needs as a daemon: its log, privileges, sockets, service manager and metrics."""
