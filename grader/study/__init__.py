"""Interview questions by heart: which come back when, and a session at the terminal."""
