"""Reading finished runs: tables, figures, comparisons."""
