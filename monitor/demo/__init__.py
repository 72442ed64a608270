"""The demo: a cast of senders, their DNS zone, a sink MTA, and the real relay between them.

Nothing on the screen is scripted. The senders speak SMTP over loopback, each from addresses
of its own in 127.0.0.0/8; the relay, its checks and its findings are those of every day.
"""
