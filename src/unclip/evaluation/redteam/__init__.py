"""Prompts that attack the policy, harmless twins of each, and what a disguise makes of both."""

from unclip.evaluation.redteam.suite import Attempt, attempts, read_pairs, read_sentences

__all__ = ["Attempt", "attempts", "read_pairs", "read_sentences"]
