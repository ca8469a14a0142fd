"""SFT, rejection fine-tuning and GRPO as thin classes over TRL, and what makes them resumable."""
