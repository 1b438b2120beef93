//! Names of a result's columns that the query does not name: `_col0`, `_col1`, as in Trino.

use datafusion::sql::parser::Statement as Parsed;
use datafusion::sql::sqlparser::ast::{Expr, Ident, SelectItem, SetExpr, Statement as Sql};

/// Names the columns of a query that have no name of their own.
pub fn name(statement: &mut Parsed) {
    if let Parsed::Statement(statement) = statement
        && let Sql::Query(query) = statement.as_mut()
    {
        name_in(&mut query.body);
    }
}

fn name_in(body: &mut SetExpr) {
    match body {
        SetExpr::Select(select) => {
            for (index, item) in select.projection.iter_mut().enumerate() {
                if let SelectItem::UnnamedExpr(expression) = item
                    && !matches!(expression, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
                {
                    let alias = Ident::with_quote('"', format!("_col{index}"));
                    *item = SelectItem::ExprWithAlias { expr: expression.clone(), alias };
                }
            }
        }
        SetExpr::Query(query) => name_in(&mut query.body),
        SetExpr::SetOperation { left, .. } => name_in(left),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::query;

    #[test]
    fn columns_without_a_name_are_numbered() {
        for (sql, expected) in [
            ("SELECT a, count(*), t.b, 1 AS c, 2", "SELECT a, count(*) AS \"_col1\", t.b, 1 AS c, 2 AS \"_col4\""),
            ("SELECT 1 UNION SELECT 2", "SELECT 1 AS \"_col0\" UNION SELECT 2"),
            ("SELECT * FROM (SELECT 1)", "SELECT * FROM (SELECT 1)"),
        ] {
            let mut statement = query(sql).unwrap();
            name(&mut statement);
            assert_eq!(statement.to_string(), expected);
        }
    }
}
