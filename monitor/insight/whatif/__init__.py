"""What if: a rule held against the past, without touching mail. One rule a file."""
