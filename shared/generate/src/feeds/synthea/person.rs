//! A synthetic patient: who it is, and the state of health from which its care follows.

use chrono::{Days, NaiveDate};

use crate::people::{self, Sex, age_on};
use crate::random::Random;

/// City, county, FIPS code, ZIP code, latitude and longitude of its centre.
#[rustfmt::skip]
const CITIES: &[(&str, &str, &str, &str, f64, f64)] = &[
    ("Boston", "Suffolk County", "25025", "02118", 42.338, -71.070),
    ("Worcester", "Worcester County", "25027", "01608", 42.262, -71.802),
    ("Springfield", "Hampden County", "25013", "01103", 42.103, -72.593),
    ("Cambridge", "Middlesex County", "25017", "02139", 42.364, -71.104),
    ("Lowell", "Middlesex County", "25017", "01852", 42.633, -71.299),
    ("Brockton", "Plymouth County", "25023", "02301", 42.079, -71.039),
    ("Quincy", "Norfolk County", "25021", "02169", 42.249, -71.000),
    ("New Bedford", "Bristol County", "25005", "02740", 41.635, -70.940),
    ("Lynn", "Essex County", "25009", "01901", 42.462, -70.946),
    ("Barnstable", "Barnstable County", "25001", "02601", 41.653, -70.283),
];

#[rustfmt::skip]
const RACES: &[(&str, f64)] = &[
    ("white", 0.72), ("black", 0.11), ("asian", 0.09), ("native", 0.02), ("hawaiian", 0.01), ("other", 0.05),
];

/// Chronic diseases by the day they begin; most begin unnoticed before they are diagnosed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Onsets {
    pub(super) prediabetes: Option<NaiveDate>,
    pub(super) diabetes: Option<NaiveDate>,
    pub(super) hypertension: Option<NaiveDate>,
    pub(super) hyperlipidemia: Option<NaiveDate>,
    pub(super) asthma: Option<NaiveDate>,
    pub(super) heart_failure: Option<NaiveDate>,
}

#[derive(Debug)]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) sex: Sex,
    pub(super) birth: NaiveDate,
    pub(super) death: Option<NaiveDate>,
    /// First and last day on which care can take place.
    pub(super) begin: NaiveDate,
    pub(super) end: NaiveDate,
    pub(super) height: f64,
    pub(super) bmi: f64,
    pub(super) systolic: f64,
    pub(super) cholesterol: f64,
    /// Share of days covered by a chronic drug that the patient aims at.
    pub(super) adherence: f64,
    pub(super) payer: usize,
    pub(super) provider: u64,
    pub(super) onsets: Onsets,
    /// Which of two codes in use stands for the patient's disease.
    pub(super) second_code: bool,
}

/// Days of care before the extract.
const HISTORY: u64 = 8 * 365;

impl Person {
    pub(super) fn draw(random: &mut Random, extract: NaiveDate, providers: u64, payers: usize) -> Self {
        let sex = Sex::draw(random, 0.51);
        let birth = people::birth_date(random, extract);
        let age = f64::from(age_on(birth, extract));
        let death = random
            .chance(if age > 60.0 { 0.11 } else { 0.004 })
            .then(|| extract - Days::new(10 + random.below(1_400)))
            .filter(|death| *death > birth + Days::new(400));
        let end = death.map_or(extract - Days::new(1), |death| death - Days::new(1));
        let begin = birth.max(end - Days::new(HISTORY)).min(end);
        let bmi = (random.normal(27.3, 5.0) + (age - 45.0).clamp(-20.0, 20.0) * 0.03).clamp(16.0, 52.0);
        let mut person = Self {
            id: random.uuid(),
            sex,
            birth,
            death,
            begin,
            end,
            height: random.normal(if sex == Sex::Male { 176.0 } else { 163.0 }, 6.5),
            bmi,
            systolic: random.normal(104.0 + age * 0.25 + (bmi - 27.0) * 0.5, 8.0),
            cholesterol: random.normal(172.0 + age * 0.25, 24.0),
            adherence: random.uniform(0.55, 1.05),
            payer: random.below(payers as u64) as usize,
            provider: random.below(providers),
            onsets: Onsets::default(),
            second_code: random.chance(0.25),
        };
        person.onsets = person.draw_onsets(age, random);
        person
    }

    fn draw_onsets(&self, age: f64, random: &mut Random) -> Onsets {
        let adult = ((age - 25.0) / 50.0).clamp(0.0, 1.0);
        let weight = ((self.bmi - 22.0) / 12.0).clamp(0.0, 2.0);
        let pressure = ((self.systolic - 105.0) / 25.0).clamp(0.0, 1.5);
        let prediabetes = self.onset(0.35 * adult + 0.3 * weight * adult, random);
        let diabetes = prediabetes
            .filter(|_| random.chance(0.35 + 0.2 * weight))
            .map(|day| day + Days::new(300 + random.below(900)));
        let hypertension = self.onset(0.35 * adult + 0.4 * pressure * adult, random);
        let lipids = ((self.cholesterol - 180.0) / 50.0).clamp(0.0, 1.0);
        Onsets {
            prediabetes,
            diabetes,
            hypertension,
            hyperlipidemia: self.onset(0.1 * adult + 0.3 * lipids * adult, random),
            asthma: self.onset(0.05, random),
            heart_failure: hypertension
                .filter(|_| age > 60.0 && random.chance(0.2))
                .map(|day| day + Days::new(200 + random.below(800))),
        }
    }

    /// A day from three years before care begins to a year after it ends.
    fn onset(&self, probability: f64, random: &mut Random) -> Option<NaiveDate> {
        let first = (self.begin - Days::new(1_095)).max(self.birth);
        random.chance(probability).then(|| random.day(first, self.end + Days::new(365)))
    }

    pub(super) fn age_on(&self, day: NaiveDate) -> i32 {
        age_on(self.birth, day)
    }

    /// The patient's row, in the order of the table's columns. ZIP and FIPS codes have lost their
    /// leading zeros, as spreadsheets make them.
    pub(super) fn row(&self, random: &mut Random) -> Vec<String> {
        let adult = self.age_on(self.end) >= 18;
        let (city, county, fips, zip, latitude, longitude) = random.pick(CITIES);
        let latitude = format!("{:.6}", latitude + random.uniform(-0.04, 0.04));
        let longitude = format!("{:.6}", longitude + random.uniform(-0.04, 0.04));
        let race = random.weighted(RACES.iter().map(|race| race.1));
        let married = adult && random.chance(0.55);
        let prefix = match self.sex {
            Sex::Male => "Mr.",
            Sex::Female if married => "Mrs.",
            Sex::Female => "Ms.",
        };
        let maiden = married && self.sex == Sex::Female;
        let zip = if random.chance(0.03) { "00000" } else { zip.trim_start_matches('0') };
        vec![
            self.id.clone(),
            self.birth.to_string(),
            self.death.map(|death| death.to_string()).unwrap_or_default(),
            format!("999-{:02}-{:04}", random.between(10, 99), random.between(1_000, 9_999)),
            only(adult, format!("S999{:05}", random.below(100_000))),
            only(adult, format!("X{:08}X", random.below(100_000_000))),
            only(adult, prefix.to_owned()),
            numbered(people::first_name(random, self.sex), random),
            numbered(people::first_name(random, self.sex), random),
            numbered(people::last_name(random), random),
            String::new(),
            only(maiden, numbered(people::last_name(random), random)),
            only(adult && random.chance(0.9), if married { "M" } else { "S" }.to_owned()),
            RACES.get(race).map(|race| race.0).unwrap_or_default().to_owned(),
            if random.chance(0.12) { "hispanic" } else { "nonhispanic" }.to_owned(),
            self.sex.letter().to_owned(),
            format!("{city}  Massachusetts  US"),
            people::street_address(random),
            city.to_owned(),
            "Massachusetts".to_owned(),
            county.to_owned(),
            fips.trim_start_matches('0').to_owned(),
            zip.to_owned(),
            latitude.clone(),
            longitude.clone(),
            format!("{:.2}", random.uniform(500.0, 400_000.0)),
            format!("{:.2}", random.uniform(500.0, 200_000.0)),
            random.between(9_000, 180_000).to_string(),
            format!("POINT({longitude} {latitude})"),
        ]
    }
}

fn only(given: bool, text: String) -> String {
    if given { text } else { String::new() }
}

/// A name with a number, by which everyone sees that it is synthetic.
fn numbered(name: &str, random: &mut Random) -> String {
    format!("{name}{}", random.between(10, 999))
}
