"""What can be done with trained models and experiments, outside of the pipeline."""
