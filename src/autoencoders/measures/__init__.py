"""Numbers that tell what a model can do."""
