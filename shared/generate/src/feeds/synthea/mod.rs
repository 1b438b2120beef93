//! Feed `synthea`: the twelve tables of the Synthea generator's CSV export, in two exports of
//! different versions. The first holds three fifths of the patients, the second the rest;
//! organizations, providers and payers are in both.

mod chart;
#[rustfmt::skip]
mod codes;
mod export;
mod hospital;
mod life;
mod measurements;
mod person;
#[rustfmt::skip]
mod tables;

use self::chart::Chart;
use self::export::{Directory, Export};
use self::person::Person;
use super::Landing;
use crate::error::Error;

/// Writes the feed.
pub(super) fn write(landing: &mut Landing<'_>) -> Result<(), Error> {
    let mut random = landing.random(3);
    let total = landing.patients();
    let in_first = total * 3 / 5;
    let directory = Directory::draw(&mut random, total);
    let dates = [landing.days_ago(21), landing.as_of()];
    let mut done = 0;
    for (form, (date, patients)) in dates.into_iter().zip([in_first, total - in_first]).enumerate() {
        let mut export = Export::create(landing, form, date, patients, &directory, &mut random)?;
        for _ in 0..patients {
            let person = Person::draw(&mut random, date, directory.providers(), directory.payers());
            let mut chart = Chart::new(&mut export, &directory, &person, &mut random);
            chart.write_patient()?;
            life::live(&mut chart)?;
            done += 1;
            landing.progress("synthea", done, total);
        }
        export.finish(landing)?;
    }
    Ok(())
}
