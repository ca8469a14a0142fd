"""What a run writes: its folder and manifest, metrics and TensorBoard events, rollouts."""
