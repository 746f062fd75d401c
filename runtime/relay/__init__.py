"""Carries messages between logs: what is published in one is delivered in another, too (SO-6)."""

from runtime.relay.engine import Arrival, Engine
from runtime.relay.parcels import Parcel, subject_of
from runtime.relay.relaying import Relay

__all__ = ["Arrival", "Engine", "Parcel", "Relay", "subject_of"]
