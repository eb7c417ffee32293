"""Corruptions of the input: one file for each kind, with what undoes it; registry.py knows all."""
