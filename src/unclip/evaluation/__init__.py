"""How well a model follows its prompts, in the world of the corpus and judged by a detector."""
