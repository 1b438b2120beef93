-- name: dim_visits
-- version: 1
-- description: Visits of the sources that report costs.
-- grain: one row per visit of a source
-- owner: analytics
-- materialised: delta
-- partition_by: source, department
-- source: star schema of the network feed
-- column source: sender of the visit
-- column visit_id: identifier of the visit
-- column patient_id: pseudonym of the patient
-- column doctor_id: identifier of the doctor seen
-- column department: department of the visit, which may differ from the doctor's
-- column visit_date: day of the visit
-- column follow_up_required: whether the doctor asked for a follow-up, NULL when not stated
SELECT
    e.source,
    e.encounter_id AS visit_id,
    e.patient_id,
    e.practitioner_id AS doctor_id,
    e.department,
    e.encounter_date AS visit_date,
    e.follow_up_required
FROM silver.encounters e
JOIN silver.sources s
    ON s.source = e.source AND s.feed = e.feed AND s.area = 'cost'
