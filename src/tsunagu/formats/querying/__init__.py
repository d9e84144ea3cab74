"""Parquet files as tables that answer SQL, behind the sandbox's walls."""
