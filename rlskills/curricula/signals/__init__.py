"""What outcomes tell about units: averages, windows, posteriors. Pieces that methods share."""
