"""Settings of all tests."""

from hypothesis import HealthCheck, settings

# How long an example takes says nothing on a machine that runs other tests at the same time.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
