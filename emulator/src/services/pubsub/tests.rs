//! Stories of topics and subscriptions.
