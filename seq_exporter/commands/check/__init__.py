"""`seq-exporter check`: whether the file is right and the keys work, and what there is to see."""
