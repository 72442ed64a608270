"""Is this machine ready for mail? Facts are gathered at the edge; what they mean is pure.

``gather.py`` meets the upstream, the DNS, the web and the disk, each under a deadline; every
other file judges what was found, and does no I/O.
"""
