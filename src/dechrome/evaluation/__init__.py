"""Model + labelled documents -> measures, tables, figures and a page to look at."""
