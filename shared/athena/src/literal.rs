//! Values of parameters: literals as Trino writes them, and nothing else.

use datafusion::sql::sqlparser::ast::{Expr, UnaryOperator, Value};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;

use crate::failure::Failure;

/// The values of a statement's `?`, in order.
///
/// # Errors
/// When one is no literal.
pub fn literals(texts: &[String]) -> Result<Vec<Expr>, Failure> {
    texts.iter().enumerate().map(|(index, text)| literal(index + 1, text)).collect()
}

fn literal(number: usize, text: &str) -> Result<Expr, Failure> {
    let wrong = || {
        let words = "is no literal; write text and dates in single quotes: 'Boston', DATE '2024-01-31'";
        Failure::syntax(format!("parameter {number} {words}"))
    };
    let mut parser = Parser::new(&GenericDialect {}).with_recursion_limit(8).try_with_sql(text).map_err(|_| wrong())?;
    let value = parser.parse_expr().map_err(|_| wrong())?;
    if parser.peek_token().token == Token::EOF && is_literal(&value) { Ok(value) } else { Err(wrong()) }
}

fn is_literal(value: &Expr) -> bool {
    match value {
        Expr::Value(value) => {
            matches!(value.value, Value::Number(..) | Value::SingleQuotedString(_) | Value::Boolean(_) | Value::Null)
        }
        Expr::UnaryOp { op: UnaryOperator::Minus | UnaryOperator::Plus, expr } => {
            matches!(expr.as_ref(), Expr::Value(value) if matches!(value.value, Value::Number(..)))
        }
        Expr::TypedString(_) => true,
        Expr::Cast { expr, format: None, .. } => is_literal(expr),
        Expr::Interval(interval) => is_literal(&interval.value),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &str) -> bool {
        literals(&[text.to_owned()]).is_ok()
    }

    #[test]
    fn literals_are_taken() {
        for text in
            ["1", "-1.5", "'x'", "'O''Brien'", "''", "true", "NULL", "DATE '2024-01-01'", "CAST('1' AS decimal(9,2))"]
        {
            assert!(taken(text), "{text}");
        }
    }

    #[test]
    fn what_would_change_the_statement_is_not() {
        for text in [
            "",
            "Boston",
            "1 OR 1 = 1",
            "'a' OR 'b'",
            "(SELECT 1)",
            "'a'; DROP TABLE x",
            "'a' -- b",
            "1, 2",
            "f('a')",
            "?",
        ] {
            // A comment after a literal is no part of it.
            assert_eq!(taken(text), text == "'a' -- b", "{text}");
        }
    }
}
