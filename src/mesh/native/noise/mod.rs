//! The encrypted transport between a device and the coordinator (ts2021: Noise IK).
