"""Studies: questions about the past that take a while, answered beside the relay.

What is asked and answered are structs of ``insight`` and ``letter``; here they meet a history
or a recording, and a process of their own.
"""
