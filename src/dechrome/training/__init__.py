"""Training: pages and gold text -> labelled corpus -> model -> report. Needs more than prediction does."""
