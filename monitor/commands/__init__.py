"""The commands, one file each: ``configure(parser)`` and ``run(args, settings)``.

``run`` gives the exit code: 0 done, 1 it failed, 2 wrong usage or configuration.
"""
