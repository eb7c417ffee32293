"""What every stage shares: how it starts, errors, its process, files, random streams."""
