"""End to end, in a real Chromium.

A package, so that its browser ends with its last test: Playwright keeps the thread's event loop until then, and tests
elsewhere want one of their own.
"""
