//! What a text asks for: a query, or one of the statements about the catalogue that Athena's clients send.

use datafusion::sql::parser::{DFParserBuilder, Statement as Parsed};
use datafusion::sql::sqlparser::ast::{Query, SetExpr, Statement as Sql};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use crate::error::Fault;
use crate::words::Words;

/// Depth to which a statement may be nested.
const DEPTH: usize = 50;
/// Characters of a statement, at most; Athena's limit.
const LENGTH: usize = 262_144;

/// A name with or without its database, in small letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The database, where it is named.
    pub database: Option<String>,
    /// The table or view.
    pub name: String,
}

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// SELECT, WITH or VALUES.
    Query(Box<Parsed>),
    /// EXPLAIN of a query.
    Explain(Box<Parsed>),
    /// SHOW or DESCRIBE.
    Show(Show),
    /// CREATE VIEW.
    CreateView { name: Name, replace: bool, sql: String },
    /// DROP VIEW.
    DropView { name: Name, if_exists: bool },
    /// PREPARE name FROM statement.
    Prepare { name: String, sql: String },
    /// EXECUTE name USING values.
    Execute { name: String, values: Vec<String> },
    /// DEALLOCATE PREPARE name.
    Deallocate { name: String },
    /// MSCK REPAIR TABLE: partitions are found by their folders, so there is nothing to do.
    Repair(Name),
}

/// What is shown of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Show {
    /// SHOW DATABASES or SCHEMAS.
    Databases(Option<String>),
    /// SHOW TABLES, views among them.
    Tables(Option<String>, Option<String>),
    /// SHOW VIEWS.
    Views(Option<String>, Option<String>),
    /// SHOW COLUMNS.
    Columns(Name),
    /// SHOW PARTITIONS.
    Partitions(Name),
    /// SHOW CREATE VIEW.
    CreateView(Name),
    /// SHOW CREATE TABLE.
    CreateTable(Name),
    /// SHOW TBLPROPERTIES.
    Properties(Name),
    /// SHOW FUNCTIONS.
    Functions(Option<String>),
    /// DESCRIBE.
    Describe(Name),
}

impl Statement {
    /// Reads a text that must be one statement.
    ///
    /// # Errors
    /// When it is none, several, or none that is answered here.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.chars().count() > LENGTH {
            return Err(Fault::invalid(format!("a statement has {LENGTH} characters at most")));
        }
        let mut words = Words::new(text)?;
        let statement = words.statement()?;
        if let Some(extra) = words.next() {
            return Err(unexpected(extra));
        }
        Ok(statement)
    }

    /// Athena's kind of statement and kind within it.
    pub fn kinds(&self) -> (&'static str, &'static str) {
        match self {
            Self::Query(_) => ("DML", "SELECT"),
            Self::Explain(_) => ("UTILITY", "EXPLAIN"),
            Self::Show(show) => ("UTILITY", show.kind()),
            Self::CreateView { .. } => ("DDL", "CREATE_VIEW"),
            Self::DropView { .. } => ("DDL", "DROP_VIEW"),
            Self::Prepare { .. } => ("UTILITY", "PREPARE"),
            Self::Execute { .. } => ("DML", "EXECUTE"),
            Self::Deallocate { .. } => ("UTILITY", "DEALLOCATE_PREPARE"),
            Self::Repair(_) => ("DDL", "MSCK_REPAIR_TABLE"),
        }
    }
}

impl Show {
    fn kind(&self) -> &'static str {
        match self {
            Self::Databases(_) => "SHOW_DATABASES",
            Self::Tables(..) => "SHOW_TABLES",
            Self::Views(..) => "SHOW_VIEWS",
            Self::Columns(_) => "SHOW_COLUMNS",
            Self::Partitions(_) => "SHOW_PARTITIONS",
            Self::CreateView(_) => "SHOW_CREATE_VIEW",
            Self::CreateTable(_) => "SHOW_CREATE_TABLE",
            Self::Properties(_) => "SHOW_TBLPROPERTIES",
            Self::Functions(_) => "SHOW_FUNCTIONS",
            Self::Describe(_) => "DESCRIBE_TABLE",
        }
    }
}

/// Whether what follows a query's WITH is no query.
fn writes(query: &Query) -> bool {
    matches!(*query.body, SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_))
}

/// Parses a query.
///
/// # Errors
/// When it is none.
pub fn query(text: &str) -> Result<Box<Parsed>, Fault> {
    let parser = DFParserBuilder::new(text).with_dialect(&GenericDialect {}).with_recursion_limit(DEPTH).build();
    let parsed = parser.and_then(|mut parser| parser.parse_statements());
    let mut statements = parsed.map_err(|error| malformed(&error.strip_backtrace()))?;
    match (statements.pop_front(), statements.is_empty()) {
        (Some(Parsed::Statement(statement)), true) if matches!(&*statement, Sql::Query(query) if !writes(query)) => {
            Ok(Box::new(Parsed::Statement(statement)))
        }
        (Some(_), false) => Err(several()),
        _ => Err(unsupported()),
    }
}

/// `line 1:8: ` where a word stands in a text, as far as it can be found.
pub fn place_of(text: &str, word: &str) -> String {
    let tokens = Tokenizer::new(&GenericDialect {}, text).tokenize_with_location().unwrap_or_default();
    let found = tokens
        .iter()
        .find(|token| matches!(&token.token, Token::Word(found) if found.value.eq_ignore_ascii_case(word)));
    found.map(|token| place(token.span.start)).unwrap_or_default()
}

/// `line 1:8: ` of a place.
pub fn place(location: Location) -> String {
    if location.line == 0 { String::new() } else { format!("line {}:{}: ", location.line, location.column) }
}

/// The refusal of a second statement.
pub fn several() -> Fault {
    Fault::invalid("Only one sql statement is allowed.")
}

fn unsupported() -> Fault {
    Fault::InvalidRequest("Queries of this type are not supported".to_owned(), Some("NOT_SUPPORTED"))
}

/// A parser's words, with the place in front, as Trino puts it.
pub fn malformed(words: &str) -> Fault {
    let words = words.split_once("ParserError(\"").map_or(words, |(_, rest)| rest).trim_end_matches("\")");
    let words = words.split_once("TokenizerError(\"").map_or(words, |(_, rest)| rest);
    let words = words.strip_prefix("sql parser error: ").unwrap_or(words);
    let words = words.replace("\\\"", "\"").replace("\\'", "'");
    match words.rsplit_once(" at Line: ") {
        Some((what, place)) => Fault::malformed(format!("line {}: {what}", place.replace(", Column: ", ":"))),
        None => Fault::malformed(format!("line 1:1: {words}")),
    }
}

/// The refusal of what stands there.
pub fn unexpected(token: &TokenWithSpan) -> Fault {
    Fault::malformed(format!("{}mismatched input '{}'", place(token.span.start), token.token))
}

impl Words<'_> {
    fn statement(&mut self) -> Result<Statement, Fault> {
        let bracket = self.next().is_some_and(|token| token.token == Token::LParen);
        if bracket || self.first_is(&["SELECT", "WITH", "VALUES", "TABLE"]) {
            return Ok(Statement::Query(query(self.rest())?));
        }
        if self.take(&["EXPLAIN"]) {
            return Ok(Statement::Explain(query(self.rest())?));
        }
        if self.take(&["SHOW"]) {
            return self.show().map(Statement::Show);
        }
        if self.take(&["DESCRIBE"]) || self.take(&["DESC"]) {
            let _ = self.take(&["EXTENDED"]) || self.take(&["FORMATTED"]) || self.take(&["VIEW"]);
            return Ok(Statement::Show(Show::Describe(self.name()?)));
        }
        if self.take(&["CREATE", "OR", "REPLACE", "VIEW"]) {
            return self.create_view(true);
        }
        if self.take(&["CREATE", "VIEW"]) {
            return self.create_view(false);
        }
        if self.take(&["DROP", "VIEW"]) {
            let if_exists = self.take(&["IF", "EXISTS"]);
            return Ok(Statement::DropView { name: self.name()?, if_exists });
        }
        if self.take(&["PREPARE"]) {
            let name = self.word()?;
            self.expect("FROM")?;
            return Ok(Statement::Prepare { name, sql: self.rest().to_owned() });
        }
        if self.take(&["EXECUTE"]) {
            let name = self.word()?;
            let values = if self.take(&["USING"]) { self.values() } else { Vec::new() };
            return Ok(Statement::Execute { name, values });
        }
        if self.take(&["DEALLOCATE", "PREPARE"]) {
            return Ok(Statement::Deallocate { name: self.word()? });
        }
        if self.take(&["MSCK", "REPAIR", "TABLE"]) {
            return Ok(Statement::Repair(self.name()?));
        }
        let known = ["ALTER", "CREATE", "DELETE", "DROP", "INSERT", "MERGE", "OPTIMIZE", "UNLOAD", "UPDATE", "VACUUM"];
        let others = ["BEGIN", "COMMIT", "COPY", "GRANT", "RESET", "REVOKE", "ROLLBACK", "SET", "TRUNCATE", "USE"];
        if self.first_is(&known) || self.first_is(&others) {
            return Err(unsupported());
        }
        self.next().map_or_else(|| Err(unsupported()), |token| Err(unexpected(token)))
    }

    fn create_view(&mut self, replace: bool) -> Result<Statement, Fault> {
        let name = self.name()?;
        self.expect("AS")?;
        let sql = self.rest().to_owned();
        query(&sql)?;
        Ok(Statement::CreateView { name, replace, sql })
    }

    fn show(&mut self) -> Result<Show, Fault> {
        if self.take(&["DATABASES"]) || self.take(&["SCHEMAS"]) {
            let _ = self.database()?;
            return Ok(Show::Databases(self.pattern()?));
        }
        if self.take(&["TABLES"]) {
            return Ok(Show::Tables(self.database()?, self.pattern()?));
        }
        if self.take(&["VIEWS"]) {
            return Ok(Show::Views(self.database()?, self.pattern()?));
        }
        if self.take(&["COLUMNS"]) {
            let _ = self.take(&["FROM"]) || self.take(&["IN"]);
            let mut name = self.name()?;
            name.database = self.database()?.or(name.database);
            return Ok(Show::Columns(name));
        }
        if self.take(&["FUNCTIONS"]) {
            return Ok(Show::Functions(self.pattern()?));
        }
        type Shown = fn(Name) -> Show;
        let others: [(&[&str], Shown); 4] = [
            (&["PARTITIONS"], Show::Partitions),
            (&["CREATE", "VIEW"], Show::CreateView),
            (&["CREATE", "TABLE"], Show::CreateTable),
            (&["TBLPROPERTIES"], Show::Properties),
        ];
        for (words, shown) in others {
            if self.take(words) {
                return self.name().map(shown);
            }
        }
        Err(unsupported())
    }
}

#[cfg(test)]
#[path = "statement_tests.rs"]
mod tests;
