"""Control: a running relay, spoken to through a Unix socket in its state folder."""
