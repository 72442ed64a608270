"""Reports that receivers send each other: what they are, and when they go in circles."""
