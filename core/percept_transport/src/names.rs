//! Names of nodes, topics and services, and the rules that rename them.
//!
//! Source  ROS 2 design, "Topic and Service name mapping to DDS" and "Remapping names"; `~` is the node's own name.
//! Limits  the substitutions `{node}`, `{ns}` and the schemes `rostopic://` are refused by name.

use crate::TransportError;
use std::fmt;

/// A full name, `/ns/node/input/pointcloud`: begins with a slash, no part of it is empty or begins with a digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName(String);

impl TopicName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A rule of the command line: `from:=to`, `node:from:=to`, `__node:=name`, `__ns:=/namespace`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remap {
    node: Option<String>,
    from: String,
    to: String,
}

impl Remap {
    /// Reads a rule.
    ///
    /// # Errors
    /// Without `:=`, or with an empty side.
    pub fn parse(rule: &str) -> Result<Self, TransportError> {
        let broken = |reason: &str| fault(rule, "remap rule", reason);
        let (from, to) = rule.split_once(":=").ok_or_else(|| broken("from:=to expected"))?;
        if from.contains("://") || to.contains("://") {
            return Err(broken("schemes such as rostopic:// are not supported; name the topic alone"));
        }
        let (node, from) = match from.split_once(':') {
            Some((node, from)) => (Some(node.to_owned()), from),
            None => (None, from),
        };
        if from.is_empty() || to.is_empty() {
            return Err(broken("both sides need a name"));
        }
        Ok(Self { node, from: from.to_owned(), to: to.to_owned() })
    }
}

/// A node's name and namespace, and how it resolves the names of topics and services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    namespace: String,
    node: String,
    rules: Vec<Remap>,
}

impl Names {
    /// A node of this name in a namespace (`/` or empty for none), with rules in their order; the first that fits wins.
    ///
    /// # Errors
    /// A name that breaks the rules of ROS, here or in a rule that renames the node.
    pub fn new(namespace: &str, node: &str, rules: &[Remap]) -> Result<Self, TransportError> {
        let applies = |rule: &&Remap| rule.node.as_deref().is_none_or(|name| name == node);
        let rules: Vec<Remap> = rules.iter().filter(applies).cloned().collect();
        let renamed =
            |from: &[&str]| rules.iter().find(|rule| from.contains(&rule.from.as_str())).map(|r| r.to.clone());
        let node = renamed(&["__node", "__name"]).unwrap_or_else(|| node.to_owned());
        let namespace = renamed(&["__ns"]).unwrap_or_else(|| namespace.to_owned());
        let namespace = format!("/{}", namespace.trim_matches('/'));
        check(&node, "node", &node)?;
        if node.contains('/') {
            return Err(fault(&node, "node", "a node's name has no slash; its namespace is told apart"));
        }
        if namespace != "/" {
            check(&namespace[1..], "namespace", &namespace)?;
        }
        let rules = rules.into_iter().filter(|rule| !rule.from.starts_with("__")).collect();
        Ok(Self { namespace, node, rules })
    }

    /// Names of a node whose middleware has named it and applies the rules by itself: they are read so that the node can
    /// tell what its topics are called and find their publishers. Rules in a form that is not read here (schemes,
    /// substitutions) are left to the middleware, and what they rename is told by its name before them.
    ///
    /// # Errors
    /// A name that breaks the rules of ROS.
    #[cfg(any(feature = "r2r", test))]
    pub(crate) fn of_middleware<'a>(
        namespace: &str,
        node: &str,
        rules: impl Iterator<Item = &'a str>,
    ) -> Result<Self, TransportError> {
        let names = Self::new(namespace, node, &[])?;
        let read = rules.filter_map(|rule| Remap::parse(rule).ok());
        let applies = |rule: &Remap| {
            let is_of_node = rule.node.as_deref().is_none_or(|name| name == node);
            is_of_node && names.expand(&rule.from).is_ok() && names.expand(&rule.to).is_ok()
        };
        let rules = read.filter(|rule| !rule.from.starts_with("__")).filter(applies).collect();
        Ok(Self { rules, ..names })
    }

    /// A name that the rules turn into this one: what a middleware is asked for that applies them by itself.
    #[cfg(any(feature = "r2r", test))]
    pub(crate) fn before_rules(&self, name: &TopicName) -> TopicName {
        let leads_there = |from: &TopicName| self.resolve(from.as_str()).is_ok_and(|to| to == *name);
        if leads_there(name) {
            return name.clone();
        }
        let mut sources = self.rules.iter().filter_map(|rule| self.expand(&rule.from).ok());
        sources.find(leads_there).unwrap_or_else(|| name.clone())
    }

    /// The node's name without its namespace.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// The namespace, `/` or `/front/left`.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Namespace and name, `/front/lidar_detector`.
    pub fn full_node(&self) -> String {
        self.below_namespace(&self.node)
    }

    /// The full name of a topic or service as the node writes it: `~/input/pointcloud`, `points`, `/tf`.
    ///
    /// # Errors
    /// A name that breaks the rules of ROS, here or in the rule that applies.
    pub fn resolve(&self, name: &str) -> Result<TopicName, TransportError> {
        let expanded = self.expand(name)?;
        for rule in &self.rules {
            if self.expand(&rule.from)? == expanded {
                return self.expand(&rule.to);
            }
        }
        Ok(expanded)
    }

    fn expand(&self, name: &str) -> Result<TopicName, TransportError> {
        let full = match (name.strip_prefix('~'), name.strip_prefix('/')) {
            (Some(""), _) => self.full_node(),
            (Some(private), _) => match private.strip_prefix('/') {
                Some(rest) => format!("{}/{rest}", self.full_node()),
                None => return Err(fault(name, "topic", "a slash must follow ~")),
            },
            (None, Some(_)) => name.to_owned(),
            (None, None) => self.below_namespace(name),
        };
        check(full.strip_prefix('/').unwrap_or(&full), "topic", name)?;
        Ok(TopicName(full))
    }

    fn below_namespace(&self, name: &str) -> String {
        let namespace = self.namespace.trim_end_matches('/');
        format!("{namespace}/{name}")
    }
}

fn fault(name: &str, what: &'static str, reason: &str) -> TransportError {
    TransportError::Name { name: name.to_owned(), what, reason: reason.to_owned() }
}

/// Parts between slashes: letters, digits and underscores, not empty, no digit first.
fn check(relative: &str, what: &'static str, given: &str) -> Result<(), TransportError> {
    for part in relative.split('/') {
        if part.is_empty() {
            return Err(fault(given, what, "a part between slashes is empty"));
        }
        if part.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(fault(given, what, "a part begins with a digit"));
        }
        if let Some(odd) = part.chars().find(|c| !(c.is_ascii_alphanumeric() || *c == '_')) {
            return Err(fault(given, what, &format!("{odd:?} is neither a letter, a digit nor an underscore")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(rules: &[&str]) -> Names {
        let rules: Vec<Remap> = rules.iter().map(|rule| Remap::parse(rule).unwrap()).collect();
        Names::new("/front", "lidar_detector", &rules).unwrap()
    }

    fn resolved(rules: &[&str], name: &str) -> String {
        names(rules).resolve(name).unwrap().to_string()
    }

    #[test]
    fn private_relative_and_absolute_names_become_full() {
        assert_eq!(resolved(&[], "~/input/pointcloud"), "/front/lidar_detector/input/pointcloud");
        assert_eq!(resolved(&[], "points"), "/front/points");
        assert_eq!(resolved(&[], "/tf"), "/tf");
        assert_eq!(Names::new("", "node", &[]).unwrap().resolve("~/x").unwrap().as_str(), "/node/x");
    }

    #[test]
    fn the_first_rule_that_fits_renames() {
        let rules = ["~/input/pointcloud:=/velodyne_points", "/front/points:=lidar", "points:=/never"];
        assert_eq!(resolved(&rules, "~/input/pointcloud"), "/velodyne_points");
        assert_eq!(resolved(&rules, "points"), "/front/lidar");
    }

    #[test]
    fn rules_rename_nodes_and_apply_to_the_node_they_name() {
        let named = names(&["__ns:=/rear", "__node:=detector", "other:a:=/b", "lidar_detector:c:=/d"]);
        assert_eq!(named.full_node(), "/rear/detector");
        assert_eq!(named.resolve("a").unwrap().as_str(), "/rear/a");
        assert_eq!(named.resolve("c").unwrap().as_str(), "/d");
        assert_eq!(named.resolve("~/x").unwrap().as_str(), "/rear/detector/x");
    }

    #[test]
    fn a_middleware_that_renames_by_itself_is_asked_for_what_it_turns_into_the_name() {
        let rules =
            ["~/input:=/points", "/points:=/other", "/a:=/b", "/b:=/a", "__node:=x", "rostopic://c:=/d", "{ns}/e:=/f"];
        let names = Names::of_middleware("/front", "lidar", rules.into_iter()).unwrap();
        assert_eq!(names.full_node(), "/front/lidar");
        for (written, told) in [
            ("~/input", "/points"),
            ("/points", "/other"),
            ("/a", "/b"),
            ("/b", "/a"),
            ("c", "/front/c"),
            ("~/output", "/front/lidar/output"),
        ] {
            let name = names.resolve(written).unwrap();
            assert_eq!(name.as_str(), told, "{written}");
            assert_eq!(names.resolve(names.before_rules(&name).as_str()).unwrap(), name, "{written}");
        }
    }

    #[test]
    fn names_that_ros_refuses_are_refused_with_the_rule() {
        for name in ["", "a//b", "a/", "1st", "a b", "~x", "{node}/a", "/"] {
            assert!(names(&[]).resolve(name).is_err(), "{name:?}");
        }
        assert!(Names::new("/", "a/b", &[]).is_err());
        assert!(Names::new("/9", "a", &[]).is_err());
        for rule in ["a", ":=b", "a:=", "rostopic://a:=b"] {
            assert!(Remap::parse(rule).is_err(), "{rule}");
        }
    }
}
