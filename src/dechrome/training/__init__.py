"""Pages and gold text -> labelled corpus -> model. Needs more than prediction does."""
