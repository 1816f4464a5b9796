"""Fine-tuning on unlabelled videos, by what their frames tell."""
