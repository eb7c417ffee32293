"""Figures, in one restrained style."""
