"""Data sets: what they have in common, their files, and sets/, one file for each."""
