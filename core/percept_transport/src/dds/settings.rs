//! Which domain, which network, and how the other side's ROS is spoken to.

use crate::TransportError;

/// The highest domain whose ports all lie below 65536 (RTPS 2.5, 9.6.2.3).
const LAST_DOMAIN: u16 = 232;

/// How long a gid is in `ros_discovery_info`: Iron made it the 16 bytes that it needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GidForm {
    /// 24 bytes: Humble and older.
    Humble,
    /// 16 bytes: Iron, Jazzy and newer.
    #[default]
    Iron,
}

impl GidForm {
    pub(super) fn gid_bytes(self) -> usize {
        match self {
            Self::Humble => 24,
            Self::Iron => 16,
        }
    }

    /// What a distribution speaks: `humble`, `jazzy`.
    pub fn of_distribution(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "foxy" | "galactic" | "humble" => Self::Humble,
            _ => Self::Iron,
        }
    }
}

/// How a participant joins its domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DdsSettings {
    /// The domain, `ROS_DOMAIN_ID`: 0 to 232.
    pub domain_id: u16,
    /// The network interface to keep to, by name or IPv4 address; every one that has multicast where there is none.
    pub interface: Option<String>,
    /// The form in which the node's name is told to `ros2 node list`.
    pub gid_form: GidForm,
}

impl DdsSettings {
    /// Settings as ROS takes them from the environment: `ROS_DOMAIN_ID`; `ROS_LOCALHOST_ONLY=1` for the interface `lo`;
    /// `ROS_DISTRO` for the form of the node's name.
    ///
    /// # Errors
    /// [`TransportError::Unavailable`] for a domain that is no whole number from 0 to 232.
    pub fn from_environment() -> Result<Self, TransportError> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, TransportError> {
        let told = |name: &str| variable(name).filter(|value| !value.is_empty());
        let domain_id = match told("ROS_DOMAIN_ID") {
            Some(text) => text.trim().parse().map_err(|_| domain_fault(&text))?,
            None => 0,
        };
        let interface = (told("ROS_LOCALHOST_ONLY").as_deref() == Some("1")).then(|| "lo".to_owned());
        let gid_form = told("ROS_DISTRO").map_or_else(GidForm::default, |name| GidForm::of_distribution(&name));
        let settings = Self { domain_id, interface, gid_form };
        settings.check()?;
        Ok(settings)
    }

    /// # Errors
    /// A domain without ports.
    pub(super) fn check(&self) -> Result<(), TransportError> {
        if self.domain_id > LAST_DOMAIN { Err(domain_fault(&self.domain_id.to_string())) } else { Ok(()) }
    }
}

fn domain_fault(found: &str) -> TransportError {
    TransportError::Unavailable {
        what: format!("ROS_DOMAIN_ID {found:?} is no domain"),
        way_out: format!("give a whole number from 0 to {LAST_DOMAIN}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Result<DdsSettings, TransportError> {
        let find =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        DdsSettings::from_variables(find)
    }

    #[test]
    fn the_environment_is_read_as_ros_reads_it() {
        assert_eq!(settings(&[]).unwrap(), DdsSettings::default());
        let told = settings(&[("ROS_DOMAIN_ID", "42"), ("ROS_LOCALHOST_ONLY", "1"), ("ROS_DISTRO", "humble")]).unwrap();
        assert_eq!((told.domain_id, told.interface.as_deref()), (42, Some("lo")));
        assert_eq!((told.gid_form.gid_bytes(), GidForm::of_distribution("jazzy").gid_bytes()), (24, 16));
    }

    #[test]
    fn a_domain_without_ports_is_refused_by_name() {
        for domain in ["233", "-1", "one", "70000"] {
            let text = settings(&[("ROS_DOMAIN_ID", domain)]).unwrap_err().to_string();
            assert!(text.contains(domain) && text.contains("0 to 232"), "{text}");
        }
    }
}
