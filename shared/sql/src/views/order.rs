//! The order in which views can be created: each after the views it reads.

use std::collections::{BTreeMap, BTreeSet};

use super::{PREPARED, View, ViewError, file_of};

type Key = (String, String);

/// Sorts `views` so that each stands after those it reads, prepared queries last; otherwise by database and name.
pub(super) fn sort(views: Vec<View>) -> Result<Vec<View>, ViewError> {
    let mut waiting: BTreeMap<Key, (View, BTreeSet<Key>)> = BTreeMap::new();
    let keys: BTreeSet<Key> = views.iter().map(View::key).collect();
    for view in views {
        let reads = view.tables()?.into_iter().filter(|table| keys.contains(table)).collect();
        waiting.insert(view.key(), (view, reads));
    }
    let mut sorted = Vec::with_capacity(waiting.len());
    let mut prepared = Vec::new();
    let mut done: BTreeSet<Key> = BTreeSet::new();
    while !waiting.is_empty() {
        let ready: Vec<Key> =
            waiting.iter().filter(|(_, (_, reads))| reads.is_subset(&done)).map(|(key, _)| key.clone()).collect();
        if ready.is_empty() {
            return Err(cycle(&waiting));
        }
        for key in ready {
            if let Some((view, _)) = waiting.remove(&key) {
                done.insert(key);
                if view.database == PREPARED { prepared.push(view) } else { sorted.push(view) }
            }
        }
    }
    sorted.append(&mut prepared);
    Ok(sorted)
}

fn cycle(waiting: &BTreeMap<Key, (View, BTreeSet<Key>)>) -> ViewError {
    let names: Vec<String> = waiting.keys().map(|(database, name)| format!("{database}.{name}")).collect();
    let file = waiting.keys().next().map(|(database, name)| file_of(database, name)).unwrap_or_default();
    ViewError::new(
        &file,
        None,
        format!("these views read one another in a circle, or read one that does: {}", names.join(", ")),
        "let one of them read silver tables instead",
    )
}
