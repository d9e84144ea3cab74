"""Settings, addresses, process entry points: the only place that knows every room."""
