//! Feed `noshow_vitoria`: the appointments of a city's public clinics in the shape and with the
//! quirks of the published Vitória data: ids that a spreadsheet wrote in exponent form, booking
//! timestamps later than the midnight that stands for the appointment's day, `No-show` = "Yes" for
//! a missed appointment, disability from 0 to 4, misspelt headers, no hour.

use chrono::{Datelike, Days, NaiveDate, Weekday};

use super::Landing;
use crate::error::Error;
use crate::people::{self, Sex, age_on};
use crate::plant::Change::{Encoding, Repeat, Set, Short};
use crate::plant::Fault;
use crate::random::Random;
use crate::signal::{Attendance, Circumstances, Strength, place_effect};
use crate::write::{CsvFile, Fresh, Table, timestamp};

#[rustfmt::skip]
const APPOINTMENTS: Table = Table {
    feed: "noshow_vitoria",
    header: &[
        "PatientId", "AppointmentID", "Gender", "ScheduledDay", "AppointmentDay", "Age",
        "Neighbourhood", "Scholarship", "Hipertension", "Diabetes", "Alcoholism", "Handcap",
        "SMS_received", "No-show",
    ],
    fresh: Fresh::Prefix("AppointmentID", "99"),
    faults: &[
        Fault::reject("patient_id.required", Set("PatientId", "")),
        Fault::reject("appointment_id.required", Set("AppointmentID", "")),
        Fault::reject("appointment_date.type", Set("AppointmentDay", "29/04/2016")),
        Fault::reject("row.shape", Short),
        Fault::reject("row.encoding", Encoding("Neighbourhood")),
        Fault::dedupe("key.unique", Repeat),
        Fault::warn("age_plausible", Set("Age", "-1")),
        Fault::warn("disability_range", Set("Handcap", "9")),
    ],
    crlf: false,
};

#[rustfmt::skip]
const NEIGHBOURHOODS: &[&str] = &[
    "AEROPORTO", "ANDORINHAS", "ANTÔNIO HONÓRIO", "ARIOVALDO FAVALESSA", "BARRO VERMELHO",
    "BELA VISTA", "BENTO FERREIRA", "BOA VISTA", "BONFIM", "CARATOÍRA", "CENTRO", "COMDUSA",
    "CONQUISTA", "CONSOLAÇÃO", "CRUZAMENTO", "DA PENHA", "DE LOURDES", "DO CABRAL", "DO QUADRO",
    "ENSEADA DO SUÁ", "ESTRELINHA", "FONTE GRANDE", "FORTE SÃO JOÃO", "FRADINHOS", "GOIABEIRAS",
    "GRANDE VITÓRIA", "GURIGICA", "HORTO", "ILHA DE SANTA MARIA", "INHANGUETÁ", "ITARARÉ",
    "JABOUR", "JARDIM CAMBURI", "JARDIM DA PENHA", "JESUS DE NAZARETH", "JOANA D´ARC",
    "JUCUTUQUARA", "MARIA ORTIZ", "MARUÍPE", "MATA DA PRAIA", "MONTE BELO", "NAZARETH",
    "PARQUE MOSCOSO", "PIEDADE", "PRAIA DO CANTO", "REDENÇÃO", "REPÚBLICA", "RESISTÊNCIA",
    "ROMÃO", "SANTA MARTHA", "SANTO ANDRÉ", "SANTO ANTÔNIO", "SÃO BENEDITO", "SÃO PEDRO",
    "TABUAZEIRO", "UNIVERSITÁRIO", "VILA RUBIM",
];

/// Appointments per patient, on average.
const PER_PATIENT: u64 = 4;

/// What a public clinic adds to the no-show risk.
const PUBLIC_CLINIC: f64 = 0.3;

/// Days that one file covers; there are three.
const DAYS_PER_FILE: u64 = 30;

/// Writes the feed: three files of thirty days each, all outcomes known.
pub(super) fn write(landing: &mut Landing<'_>) -> Result<(), Error> {
    let mut random = landing.random(2);
    let total = landing.patients();
    let first = landing.days_ago(3 * DAYS_PER_FILE);
    let rows = total * PER_PATIENT / 3;
    let mut files = Vec::new();
    for (number, ending) in [".csv.gz", ".csv.zst", ".csv"].into_iter().enumerate() {
        let date = first + Days::new(DAYS_PER_FILE * (number as u64 + 1));
        files.push(landing.csv(&APPOINTMENTS, "appointments", date, ending, rows, &mut random)?);
    }
    let mut strength = Strength::new(landing.days_ago(3 * DAYS_PER_FILE / 5));
    let mut next = 5_000_000;
    for number in 0..total {
        let patient = Patient::draw(&mut random, number, first);
        let count = 1 + random.exponential(PER_PATIENT as f64 - 0.6) as u64;
        let mut days: Vec<u64> = (0..count).map(|_| random.below(3 * DAYS_PER_FILE)).collect();
        days.sort_unstable();
        let mut attendance = Attendance::new(&mut random);
        for offset in days {
            let day = first + Days::new(offset);
            let file = files.get_mut((offset / DAYS_PER_FILE) as usize);
            if let Some(file) = file.filter(|_| day.weekday() != Weekday::Sun) {
                let id = next + random.below(7);
                next += 7;
                patient.book(day, id, &mut attendance, file, &mut random, &mut strength)?;
            }
        }
        landing.progress("noshow_vitoria", number + 1, total);
    }
    for file in files {
        landing.finished(file.finish()?);
    }
    landing.signal(strength.signal("noshow_vitoria", "appointments"));
    Ok(())
}

struct Patient {
    id: String,
    sex: Sex,
    birth: NaiveDate,
    fixed_age: Option<&'static str>,
    neighbourhood: usize,
    scholarship: bool,
    hypertension: bool,
    diabetes: bool,
    alcoholism: bool,
    disability: u64,
}

impl Patient {
    fn draw(random: &mut Random, number: u64, as_of: NaiveDate) -> Self {
        let birth = people::birth_date(random, as_of);
        let age = f64::from(age_on(birth, as_of));
        let old = (age / 80.0).clamp(0.0, 1.0);
        let hypertension = random.chance(0.45 * old * old);
        Self {
            id: patient_id(random, number),
            sex: Sex::draw(random, 0.65),
            birth,
            fixed_age: (number % 2_000 == 1_999).then_some("115"),
            neighbourhood: random.below(NEIGHBOURHOODS.len() as u64) as usize,
            scholarship: random.chance(0.1),
            hypertension,
            diabetes: random.chance(if hypertension { 0.3 } else { 0.03 * old }),
            alcoholism: random.chance(if age < 18.0 { 0.0 } else { 0.03 }),
            disability: random.weighted([0.98, 0.015, 0.003, 0.001, 0.001].into_iter()) as u64,
        }
    }

    fn book(
        &self,
        day: NaiveDate,
        id: u64,
        attendance: &mut Attendance,
        file: &mut CsvFile,
        random: &mut Random,
        strength: &mut Strength,
    ) -> Result<(), Error> {
        let lead = if random.chance(0.35) { 0 } else { 1 + random.exponential(15.0) as u64 };
        let seconds = 6 * 3_600 + random.below(14 * 3_600) as u32;
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        let scheduled = (day - Days::new(lead)).and_hms_opt(hour, minute, second).unwrap_or_default();
        let reminded = lead >= 2 && random.chance(0.6);
        let age = age_on(self.birth, day).max(0);
        let missed = attendance.attend(
            &Circumstances {
                lead_days: lead as i64,
                age,
                reminded,
                day,
                hour: None,
                setting: PUBLIC_CLINIC,
                place: place_effect(self.neighbourhood),
                poor: self.scholarship,
                chronic: self.hypertension || self.diabetes,
            },
            random,
            strength,
        );
        file.write(vec![
            self.id.clone(),
            id.to_string(),
            self.sex.letter().to_owned(),
            timestamp(scheduled),
            format!("{day}T00:00:00Z"),
            self.fixed_age.map_or_else(|| age.to_string(), str::to_owned),
            NEIGHBOURHOODS.get(self.neighbourhood).copied().unwrap_or_default().to_owned(),
            flag(self.scholarship),
            flag(self.hypertension),
            flag(self.diabetes),
            flag(self.alcoholism),
            self.disability.to_string(),
            flag(reminded),
            if missed { "Yes" } else { "No" }.to_owned(),
        ])
    }
}

fn flag(value: bool) -> String {
    u8::from(value).to_string()
}

/// A long number without leading zeros, its last digits the patient's; one in a thousand as a
/// spreadsheet wrote it.
fn patient_id(random: &mut Random, number: u64) -> String {
    let digits = random.between(1, 6) as u32;
    let front = random.below(9 * 10_u64.pow(digits - 1)) + 10_u64.pow(digits - 1);
    if number % 1_000 == 999 { format!("9{front}{number:07}E-5") } else { format!("{front}{number:08}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patient_ids_are_unique_and_some_are_in_exponent_form() {
        let mut random = Random::new(1, 1);
        let ids: std::collections::BTreeSet<String> =
            (0..5_000).map(|number| patient_id(&mut random, number)).collect();
        assert_eq!(ids.len(), 5_000);
        assert_eq!(ids.iter().filter(|id| id.ends_with("E-5")).count(), 5);
    }
}
