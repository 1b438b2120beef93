//! What a check-up records: vital signs, laboratory values, findings, allergies, vaccinations.

use chrono::NaiveDate;

use super::chart::{Chart, Encounter};
use super::codes;
use crate::error::Error;
use crate::people::Sex;

pub(super) fn vital_signs(chart: &mut Chart<'_>, at: &Encounter) -> Result<(), Error> {
    let person = chart.person;
    let day = at.start.date();
    let grown = f64::from(person.age_on(day)).min(18.0) / 18.0;
    let height = person.height * (0.3 + 0.7 * grown);
    let bmi = (person.bmi + chart.random.normal(0.0, 0.6)) * (0.64 + 0.36 * grown);
    let treated = person.onsets.hypertension.map_or(0.0, |onset| rise(onset, day, 24.0));
    let systolic = person.systolic * (0.75 + 0.25 * grown) + treated;
    let systolic = (systolic + chart.random.normal(0.0, 6.0)).max(70.0);
    let diastolic = systolic * 0.62 + chart.random.normal(0.0, 4.0);
    let pulse = chart.random.normal(76.0, 8.0);
    let weight = bmi * (height / 100.0).powi(2);
    for (what, value) in [
        (codes::HEIGHT, height),
        (codes::WEIGHT, weight),
        (codes::BMI, bmi),
        (codes::SYSTOLIC, systolic),
        (codes::DIASTOLIC, diastolic),
        (codes::HEART_RATE, pulse),
    ] {
        chart.number(at, what, value)?;
    }
    if grown >= 1.0 {
        let smoker = if chart.random.chance(0.14) { "Current every day smoker" } else { "Never smoker" };
        chart.observation(at, codes::SMOKING, smoker.to_owned(), "text")?;
    }
    Ok(())
}

/// How far a value has risen some time after the onset of a disease; it starts a year before.
fn rise(onset: NaiveDate, day: NaiveDate, full: f64) -> f64 {
    let days = (day - onset).num_days() as f64;
    full * ((days + 365.0) / 730.0).clamp(0.0, 1.0)
}

pub(super) fn laboratory(chart: &mut Chart<'_>, at: &Encounter) -> Result<(), Error> {
    let (person, day) = (chart.person, at.start.date());
    let treated = chart.random.normal(0.0, 10.0);
    let total = (person.cholesterol + treated).max(95.0);
    let hdl = chart.random.normal(if person.sex == Sex::Female { 58.0 } else { 48.0 }, 7.0).max(22.0);
    let triglycerides = chart.random.normal(95.0 + person.bmi * 1.6, 22.0).max(40.0);
    let ldl = (total - hdl - triglycerides / 5.0).max(30.0);
    for (what, value) in
        [(codes::CHOLESTEROL, total), (codes::TRIGLYCERIDES, triglycerides), (codes::LDL, ldl), (codes::HDL, hdl)]
    {
        chart.number(at, what, value)?;
    }
    hba1c(chart, at, day)
}

pub(super) fn hba1c(chart: &mut Chart<'_>, at: &Encounter, day: NaiveDate) -> Result<(), Error> {
    let onsets = chart.person.onsets;
    let raised = onsets.prediabetes.map_or(0.0, |onset| rise(onset, day, 0.7))
        + onsets.diabetes.map_or(0.0, |onset| rise(onset, day, 1.3));
    let value = 5.2 + (chart.person.bmi - 27.0) * 0.012 + raised + chart.random.normal(0.0, 0.22);
    chart.number(at, codes::HBA1C, value)
}

pub(super) fn findings(chart: &mut Chart<'_>, at: &Encounter, until: Option<NaiveDate>) -> Result<(), Error> {
    for &(what, probability) in codes::FINDINGS {
        if chart.random.chance(probability) {
            chart.condition(at, what, at.local_date(), until)?;
        }
    }
    Ok(())
}

/// Obesity is noted at the first check-up.
pub(super) fn obesity(chart: &mut Chart<'_>, at: &Encounter) -> Result<(), Error> {
    let bmi = chart.person.bmi;
    if bmi >= 30.0 {
        let what = if bmi >= 40.0 { codes::SEVERE_OBESITY } else { codes::OBESITY };
        chart.condition(at, what, at.local_date(), None)?;
    }
    Ok(())
}

pub(super) fn allergies(chart: &mut Chart<'_>, at: &Encounter) -> Result<(), Error> {
    for &(what, category) in codes::ALLERGENS {
        if chart.random.chance(0.05) {
            chart.allergy(at, what, category)?;
        }
    }
    Ok(())
}

pub(super) fn vaccinations(chart: &mut Chart<'_>, at: &Encounter, age: i32) -> Result<(), Error> {
    if age < 2 {
        chart.immunization(at, codes::HEPATITIS_B)?;
    }
    if chart.random.chance(0.6) {
        chart.immunization(at, codes::INFLUENZA)?;
    }
    if age >= 18 && chart.random.chance(0.12) {
        chart.immunization(at, codes::TETANUS)?;
    }
    Ok(())
}
