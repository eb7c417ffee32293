"""The data sets: one file for each kind; registry.py knows them all."""
