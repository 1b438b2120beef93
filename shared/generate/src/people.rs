//! Invented people and ordinary places. Any likeness to a person is chance.

use chrono::{Datelike, NaiveDate};

use crate::random::Random;

#[rustfmt::skip]
const FEMALE: &[&str] = &[
    "Adela", "Amara", "Anouk", "Beatriz", "Bryony", "Carmela", "Chandra", "Corinne", "Dagny",
    "Delphine", "Elif", "Elowen", "Esme", "Fatima", "Freya", "Gisela", "Greta", "Hana", "Ilse",
    "Imani", "Ines", "Isolde", "Jacinta", "Jola", "Kavya", "Keiko", "Lavinia", "Leocadia", "Lucia",
    "Maren", "Marisol", "Mei", "Mireille", "Nadia", "Ngozi", "Odette", "Ottilie", "Paloma",
    "Priya", "Ramona", "Renata", "Rosalind", "Saskia", "Solveig", "Tamsin", "Thandi", "Ursula",
    "Valeska", "Wilhelmina", "Yara", "Yvaine", "Zofia",
];

#[rustfmt::skip]
const MALE: &[&str] = &[
    "Abel", "Aldo", "Alaric", "Anselm", "Arjun", "Basil", "Bogdan", "Caspian", "Cedric", "Cosimo",
    "Dashiell", "Demba", "Dmitri", "Eamon", "Eitan", "Emeka", "Evander", "Fabio", "Florian",
    "Gaspar", "Gideon", "Hamish", "Hiro", "Horatio", "Idris", "Ignacio", "Ivo", "Jorah", "Kaveh",
    "Kofi", "Lars", "Leopold", "Linus", "Magnus", "Mateus", "Nikhil", "Nils", "Oberon", "Orson",
    "Pascal", "Quentin", "Rafael", "Rohan", "Ruben", "Silas", "Soren", "Tariq", "Thaddeus",
    "Tomas", "Vikram", "Wendel", "Yusuf",
];

#[rustfmt::skip]
const LAST: &[&str] = &[
    "Abernook", "Aldermoor", "Amberly", "Ashgrove", "Balfray", "Barrowcliff", "Bellweather",
    "Birkhall", "Brackenwood", "Bramfield", "Calderon", "Carrowby", "Castelbrook", "Chandrapal",
    "Corvane", "Crestwell", "Dalhurst", "Darnley", "Deverell", "Dunmarsh", "Ebonhart", "Eldermane",
    "Elswick", "Fairholm", "Farrowdale", "Fennimore", "Galbrook", "Garroway", "Glenmoor",
    "Goldacre", "Greymont", "Halloran", "Harrowgate", "Hawksworth", "Heathermoor", "Holmqvist",
    "Ironwood", "Jarnvik", "Kalderwick", "Kestrelby", "Kinsella", "Lakewright", "Larkspur",
    "Linderoth", "Lockridge", "Maplethorpe", "Marwood", "Merrivale", "Montclare", "Nakagawara",
    "Nightingale", "Norrland", "Oakhurst", "Okonjo", "Orrinsdale", "Pellworth", "Pemberley",
    "Quillfeather", "Ramasamy", "Ravenscar", "Redfern", "Rosenquill", "Rothermere", "Sandoval",
    "Saltmarsh", "Selwick", "Silverbrook", "Stonebridge", "Sundquist", "Tanglewood", "Thistledown",
    "Thornbury", "Underhill", "Valderrama", "Vandermeer", "Wainscott", "Westerholm", "Whitlocke",
    "Wolfram", "Wyndham", "Yarrowby", "Zelenka",
];

#[rustfmt::skip]
const STREETS: &[&str] = &[
    "Orchard", "Mill", "Station", "Harbour", "Chapel", "Meadow", "Quarry", "Lindentree", "Foundry",
    "Willow", "Garden", "Bridge", "Hillside", "Canal", "Market", "School",
];

const STREET_KINDS: &[&str] = &["Street", "Road", "Lane", "Avenue", "Court"];

/// Female or male, as the feeds write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sex {
    Female,
    Male,
}

impl Sex {
    /// One of the two.
    pub(crate) fn draw(random: &mut Random, female: f64) -> Self {
        if random.chance(female) { Self::Female } else { Self::Male }
    }

    /// `F` or `M`.
    pub(crate) fn letter(self) -> &'static str {
        match self {
            Self::Female => "F",
            Self::Male => "M",
        }
    }
}

/// An invented first name.
pub(crate) fn first_name(random: &mut Random, sex: Sex) -> &'static str {
    random.pick(match sex {
        Sex::Female => FEMALE,
        Sex::Male => MALE,
    })
}

/// An invented last name.
pub(crate) fn last_name(random: &mut Random) -> &'static str {
    random.pick(LAST)
}

/// An invented full name.
pub(crate) fn full_name(random: &mut Random, sex: Sex) -> String {
    let first = first_name(random, sex);
    format!("{first} {}", last_name(random))
}

/// An invented street address.
pub(crate) fn street_address(random: &mut Random) -> String {
    let number = random.between(1, 999);
    let street = random.pick(STREETS);
    format!("{number} {street} {}", random.pick(STREET_KINDS))
}

/// A telephone number of the range kept free for fiction.
pub(crate) fn phone(random: &mut Random) -> String {
    let (area, line) = (random.between(201, 989), random.between(100, 199));
    format!("{area}-555-0{line}")
}

/// A date of birth with the ages of a practice: children, many adults, many elderly.
pub(crate) fn birth_date(random: &mut Random, as_of: NaiveDate) -> NaiveDate {
    let years = match random.weighted([0.17, 0.27, 0.22, 0.17, 0.17].into_iter()) {
        0 => random.uniform(0.1, 18.0),
        1 => random.uniform(18.0, 38.0),
        2 => random.uniform(38.0, 55.0),
        3 => random.uniform(55.0, 68.0),
        _ => random.uniform(68.0, 94.0),
    };
    back(as_of, years * 365.25)
}

/// The day a number of days earlier.
pub(crate) fn back(from: NaiveDate, days: f64) -> NaiveDate {
    from - chrono::Days::new(days.max(0.0) as u64)
}

/// Completed years between two dates.
pub(crate) fn age_on(birth: NaiveDate, day: NaiveDate) -> i32 {
    let years = day.year() - birth.year();
    let before = (day.month(), day.day()) < (birth.month(), birth.day());
    years - i32::from(before)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn age_counts_completed_years() {
        assert_eq!(age_on(date("2000-06-15"), date("2020-06-14")), 19);
        assert_eq!(age_on(date("2000-06-15"), date("2020-06-15")), 20);
        assert_eq!(age_on(date("2004-02-29"), date("2005-02-28")), 0);
    }

    #[test]
    fn everybody_is_born_before_the_extract() {
        let mut random = Random::new(1, 1);
        let as_of = date("2026-01-31");
        for _ in 0..1_000 {
            let age = age_on(birth_date(&mut random, as_of), as_of);
            assert!((0..=94).contains(&age), "{age}");
        }
    }
}
