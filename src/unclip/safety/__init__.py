"""What may be drawn: the policy for prompts, and for pictures. Importing it needs no torch."""

from unclip.safety.classifier import Classifier
from unclip.safety.images import PictureJudge
from unclip.safety.policy import Decision, Policy

__all__ = ["Classifier", "Decision", "PictureJudge", "Policy"]
