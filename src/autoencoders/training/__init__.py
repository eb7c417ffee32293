"""The training loop and the state that an interrupted training goes on from."""
