"""How a stage's process starts, fails, is alone and ends: nothing here can change a result."""
