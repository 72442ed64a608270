"""mxtap: a relay in front of the real MTA that tells what each sender does badly."""

__version__ = "0.1.0"
