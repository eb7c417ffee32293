"""Networks, and where torch computes them."""
