//! Which columns of a feed's datasets and tables say whose a row is: what the contracts say, and what their mappings do.

use std::collections::{BTreeMap, BTreeSet};

use carelake_contracts::{Contract, ContractSet, KeyColumn, Link, Roles};

use crate::conform::origins;
use crate::error::StepError;

/// What the columns of a table say of persons.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableRoles {
    /// Columns with a pseudonym.
    pub persons: BTreeSet<String>,
    /// Columns with the key of a parent that belongs to a person, and that key.
    pub belongs: BTreeSet<(String, String)>,
}

/// The roles of a feed's datasets and of the tables they feed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedRoles {
    /// By dataset.
    pub datasets: BTreeMap<String, Roles>,
    /// By dataset: columns with a key by which other datasets name its rows.
    pub gives: BTreeMap<String, Vec<KeyColumn>>,
    /// By qualified name.
    pub tables: BTreeMap<String, TableRoles>,
}

/// By dataset and target: the place of the contract's column that is passed on, by the target's column.
type Origins<'a> = BTreeMap<(&'a str, &'a str), BTreeMap<String, usize>>;

impl FeedRoles {
    /// The roles in a feed.
    ///
    /// # Errors
    /// When the mapping of a dataset does not name a person's rows by the column that the contract says.
    pub async fn of(set: &ContractSet, feed: &str) -> Result<Self, StepError> {
        let contracts: Vec<&Contract> = set.contracts.values().filter(|contract| contract.feed == feed).collect();
        let mut origin: Origins<'_> = BTreeMap::new();
        for contract in &contracts {
            for target in &contract.targets {
                let found = origins(set, contract, target).await?;
                origin.insert((contract.dataset.as_str(), target.table.as_str()), found);
            }
        }
        let mut roles = Self::default();
        roles.add_persons(set, &contracts, &origin);
        for link in set.links(feed) {
            roles.add_link(&link, &contracts, &origin)?;
        }
        Ok(roles)
    }

    fn add_persons(&mut self, set: &ContractSet, contracts: &[&Contract], origin: &Origins<'_>) {
        for contract in contracts {
            let roles = set.roles(contract);
            for ((_, table), columns) in origin.iter().filter(|((dataset, _), _)| *dataset == contract.dataset) {
                let of_person = columns.iter().filter(|(_, index)| roles.persons.contains(index));
                let names = of_person.map(|(name, _)| name.clone());
                self.tables.entry((*table).to_owned()).or_default().persons.extend(names);
            }
            self.datasets.insert(contract.dataset.clone(), roles);
        }
    }

    fn add_link(&mut self, link: &Link<'_>, contracts: &[&Contract], origin: &Origins<'_>) -> Result<(), StepError> {
        let column = |contract: &Contract, table: &str, column: &str| {
            origin.get(&(contract.dataset.as_str(), table)).and_then(|columns| columns.get(column)).copied()
        };
        let passed = column(link.contract, link.target, link.column);
        if passed.is_none() || passed != link.place() {
            return Err(StepError::Invalid(format!(
                "{}: its mapping does not pass {} on as {} of {}, so nobody can tell whose its rows are; name the \
                 column that it passes on as file_column of the rule",
                link.rule, link.file_column, link.column, link.target
            )));
        }
        for giver in contracts {
            if let Some(index) = column(giver, link.parent, link.parent_column) {
                let gives = self.gives.entry(giver.dataset.clone()).or_default();
                if !gives.contains(&(index, link.key())) {
                    gives.push((index, link.key()));
                }
            }
        }
        let table = self.tables.entry(link.target.to_owned()).or_default();
        if table.persons.is_empty() {
            table.belongs.insert((link.column.to_owned(), link.key()));
        }
        Ok(())
    }
}
