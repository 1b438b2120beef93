//! Workgroups: who sees which databases.

use serde_json::{Value, json};

use crate::bucket::BUCKET;
use crate::error::Fault;

/// Databases without names and real identifiers of patients.
const WITHOUT_NAMES: [&str; 4] = ["bronze", "codes", "gold", "silver"];

/// A workgroup. `primary`, which clients use that name none, sees what analysts see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WorkGroup {
    /// Queries without names.
    Analyst,
    /// The same, for clients that name no workgroup.
    Primary,
    /// Queries that may name persons.
    Restricted,
}

impl WorkGroup {
    /// The workgroup of that name, alone or as the deployed stack prefixes it: `carelake-analyst`.
    ///
    /// # Errors
    /// When there is none, or it is not served.
    pub fn named(name: Option<&str>, restricted: bool) -> Result<Self, Fault> {
        let name = name.unwrap_or("primary");
        let found = match name.rsplit('-').next().unwrap_or(name) {
            "analyst" => Self::Analyst,
            "primary" => Self::Primary,
            "restricted" if restricted => Self::Restricted,
            "restricted" => {
                let words = "WorkGroup restricted is not served; carelake serve --restricted serves it";
                return Err(Fault::invalid(words));
            }
            _ => return Err(Fault::invalid(format!("WorkGroup {name} is not found."))),
        };
        Ok(found)
    }

    /// Those that are served.
    pub fn all(restricted: bool) -> Vec<Self> {
        let mut all = vec![Self::Analyst, Self::Primary];
        all.extend(restricted.then_some(Self::Restricted));
        all
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Analyst => "analyst",
            Self::Primary => "primary",
            Self::Restricted => "restricted",
        }
    }

    /// Whether its queries may read a database.
    pub fn sees(self, database: &str) -> bool {
        self == Self::Restricted || WITHOUT_NAMES.contains(&database)
    }

    /// What is said of it in lists.
    pub fn summary(self) -> Value {
        let description = match self {
            Self::Restricted => "Queries that may name persons",
            _ => "Queries without names",
        };
        json!({"Name": self.name(), "State": "ENABLED", "Description": description, "EngineVersion": engine_version()})
    }

    /// All that is said of it.
    pub fn description(self) -> Value {
        let mut described = self.summary();
        if let Some(described) = described.as_object_mut() {
            let place = format!("s3://{BUCKET}/{}/", self.name());
            described.remove("EngineVersion");
            described.insert(
                "Configuration".to_owned(),
                json!({
                    "ResultConfiguration": {"OutputLocation": place},
                    "EnforceWorkGroupConfiguration": true,
                    "PublishCloudWatchMetricsEnabled": false,
                    "RequesterPaysEnabled": false,
                    "EngineVersion": engine_version(),
                }),
            );
        }
        described
    }
}

/// The engine's version, as Athena names it.
pub fn engine_version() -> Value {
    let version = "Athena engine version 3";
    json!({"SelectedEngineVersion": version, "EffectiveEngineVersion": version})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_analysts_do_not_see_who_a_patient_is() {
        for database in ["identity", "gold_identified", "quarantine", "landing", "Identity", ""] {
            assert!(!WorkGroup::Analyst.sees(database) && !WorkGroup::Primary.sees(database), "{database}");
        }
        assert!(WorkGroup::Analyst.sees("gold") && WorkGroup::Restricted.sees("identity"));
    }

    #[test]
    fn the_restricted_group_is_there_only_when_it_is_served() {
        assert!(WorkGroup::named(Some("restricted"), false).is_err());
        assert_eq!(WorkGroup::named(Some("carelake-restricted"), true), Ok(WorkGroup::Restricted));
        assert_eq!(WorkGroup::named(None, false), Ok(WorkGroup::Primary));
        assert!(WorkGroup::named(Some("other"), true).is_err());
    }
}
