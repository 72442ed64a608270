"""From records, events and findings to styled lines; pure functions."""
