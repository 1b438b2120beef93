//! What happens to a patient; here check-ups, and chronic diseases with their drugs.

use chrono::{Days, NaiveDate, NaiveDateTime, TimeDelta};

use super::chart::{Chart, Encounter};
use super::codes::{self, Concept, Drugs, EncounterKind};
use super::{hospital, measurements};
use crate::error::Error;

/// Days of drug supply before the end of care that are written as fills.
const FILL_HISTORY: u64 = 3 * 365;

/// A diagnosed chronic disease.
struct Diagnosis {
    what: Concept,
    drugs: Drugs,
    at: Encounter,
}

/// A chronic disease a patient has: its concept, onset, drugs with days per fill, care plan.
struct Chronic {
    what: Concept,
    onset: NaiveDate,
    drugs: Drugs,
    plan: Option<Concept>,
}

/// Writes the whole life.
pub(super) fn live(chart: &mut Chart<'_>) -> Result<(), Error> {
    let diagnoses = check_ups(chart)?;
    for diagnosis in &diagnoses {
        follow_up(chart, diagnosis)?;
        for &(drug, days) in diagnosis.drugs {
            fills(chart, diagnosis, drug, days)?;
        }
    }
    hospital::short_illnesses(chart)?;
    hospital::hospital_stays(chart)?;
    hospital::last_days(chart)
}

/// Check-ups every year, for adults under fifty every other year. Chronic diseases are diagnosed
/// at the first one after their onset.
fn check_ups(chart: &mut Chart<'_>) -> Result<Vec<Diagnosis>, Error> {
    let mut waiting = chronic_diseases(chart);
    let mut diagnoses = Vec::new();
    let (mut day, end) = (chart.person.begin + days(chart.random.between(3, 200)), chart.person.end);
    let mut first = true;
    while day < end {
        let age = chart.person.age_on(day);
        let interval = if (18..50).contains(&age) { 640 } else { 350 };
        let next = day + days(interval + chart.random.between(0, 60));
        let kind = if age < 18 { codes::WELL_CHILD } else { codes::WELLNESS };
        let at = visit(chart, kind, day, 30, None)?;
        measurements::vital_signs(chart, &at)?;
        if first {
            measurements::allergies(chart, &at)?;
        }
        if age >= 18 {
            measurements::laboratory(chart, &at)?;
            measurements::findings(chart, &at, (next < end).then_some(next))?;
            if first {
                measurements::obesity(chart, &at)?;
            }
            chart.procedure(&at, codes::NEEDS, None)?;
            chart.procedure(&at, codes::DEPRESSION_SCREENING, None)?;
        }
        chart.procedure(&at, codes::RECONCILIATION, None)?;
        measurements::vaccinations(chart, &at, age)?;
        let (found, later): (Vec<Chronic>, Vec<Chronic>) =
            waiting.into_iter().partition(|disease| disease.onset <= day);
        waiting = later;
        for disease in found {
            let delay = if chart.random.chance(0.1) { chart.random.between(1, 7) } else { 0 };
            chart.condition(&at, disease.what, at.local_date() + days(delay), None)?;
            if let Some(plan) = disease.plan {
                chart.careplan(&at, plan, disease.what)?;
            }
            diagnoses.push(Diagnosis { what: disease.what, drugs: disease.drugs, at: at.clone() });
        }
        first = false;
        day = next;
    }
    Ok(diagnoses)
}

fn chronic_diseases(chart: &Chart<'_>) -> Vec<Chronic> {
    let (onsets, second) = (chart.person.onsets, chart.person.second_code);
    let older = chart.older_form();
    let prediabetes = if older { codes::PREDIABETES_OLDER } else { codes::PREDIABETES_NEWER };
    let hypertension = if older && second { codes::HYPERTENSION_OTHER } else { codes::HYPERTENSION };
    let pressure = if second { codes::TWO_PRESSURE_DRUGS } else { codes::ONE_PRESSURE_DRUG };
    let mut found = Vec::new();
    let mut add = |onset: Option<NaiveDate>, what, drugs, plan| {
        found.extend(onset.map(|onset| Chronic { what, onset, drugs, plan }));
    };
    add(onsets.prediabetes, prediabetes, &[], None);
    add(onsets.diabetes, codes::DIABETES, codes::DIABETES_DRUG, Some(codes::DIABETES_PLAN));
    add(onsets.hypertension, hypertension, pressure, Some(codes::LIFESTYLE_PLAN));
    add(onsets.hyperlipidemia, codes::HYPERLIPIDEMIA, codes::LIPID_DRUG, None);
    add(onsets.asthma, codes::ASTHMA, codes::ASTHMA_DRUG, None);
    add(onsets.heart_failure, codes::HEART_FAILURE, codes::HEART_DRUG, None);
    found
}

/// A visit that ends the same day.
pub(super) fn visit(
    chart: &mut Chart<'_>,
    kind: EncounterKind,
    day: NaiveDate,
    minutes: i64,
    reason: Option<Concept>,
) -> Result<Encounter, Error> {
    let start = moment(chart, day);
    let stop = start + TimeDelta::minutes(minutes + chart.random.between(0, 20));
    chart.encounter(kind, start, Some(stop), reason, 0)
}

/// A moment of a day in UTC; a few fall on the day before in local time.
fn moment(chart: &mut Chart<'_>, day: NaiveDate) -> NaiveDateTime {
    let hour = if chart.random.chance(0.06) { 2 } else { chart.random.between(12, 20) };
    let seconds = hour * 3_600 + chart.random.between(0, 3_599);
    midnight(day) + TimeDelta::seconds(seconds)
}

/// A visit about every half year for a chronic disease.
fn follow_up(chart: &mut Chart<'_>, diagnosis: &Diagnosis) -> Result<(), Error> {
    let mut day = diagnosis.at.start.date() + days(chart.random.between(120, 220));
    while day < chart.person.end && !diagnosis.drugs.is_empty() {
        let at = visit(chart, codes::FOLLOW_UP, day, 20, Some(diagnosis.what))?;
        measurements::vital_signs(chart, &at)?;
        if diagnosis.what == codes::DIABETES {
            measurements::hba1c(chart, &at, day)?;
        }
        chart.procedure(&at, codes::RECONCILIATION, Some(diagnosis.what))?;
        day += days(chart.random.between(170, 380));
    }
    Ok(())
}

/// Fills of one drug: the next comes about when the last is used up, earlier or later by the
/// patient's adherence.
fn fills(chart: &mut Chart<'_>, diagnosis: &Diagnosis, drug: Concept, supply: i64) -> Result<(), Error> {
    let earliest = chart.person.end - Days::new(FILL_HISTORY);
    let mut start = diagnosis.at.start;
    if start.date() < earliest {
        start = midnight(earliest) + TimeDelta::hours(15) + TimeDelta::days(chart.random.between(0, supply));
    }
    let adherence = chart.person.adherence;
    while start.date() < chart.person.end {
        chart.medication(&diagnosis.at, drug, start, supply, diagnosis.what)?;
        let gap = if adherence >= 1.0 {
            -chart.random.uniform(0.0, 8.0)
        } else {
            chart.random.exponential(supply as f64 * (1.0 - adherence) / adherence)
        };
        start += TimeDelta::days(supply + gap.round() as i64);
        if chart.random.chance(0.01) {
            break;
        }
    }
    Ok(())
}

pub(super) fn days(count: i64) -> TimeDelta {
    TimeDelta::days(count)
}

pub(super) fn midnight(day: NaiveDate) -> NaiveDateTime {
    day.and_hms_opt(0, 0, 0).unwrap_or_default()
}
