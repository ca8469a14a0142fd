"""What was really learned: fixed probes, greedy and sampled answers, pass@k, intervals."""
