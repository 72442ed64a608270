"""Reports and answers as text, HTML and CSV."""
