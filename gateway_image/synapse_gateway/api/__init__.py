"""Endpoints of the gateway, one package per family; `endpoint_table.py` lists them in order."""
