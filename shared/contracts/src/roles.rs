//! Whose a dataset's rows are, as the contracts of its feed tell it: a column holds a person's identifier, or the key of a
//! parent that belongs to a person.

use std::collections::BTreeSet;

use crate::load::ContractSet;
use crate::model::{Contract, Phi, RuleKind};

/// A column of a contract, by its place, and the key it holds: `silver.encounters.encounter_id`.
pub type KeyColumn = (usize, String);

/// What a dataset's columns say of persons.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles {
    /// Columns with a person's identifier.
    pub persons: Vec<usize>,
    /// Columns with the key of a parent that belongs to a person, in a dataset without a person's identifier.
    pub belongs: Vec<KeyColumn>,
}

/// A reference by which the rows of a dataset without persons belong to persons.
#[derive(Debug, Clone, Copy)]
pub struct Link<'a> {
    /// The dataset's contract.
    pub contract: &'a Contract,
    /// Id of the rule.
    pub rule: &'a str,
    /// The silver table with the dataset's rows.
    pub target: &'a str,
    /// The target's column that holds the parent's key.
    pub column: &'a str,
    /// The parent's silver table.
    pub parent: &'a str,
    /// The parent's column.
    pub parent_column: &'a str,
    /// The contract's column that the rule says is passed on as the target's.
    pub file_column: &'a str,
}

impl Link<'_> {
    /// Place of the contract's column; `None` when it has none of that name.
    pub fn place(&self) -> Option<usize> {
        self.contract.columns.iter().position(|column| column.name == self.file_column)
    }

    /// The key that is named.
    pub fn key(&self) -> String {
        format!("{}.{}", self.parent, self.parent_column)
    }
}

impl Contract {
    /// Places of the columns with a person's identifier.
    pub fn persons(&self) -> Vec<usize> {
        let columns = self.columns.iter().enumerate().filter(|(_, column)| column.phi == Phi::PersonId);
        columns.map(|(index, _)| index).collect()
    }

    fn references(&self) -> impl Iterator<Item = Link<'_>> {
        self.rules.iter().filter_map(|rule| match &rule.kind {
            RuleKind::Reference { target, column, parent, parent_column, file_column } => Some(Link {
                contract: self,
                rule: &rule.id,
                target,
                column,
                parent,
                parent_column,
                file_column: file_column.as_deref().unwrap_or(column),
            }),
            _ => None,
        })
    }
}

impl ContractSet {
    /// The references by which rows of a feed's datasets without persons belong to persons.
    pub fn links(&self, feed: &str) -> Vec<Link<'_>> {
        let contracts: Vec<&Contract> = self.contracts.values().filter(|contract| contract.feed == feed).collect();
        let without = contracts.iter().filter(|contract| contract.persons().is_empty());
        let mut links: Vec<Link<'_>> = without.flat_map(|contract| contract.references()).collect();
        let personal = personal(&contracts, &links);
        links.retain(|link| personal.contains(link.parent));
        links
    }

    /// The roles of a dataset's columns.
    pub fn roles(&self, contract: &Contract) -> Roles {
        let mut roles = Roles { persons: contract.persons(), belongs: Vec::new() };
        let links = self.links(&contract.feed);
        for link in links.iter().filter(|link| link.contract.dataset == contract.dataset) {
            let column = link.place().map(|place| (place, link.key()));
            roles.belongs.extend(column.filter(|column| !roles.belongs.contains(column)));
        }
        roles
    }
}

/// Tables whose rows belong to persons: those fed by datasets with a person's identifier, and those below them.
fn personal<'a>(contracts: &[&'a Contract], links: &[Link<'a>]) -> BTreeSet<&'a str> {
    let tables = |contract: &'a Contract| contract.targets.iter().map(|target| target.table.as_str());
    let with_person = contracts.iter().filter(|contract| !contract.persons().is_empty());
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn rows_without_a_person_belong_to_the_person_of_their_parent() {
        let set = ContractSet::embedded().unwrap();
        for (feed, dataset) in [("network", "treatments"), ("clinic", "lab_reports")] {
            let contract = set.contract(feed, dataset).unwrap();
            let place = contract.columns.iter().position(|column| column.name == "visit_id").unwrap();
            let belongs = vec![(place, "silver.encounters.encounter_id".to_owned())];
            assert_eq!(set.roles(contract), Roles { persons: Vec::new(), belongs }, "{feed}.{dataset}");
        }
    }

    #[test]
    fn a_row_with_a_person_belongs_to_nobody_else_and_a_doctor_to_nobody() {
        let set = ContractSet::embedded().unwrap();
        let visits = set.contract("clinic", "visits").unwrap();
        let roles = set.roles(visits);
        let named = roles.persons.iter().filter_map(|place| visits.columns.get(*place)).map(|column| &column.name);
        assert_eq!(named.collect::<Vec<_>>(), ["patient_id"]);
        assert!(roles.belongs.is_empty());
        assert_eq!(set.roles(set.contract("clinic", "doctors").unwrap()), Roles::default());
    }
}
