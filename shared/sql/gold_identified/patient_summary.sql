-- name: patient_summary
-- version: 1
-- description: Visits, treatments, cost and follow-ups of every patient, with names and real identifiers.
-- grain: one row per source and patient
-- owner: analytics
-- materialised: no
-- source: star schema; identified twin of gold.patient_summary
-- column source: sender
-- column patient_id: real identifier of the patient, NULL when the identity is erased
-- column patient_name: full name of the patient, NULL when the identity is erased
-- column total_visits: number of visits, counted on the visits themselves
-- column total_cost: sum of treatment_cost, 0 without treatments [USD]
-- column num_treatments: number of treatments
-- column follow_ups: visits that require a follow-up; a visit that does not state it counts as none
SELECT
    p.source,
    i.real_patient_id AS patient_id,
    i.full_name AS patient_name,
    p.total_visits,
    p.total_cost,
    p.num_treatments,
    p.follow_ups
FROM gold.patient_summary p
LEFT JOIN identity.patients i
    ON i.source = p.source AND i.patient_id = p.patient_id
