"""What a run leaves behind: folders, metrics, comparison tables and plots."""
