//! STUN: tells a device the address from which its packets come (RFC 8489).
