"""Findings: pure functions from what happened to what is worth saying about it.

Nothing in this room does I/O. DNS is asked through ``ask(name, type)``, which gives a
recorded :class:`~monitor.findings.answers.Answer` or raises
:class:`~monitor.findings.answers.NeedAnswer` (law 4 in ARCHITECTURE.md).
"""
