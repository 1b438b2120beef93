-- name: patient_summary
-- version: 1
-- description: Visits, treatments, cost and follow-ups of every patient, with zeros for patients without any.
-- grain: one row per source and patient
-- owner: analytics
-- materialised: no
-- source: star schema: all patients, their visits and the treatments of those visits
-- column source: sender
-- column patient_id: pseudonym of the patient
-- column total_visits: number of visits, counted on the visits themselves
-- column total_cost: sum of treatment_cost, 0 without treatments [USD]
-- column num_treatments: number of treatments
-- column follow_ups: visits that require a follow-up; a visit that does not state it counts as none
WITH visits AS (
    SELECT
        v.source,
        v.patient_id,
        COUNT(*) AS total_visits,
        COUNT(CASE WHEN v.follow_up_required THEN 1 END) AS follow_ups
    FROM gold.dim_visits v
    GROUP BY v.source, v.patient_id
),
costs AS (
    SELECT
        v.source,
        v.patient_id,
        COUNT(*) AS num_treatments,
        SUM(t.treatment_cost) AS total_cost
    FROM gold.fact_treatments t
    JOIN gold.dim_visits v
        ON v.source = t.source AND v.visit_id = t.visit_id
    GROUP BY v.source, v.patient_id
)
SELECT
    p.source,
    p.patient_id,
    COALESCE(v.total_visits, 0) AS total_visits,
    CAST(COALESCE(c.total_cost, 0) AS DECIMAL(18, 2)) AS total_cost,
    COALESCE(c.num_treatments, 0) AS num_treatments,
    COALESCE(v.follow_ups, 0) AS follow_ups
FROM gold.dim_patients p
LEFT JOIN visits v
    ON v.source = p.source AND v.patient_id = p.patient_id
LEFT JOIN costs c
    ON c.source = p.source AND c.patient_id = p.patient_id
