"""The open letter to a sender's postmaster: what was seen, with evidence, and what would mend it.

Everything here is pure: records, transcripts and DNS answers in, text out. mxtap never sends a
letter; it writes one for a human to read and to send.
"""
