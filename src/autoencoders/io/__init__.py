"""Arrays, files and random streams: what every stage shares."""
