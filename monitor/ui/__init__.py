"""The screen: a client of a feed. It knows nothing of the relay or the store.

``state`` folds updates into what is shown and imports no Textual; ``draw`` turns it into
lines; ``widgets`` and ``screens`` put the lines up and take the keys.
"""
