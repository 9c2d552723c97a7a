"""The console: pages for the people who read an audit log, made on the server."""
