"""Packages to sprites, sprites to composed scenes, scenes to captioned batches."""
