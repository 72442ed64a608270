"""What the screens show, kept up to date from a feed's updates, within bounds."""
