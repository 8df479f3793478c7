//! Which network interfaces a participant uses, and whether they can do what DDS needs.
//!
//! Peers find each other by multicast to 239.255.0.1. A loopback has none unless it is switched on, and there CycloneDDS
//! and rustdds stay silent without a word: so it is looked at before.

use crate::TransportError;
use std::net::{IpAddr, Ipv4Addr};

/// A network interface as far as DDS cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Interface {
    pub(super) name: String,
    pub(super) addresses: Vec<Ipv4Addr>,
    pub(super) up: bool,
    pub(super) multicast: bool,
}

impl Interface {
    fn serves(&self) -> bool {
        self.up && self.multicast && !self.addresses.is_empty()
    }

    /// The interface with what keeps it from being used.
    fn described(&self) -> String {
        let mut lacks = Vec::new();
        for (missing, word) in
            [(!self.up, "down"), (!self.multicast, "no multicast"), (self.addresses.is_empty(), "no IPv4 address")]
        {
            if missing {
                lacks.push(word);
            }
        }
        let state = if lacks.is_empty() { "usable".to_owned() } else { lacks.join(", ") };
        format!("{} ({state})", self.name)
    }
}

/// The interfaces of this machine.
pub(super) fn installed() -> Vec<Interface> {
    let interfaces = netdev::get_interfaces().into_iter();
    let interface = |found: netdev::Interface| Interface {
        up: found.is_up(),
        multicast: found.is_multicast(),
        addresses: found.ipv4.iter().map(|network| network.addr()).collect(),
        name: found.name,
    };
    interfaces.map(interface).collect()
}

/// The addresses to keep to; `None` for every interface.
///
/// # Errors
/// [`TransportError::NoMulticast`] where none can do multicast, or not the one that is asked for by its name or address.
pub(super) fn choose(interfaces: &[Interface], wanted: Option<&str>) -> Result<Option<Vec<IpAddr>>, TransportError> {
    let found = || {
        let described: Vec<String> = interfaces.iter().map(Interface::described).collect();
        if described.is_empty() { "no interface at all".to_owned() } else { described.join("; ") }
    };
    let Some(wanted) = wanted else {
        return match interfaces.iter().any(Interface::serves) {
            true => Ok(None),
            false => Err(TransportError::NoMulticast {
                fault: "no network interface can do that".to_owned(),
                found: found(),
            }),
        };
    };
    let address: Option<Ipv4Addr> = wanted.parse().ok();
    let named = |interface: &&Interface| {
        interface.name == wanted || address.is_some_and(|address| interface.addresses.contains(&address))
    };
    match interfaces.iter().find(named) {
        Some(interface) if interface.serves() => {
            let chosen = interface.addresses.iter().filter(|own| address.is_none_or(|address| address == **own));
            Ok(Some(chosen.map(|own| IpAddr::V4(*own)).collect()))
        }
        Some(interface) => {
            Err(TransportError::NoMulticast { fault: format!("{wanted} cannot do that"), found: interface.described() })
        }
        None => Err(TransportError::NoMulticast { fault: format!("there is no interface {wanted}"), found: found() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str, address: [u8; 4], up: bool, multicast: bool) -> Interface {
        Interface { name: name.to_owned(), addresses: vec![Ipv4Addr::from(address)], up, multicast }
    }

    #[test]
    fn a_lone_loopback_without_multicast_is_refused_with_the_way_out() {
        let text = choose(&[interface("lo", [127, 0, 0, 1], true, false)], None).unwrap_err().to_string();
        assert!(text.contains("lo (no multicast)"), "{text}");
        assert!(text.contains("ip link set lo multicast on"), "{text}");
        assert!(choose(&[], None).unwrap_err().to_string().contains("no interface at all"));
    }

    #[test]
    fn an_ethernet_beside_the_loopback_is_enough() {
        let interfaces = [interface("lo", [127, 0, 0, 1], true, false), interface("eth0", [10, 0, 0, 2], true, true)];
        assert_eq!(choose(&interfaces, None).unwrap(), None);
        let eth0 = Some(vec![IpAddr::from([10, 0, 0, 2])]);
        assert_eq!(choose(&interfaces, Some("eth0")).unwrap(), eth0);
        assert_eq!(choose(&interfaces, Some("10.0.0.2")).unwrap(), eth0);
        for wanted in ["lo", "127.0.0.1", "eth1", "10.0.0.3"] {
            assert!(matches!(choose(&interfaces, Some(wanted)), Err(TransportError::NoMulticast { .. })), "{wanted}");
        }
    }

    #[test]
    fn an_interface_that_is_down_does_not_serve() {
        let text = choose(&[interface("eth0", [10, 0, 0, 2], false, true)], None).unwrap_err().to_string();
        assert!(text.contains("eth0 (down)"), "{text}");
    }
}
