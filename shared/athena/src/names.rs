//! Names and parameters of a parsed query: databases made explicit, values put in, tables that are not there refused.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use carelake_sql::session::CATALOG;
use datafusion::sql::parser::Statement as Parsed;
use datafusion::sql::sqlparser::ast::{Expr, Ident, ObjectName, Query, Value, VisitMut, VisitorMut};

use crate::failure::Failure;
use crate::statement::place;

/// What a statement may name.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Databases.
    pub databases: BTreeSet<String>,
    /// Tables and views, as `database.name`.
    pub tables: BTreeSet<String>,
}

/// Makes a query ready to be planned: every table is named with its database, and every `?` has its value.
///
/// # Errors
/// When it names what is not there, or the numbers of `?` and values differ.
pub fn resolve(statement: &mut Parsed, database: &str, known: &Known, values: Vec<Expr>) -> Result<(), Failure> {
    let Parsed::Statement(statement) = statement else {
        return Err(Failure::not_supported("only queries are"));
    };
    let given = values.len();
    let mut resolver = Resolver { database, known, values: values.into_iter(), asked: 0, within: Vec::new() };
    if let ControlFlow::Break(failure) = statement.visit(&mut resolver) {
        return Err(failure);
    }
    if resolver.asked != given {
        let words = format!("Incorrect number of parameters: expected {} but found {given}", resolver.asked);
        return Err(Failure::user(1100, "INVALID_PARAMETER_USAGE", words));
    }
    Ok(())
}

struct Resolver<'a> {
    database: &'a str,
    known: &'a Known,
    values: std::vec::IntoIter<Expr>,
    asked: usize,
    /// Names of common table expressions, of each query around.
    within: Vec<Vec<String>>,
}

impl VisitorMut for Resolver<'_> {
    type Break = Failure;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Failure> {
        let tables = query.with.iter().flat_map(|with| &with.cte_tables);
        self.within.push(tables.map(|table| table.alias.name.value.to_lowercase()).collect());
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<Failure> {
        self.within.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<Failure> {
        match self.relation(relation) {
            Ok(Some(resolved)) => *relation = resolved,
            Ok(None) => {}
            Err(failure) => return ControlFlow::Break(failure),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<Failure> {
        let is_asked =
            matches!(expression, Expr::Value(value) if matches!(&value.value, Value::Placeholder(name) if name == "?"));
        if is_asked {
            self.asked += 1;
            if let Some(value) = self.values.next() {
                *expression = value;
            }
        }
        ControlFlow::Continue(())
    }
}

impl Resolver<'_> {
    /// The full name of a relation; none for a common table expression.
    fn relation(&self, relation: &ObjectName) -> Result<Option<ObjectName>, Failure> {
        let mut parts = Vec::new();
        let mut at = String::new();
        for part in &relation.0 {
            let Some(ident) = part.as_ident() else { return Err(Failure::syntax("a table's name is no function")) };
            if at.is_empty() {
                at = place(ident.span.start);
            }
            parts.push(ident.value.to_lowercase());
        }
        let (catalog, database, name) = match parts.as_slice() {
            [name] if self.within.iter().flatten().any(|table| table == name) => return Ok(None),
            [name] => (CATALOG, self.database, name.as_str()),
            [database, name] => (CATALOG, database.as_str(), name.as_str()),
            [catalog, database, name] => (catalog.as_str(), database.as_str(), name.as_str()),
            _ => return Err(Failure::syntax(format!("{at}too many dots in a table's name"))),
        };
        if catalog != CATALOG {
            return Err(Failure::user(1301, "CATALOG_NOT_FOUND", format!("{at}Catalog '{catalog}' does not exist")));
        }
        if !self.known.databases.contains(database) {
            return Err(Failure::user(1301, "SCHEMA_NOT_FOUND", format!("{at}Schema '{database}' does not exist")));
        }
        if !self.known.tables.contains(&format!("{database}.{name}")) {
            let words = format!("{at}Table '{CATALOG}.{database}.{name}' does not exist");
            return Err(Failure::user(1110, "TABLE_NOT_FOUND", words));
        }
        Ok(Some(ObjectName::from(vec![Ident::with_quote('"', database), Ident::with_quote('"', name)])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::literal::literals;
    use crate::statement::query;

    fn resolved(sql: &str, values: &[&str]) -> Result<String, Failure> {
        let of = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let known = Known { databases: of(&["gold", "silver"]), tables: of(&["gold.t", "silver.t"]) };
        let mut statement = query(sql).unwrap();
        let texts: Vec<String> = values.iter().map(|text| (*text).to_owned()).collect();
        resolve(&mut statement, "gold", &known, literals(&texts)?).map(|()| statement.to_string())
    }

    #[test]
    fn tables_get_their_database_and_common_table_expressions_stay() {
        assert_eq!(resolved("SELECT * FROM T", &[]).unwrap(), "SELECT * FROM \"gold\".\"t\"");
        assert_eq!(
            resolved("SELECT * FROM \"AwsDataCatalog\".silver.t", &[]).unwrap(),
            "SELECT * FROM \"silver\".\"t\""
        );
        let with = resolved("WITH x AS (SELECT * FROM t) SELECT * FROM x, (SELECT * FROM X)", &[]).unwrap();
        assert_eq!(with, "WITH x AS (SELECT * FROM \"gold\".\"t\") SELECT * FROM x, (SELECT * FROM X)");
    }

    #[test]
    fn what_is_not_there_is_named_with_its_place() {
        for (sql, words) in [
            ("SELECT *\nFROM y", "TABLE_NOT_FOUND: line 2:6: Table 'awsdatacatalog.gold.y' does not exist"),
            ("SELECT * FROM identity.patients", "SCHEMA_NOT_FOUND: line 1:15: Schema 'identity' does not exist"),
            ("SELECT * FROM other.gold.t", "CATALOG_NOT_FOUND: line 1:15: Catalog 'other' does not exist"),
            ("SELECT * FROM generate_series(1, 2)", "TABLE_NOT_FOUND"),
            ("SELECT (SELECT max(a) FROM y) FROM t", "TABLE_NOT_FOUND"),
        ] {
            assert!(resolved(sql, &[]).unwrap_err().reason.starts_with(words), "{sql}");
        }
    }

    #[test]
    fn values_take_the_place_of_their_marks_in_order() {
        let sql = "SELECT '?' FROM t WHERE a = ? AND b IN (?, ?) LIMIT ?";
        let answer = resolved(sql, &["'x'' OR 1=1'", "2", "NULL", "10"]).unwrap();
        assert_eq!(answer, "SELECT '?' FROM \"gold\".\"t\" WHERE a = 'x'' OR 1=1' AND b IN (2, NULL) LIMIT 10");
        assert!(resolved(sql, &["1"]).unwrap_err().reason.contains("expected 4 but found 1"));
        assert!(resolved("SELECT 1", &["1"]).unwrap_err().reason.contains("expected 0 but found 1"));
    }
}
