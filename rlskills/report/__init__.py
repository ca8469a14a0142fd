"""Reading finished runs: comparisons, tables, figures, and the page of a study."""
