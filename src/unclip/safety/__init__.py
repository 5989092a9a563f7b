"""What may be drawn: the policy for prompts. Importing it needs no torch."""

from unclip.safety.classifier import Classifier
from unclip.safety.policy import Decision, Policy

__all__ = ["Classifier", "Decision", "Policy"]
