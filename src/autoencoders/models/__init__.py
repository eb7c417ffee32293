"""Flavours of autoencoders: one file for each; registry.py knows them all."""
