//! The device side: joins, leaves and inspects through the LocalAPI of the tailscaled that runs here.
