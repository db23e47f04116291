"""Every endpoint, one file for each family; listed, in order, in `table.py`."""
