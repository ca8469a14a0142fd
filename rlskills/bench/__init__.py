"""How fast training is here: rlskills beside stock TRL, in pairs, on the same problems."""
