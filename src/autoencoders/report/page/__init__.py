"""The report's page: plain files, and what makes one of them."""
