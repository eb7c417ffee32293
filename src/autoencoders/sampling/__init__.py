"""New codes: between, around and beyond those of real images."""
