"""What was really learned: fixed eval sets, greedy and sampled answers, pass@k, intervals."""
