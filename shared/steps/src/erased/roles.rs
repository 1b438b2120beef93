//! Which columns of a feed's datasets and tables say whose a row is.

use std::collections::{BTreeMap, BTreeSet};

use carelake_contracts::{Contract, Phi, RuleKind};

use crate::conform::origins;
use crate::context::Context;
use crate::error::StepError;

/// A column of a contract, by its place, and the key it holds: `silver.encounters.encounter_id`.
pub type KeyColumn = (usize, String);

/// What a dataset's columns say of persons.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles {
    /// Columns with a person's identifier.
    pub persons: Vec<usize>,
    /// Columns with the key of a parent that belongs to a person, in a dataset without a person's identifier.
    pub belongs: Vec<KeyColumn>,
    /// Columns with a key by which other datasets name this one's rows.
    pub gives: Vec<KeyColumn>,
}

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
    /// By qualified name.
    pub tables: BTreeMap<String, TableRoles>,
}

/// A reference of a dataset without persons to a parent table.
struct Link<'a> {
    contract: &'a Contract,
    target: &'a str,
    column: &'a str,
    parent: &'a str,
    parent_column: &'a str,
}

/// By dataset and target: the place of the contract's column that is passed on, by the target's column.
type Origins<'a> = BTreeMap<(&'a str, &'a str), BTreeMap<String, usize>>;

impl FeedRoles {
    /// The roles in a feed.
    ///
    /// # Errors
    /// When the mapping of a dataset hides by which of its columns it names a person's rows.
    pub async fn of(context: &Context, feed: &str) -> Result<Self, StepError> {
        let contracts: Vec<&Contract> =
            context.contracts.contracts.values().filter(|contract| contract.feed == feed).collect();
        let mut origin: Origins<'_> = BTreeMap::new();
        for contract in &contracts {
            for target in &contract.targets {
                let found = origins(context, contract, target).await?;
                origin.insert((contract.dataset.as_str(), target.table.as_str()), found);
            }
        }
        let mut roles = Self::default();
        roles.add_persons(&contracts, &origin);
        let links: Vec<Link<'_>> =
            contracts.iter().filter(|contract| persons(contract).is_empty()).flat_map(|one| links(one)).collect();
        let personal = personal(&contracts, &links);
        for link in links.iter().filter(|link| personal.contains(link.parent)) {
            roles.add_link(link, &contracts, &origin)?;
        }
        Ok(roles)
    }

    fn add_persons(&mut self, contracts: &[&Contract], origin: &Origins<'_>) {
        for contract in contracts {
            let persons = persons(contract);
            for ((_, table), columns) in origin.iter().filter(|((dataset, _), _)| *dataset == contract.dataset) {
                let of_person = columns.iter().filter(|(_, index)| persons.contains(index));
                let names = of_person.map(|(name, _)| name.clone());
                self.tables.entry((*table).to_owned()).or_default().persons.extend(names);
            }
            self.datasets.insert(contract.dataset.clone(), Roles { persons, ..Roles::default() });
        }
    }

    fn add_link(&mut self, link: &Link<'_>, contracts: &[&Contract], origin: &Origins<'_>) -> Result<(), StepError> {
        let column = |contract: &Contract, table: &str, column: &str| {
            origin.get(&(contract.dataset.as_str(), table)).and_then(|columns| columns.get(column)).copied()
        };
        let key = format!("{}.{}", link.parent, link.parent_column);
        let Some(index) = column(link.contract, link.target, link.column) else {
            return Err(StepError::Invalid(format!(
                "{}: its mapping hides which of its columns is {} of {}, so nobody can tell whose its rows are",
                link.contract.name(),
                link.column,
                link.target
            )));
        };
        push(&mut self.datasets.entry(link.contract.dataset.clone()).or_default().belongs, index, &key);
        for giver in contracts {
            if let Some(index) = column(giver, link.parent, link.parent_column) {
                push(&mut self.datasets.entry(giver.dataset.clone()).or_default().gives, index, &key);
            }
        }
        let table = self.tables.entry(link.target.to_owned()).or_default();
        if table.persons.is_empty() {
            table.belongs.insert((link.column.to_owned(), key));
        }
        Ok(())
    }
}

fn push(list: &mut Vec<KeyColumn>, index: usize, key: &str) {
    if !list.iter().any(|(other, known)| *other == index && known == key) {
        list.push((index, key.to_owned()));
    }
}

fn persons(contract: &Contract) -> Vec<usize> {
    let columns = contract.columns.iter().enumerate().filter(|(_, column)| column.phi == Phi::PersonId);
    columns.map(|(index, _)| index).collect()
}

fn links(contract: &Contract) -> Vec<Link<'_>> {
    let references = contract.rules.iter().filter_map(|rule| match &rule.kind {
        RuleKind::Reference { target, column, parent, parent_column } => {
            Some(Link { contract, target, column, parent, parent_column })
        }
        _ => None,
    });
    references.collect()
}

/// Tables whose rows belong to persons: those fed by datasets with a person's identifier, and those below them.
fn personal<'a>(contracts: &[&'a Contract], links: &[Link<'a>]) -> BTreeSet<&'a str> {
    let tables = |contract: &'a Contract| contract.targets.iter().map(|target| target.table.as_str());
    let with_person = contracts.iter().filter(|contract| !persons(contract).is_empty());
    let mut personal: BTreeSet<&str> = with_person.flat_map(|contract| tables(contract)).collect();
    loop {
        let below: Vec<&str> = links
            .iter()
            .filter(|link| personal.contains(link.parent))
            .flat_map(|link| tables(link.contract))
            .filter(|table| !personal.contains(table))
            .collect();
        if below.is_empty() {
            return personal;
        }
        personal.extend(below);
    }
}
