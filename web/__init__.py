"""The faces of Deedbook: HTTP, WebSocket, and the command line."""
