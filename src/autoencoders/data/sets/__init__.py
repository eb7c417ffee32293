"""One file for each data set, named as data.name names it."""
