"""The report: one page without requests; what it holds is gathered here, its files lie in page."""
