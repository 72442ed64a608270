"""Policy: what is done about a sender. Lists, greylist decisions, and the verdict of both."""
