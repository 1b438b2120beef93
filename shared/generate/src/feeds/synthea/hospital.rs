//! Short illnesses, injuries, hospital stays with readmissions, death.

use chrono::{Days, NaiveDate, NaiveDateTime, TimeDelta, Timelike};

use super::chart::{Chart, Encounter};
use super::codes::{self, Concept, EncounterKind};
use super::life::{days, midnight, visit};
use crate::error::Error;

pub(super) fn short_illnesses(chart: &mut Chart<'_>) -> Result<(), Error> {
    let span = (chart.person.end - chart.person.begin).num_days();
    let mut next = chart.random.exponential(1_000.0) as i64;
    while next < span - 1 {
        let day = chart.person.begin + days(next);
        let injury = chart.random.chance(0.25);
        let (what, drug, recovery) = chart.random.pick(if injury { codes::INJURIES } else { codes::ILLNESSES });
        let kind = match (injury, chart.random.chance(0.3)) {
            (true, _) => codes::EMERGENCY,
            (false, true) => codes::URGENT,
            (false, false) => codes::SYMPTOM,
        };
        let at = visit(chart, kind, day, 40, Some(what))?;
        let recovery = recovery + chart.random.between(-3, 6);
        let stop = at.local_date() + days(recovery);
        chart.condition(&at, what, at.local_date(), (stop <= chart.extract()).then_some(stop))?;
        if chart.random.chance(0.8) {
            chart.medication(&at, drug, at.start, recovery.min(14), what)?;
        }
        let test = if injury { codes::CHEST_XRAY } else { codes::THROAT_CULTURE };
        chart.procedure(&at, test, Some(what))?;
        next += 1 + chart.random.exponential(1_000.0) as i64;
    }
    Ok(())
}

/// Hospital stays, more for the old and those with heart failure.
pub(super) fn hospital_stays(chart: &mut Chart<'_>) -> Result<(), Error> {
    let person = chart.person;
    let failing = person.onsets.heart_failure.is_some_and(|onset| onset < person.end);
    let age = person.age_on(person.end);
    let expected = if failing { 1.6 } else { 0.12 } + if age >= 65 { 0.35 } else { 0.0 };
    let mut due = chart.random.exponential(1.0);
    while due < expected {
        due += chart.random.exponential(1.0);
        let last = person.end - days(2);
        if person.begin < last {
            let day = chart.random.day(person.begin, last);
            let reason = reason_for_stay(chart, failing);
            stay_and_readmissions(chart, day, reason)?;
        }
    }
    Ok(())
}

fn reason_for_stay(chart: &mut Chart<'_>, failing: bool) -> Concept {
    if failing && chart.random.chance(0.7) {
        return codes::HEART_FAILURE;
    }
    let age = chart.person.age_on(chart.person.end);
    let reasons: &[Concept] = if age >= 60 {
        &[codes::PNEUMONIA, codes::STROKE, codes::HIP_FRACTURE]
    } else {
        &[codes::PNEUMONIA, codes::APPENDICITIS]
    };
    chart.random.pick(reasons)
}

/// A stay, and the stays that follow it within a month: transfers to another hospital the same or
/// next day, returns on day 30 and day 31 more often than by chance, some of them planned.
fn stay_and_readmissions(chart: &mut Chart<'_>, day: NaiveDate, reason: Concept) -> Result<(), Error> {
    let mut start = midnight(day) + TimeDelta::hours(chart.random.between(12, 17));
    let (mut kind, mut elsewhere) = (codes::INPATIENT, 0);
    loop {
        let days = if chart.random.chance(0.06) { 0 } else { 1 + chart.random.exponential(3.2) as i64 };
        let stop = start + TimeDelta::days(days) + TimeDelta::hours(chart.random.between(1, 5));
        if stop.date() >= chart.person.end {
            return Ok(());
        }
        stay(chart, kind, (start, Some(stop)), reason, elsewhere)?;
        if !chart.random.chance(0.19) {
            return Ok(());
        }
        let gap = match chart.random.weighted([0.2, 0.06, 0.06, 0.68].into_iter()) {
            0 => chart.random.between(0, 1),
            1 => 30,
            2 => 31,
            _ => chart.random.between(2, 29),
        };
        elsewhere = u64::from(gap <= 1);
        kind = if gap > 1 && chart.random.chance(0.15) { codes::PLANNED } else { codes::INPATIENT };
        let hour = if gap == 0 {
            TimeDelta::hours(i64::from(stop.hour()) + 1)
        } else {
            TimeDelta::hours(chart.random.between(12, 17))
        };
        start = midnight(stop.date()) + TimeDelta::days(gap) + hour;
    }
}

fn stay(
    chart: &mut Chart<'_>,
    kind: EncounterKind,
    (start, stop): (NaiveDateTime, Option<NaiveDateTime>),
    reason: Concept,
    elsewhere: u64,
) -> Result<Encounter, Error> {
    let at = chart.encounter(kind, start, stop, Some(reason), elsewhere)?;
    let recovered =
        stop.map(|stop| stop.date() + days(10)).filter(|day| *day <= chart.extract() && reason != codes::HEART_FAILURE);
    chart.condition(&at, reason, at.local_date(), recovered)?;
    let treatment = if reason == codes::APPENDICITIS { codes::APPENDECTOMY } else { codes::OXYGEN };
    chart.procedure(&at, treatment, Some(reason))?;
    chart.procedure(&at, codes::CHEST_XRAY, Some(reason))?;
    Ok(at)
}

/// Death in hospital for some, a certificate some days later for half of the dead; for a few of
/// the living a stay that has not ended.
pub(super) fn last_days(chart: &mut Chart<'_>) -> Result<(), Error> {
    let Some(death) = chart.person.death else {
        if chart.random.chance(0.004) && chart.person.begin < chart.person.end - Days::new(10) {
            let day = chart.extract() - Days::new(2 + chart.random.below(4));
            let reason = reason_for_stay(chart, false);
            stay(chart, codes::INPATIENT, (midnight(day) + TimeDelta::hours(14), None), reason, 0)?;
        }
        return Ok(());
    };
    if chart.random.chance(0.4) {
        let begun = midnight(death - Days::new(1 + chart.random.below(9))) + TimeDelta::hours(13);
        let ended = midnight(death) + TimeDelta::hours(16);
        let reason = reason_for_stay(chart, true);
        stay(chart, codes::INPATIENT, (begun, Some(ended)), reason, 0)?;
    }
    let certified = death + Days::new(3);
    if certified < chart.extract() && chart.random.chance(0.5) {
        visit(chart, codes::CERTIFICATION, certified, 15, None)?;
    }
    Ok(())
}
