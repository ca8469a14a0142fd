"""Training on TRL: rollouts and treatments, supervised fine-tuning, losses, and exact resume."""
