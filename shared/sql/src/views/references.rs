//! What a definition's SQL reads, and its parameters.

use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::Statement as Sql;
use datafusion::sql::sqlparser::dialect::AnsiDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use super::ViewError;

/// Replaces the `?` parameters by `$1`, `$2` …; everything else, lines included, stays as it is.
pub(super) fn number_parameters(file: &str, sql: &str) -> Result<(String, usize), ViewError> {
    let tokens = Tokenizer::new(&AnsiDialect {}, sql)
        .with_unescape(false)
        .tokenize()
        .map_err(|error| ViewError::new(file, line_of(&error.to_string()), error.to_string(), "correct the SQL"))?;
    let mut numbered = String::with_capacity(sql.len());
    let mut count = 0_usize;
    for token in tokens {
        if token == Token::Placeholder("?".to_owned()) {
            count = count.saturating_add(1);
            numbered.push_str(&format!("${count}"));
        } else {
            numbered.push_str(&token.to_string());
        }
    }
    Ok((numbered, count))
}

/// Parses `sql`, which must be one query.
pub(super) fn query(file: &str, sql: &str) -> Result<Statement, ViewError> {
    let (numbered, _) = number_parameters(file, sql)?;
    let mut statements = DFParser::parse_sql(&numbered).map_err(|error| {
        let text = error.strip_backtrace();
        ViewError::new(file, line_of(&text), text, "correct the SQL; it is Athena's dialect")
    })?;
    match (statements.pop_front(), statements.is_empty()) {
        (Some(Statement::Statement(statement)), true) if matches!(*statement, Sql::Query(_)) => {
            Ok(Statement::Statement(statement))
        }
        _ => Err(ViewError::new(file, None, "the file is not one query", "keep exactly one SELECT in it")),
    }
}

/// The tables a query reads, as (database, table), sorted; common table expressions are not among them.
pub(super) fn tables(file: &str, statement: &Statement) -> Result<Vec<(String, String)>, ViewError> {
    let (relations, _) = resolve_table_references(statement, true)
        .map_err(|error| ViewError::new(file, None, error.strip_backtrace(), "correct the table's name"))?;
    relations
        .iter()
        .map(|relation| match relation.schema() {
            Some(schema) => Ok((schema.to_owned(), relation.table().to_owned())),
            None => Err(ViewError::new(
                file,
                None,
                format!("table `{}` is named without its database", relation.table()),
                "write database.table, such as silver.patients",
            )),
        })
        .collect()
}

/// The line that a parser's message names as `Line: 7, Column: 3`.
fn line_of(message: &str) -> Option<usize> {
    let (_, rest) = message.split_once("Line: ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
