"""Live events: subscriptions, visibility, and transports."""
