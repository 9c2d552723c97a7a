"""The event store: where events, output, API keys and idempotency keys are kept. Nothing here may be lost."""
