"""What the DAGs share: the call of a function, the way of a day, assets, gates, alerts. No business logic."""
