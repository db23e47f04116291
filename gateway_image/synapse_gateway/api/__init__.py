"""Endpoints of the gateway, one package per family; `table.py` lists them in order."""
