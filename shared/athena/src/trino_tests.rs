//! Runs every call of the table of Trino's functions, which the page of the documentation is made from.

use std::collections::BTreeMap;

use carelake_sql::session::plain;
use datafusion::prelude::SessionContext;
use serde::Deserialize;

use crate::value::Texts;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Function {
    call: Option<String>,
    gives: Option<String>,
    differs: Option<String>,
    missing: Option<String>,
}

const TABLE: &str = include_str!("../../sql/trino.toml");

async fn value(session: &SessionContext, call: &str) -> Result<String, String> {
    let rows = session.sql(&format!("SELECT {call}")).await.map_err(|error| error.strip_backtrace())?;
    let rows = rows.collect().await.map_err(|error| error.strip_backtrace())?;
    let mut text = String::new();
    let there = Texts::new(rows[0].column(0)).unwrap().append(0, &mut text);
    Ok(if there { text } else { "NULL".to_owned() })
}

#[tokio::test]
async fn every_call_of_the_table_gives_what_the_table_says() {
    let table: BTreeMap<String, BTreeMap<String, Function>> = toml::from_str(TABLE).unwrap();
    let session = plain().unwrap();
    let (mut wrong, mut run) = (Vec::new(), 0);
    for (name, function) in table.values().flatten() {
        match (&function.call, &function.gives, &function.missing) {
            (Some(call), Some(gives), None) => {
                run += 1;
                let value = value(&session, call).await;
                if value.as_ref() != Ok(gives) {
                    wrong.push(format!("{name}: {value:?}, not {gives}"));
                }
            }
            (None, None, Some(_)) if function.differs.is_none() => {
                let is_function = name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
                let state = session.state();
                let there =
                    state.scalar_functions().contains_key(name) || state.aggregate_functions().contains_key(name);
                if is_function && there && name != "repeat" {
                    wrong.push(format!("{name} is not missing"));
                }
            }
            _ => wrong.push(format!("{name} needs call and gives, or missing")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(run > 100);
}
