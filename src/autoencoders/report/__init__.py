"""The report: one page without requests, its content in content.py, its looks in page.html."""
