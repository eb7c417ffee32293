"""Autoencoders: what they have in common, and a file for each flavour in flavours/."""
