"""The relay: every SMTP transaction goes through here, in lock step with the real MTA."""
