-- name: top_10_expensive_patients
-- version: 1
-- description: The ten patients of each source with the highest cost of treatments, with names and real identifiers.
-- grain: one row per source and patient, at most ten per source
-- owner: analytics
-- materialised: no
-- source: star schema; cost descending, ties by the real patient_id ascending, so a tie for the tenth place may differ from gold
-- column source: sender
-- column patient_id: real identifier of the patient, NULL when the identity is erased
-- column patient_name: full name of the patient, NULL when the identity is erased
-- column total_cost: sum of treatment_cost [USD]
-- column treatment_count: number of treatments
WITH patients AS (
    SELECT
        v.source,
        v.patient_id,
        SUM(t.treatment_cost) AS total_cost,
        COUNT(*) AS treatment_count
    FROM gold.fact_treatments t
    JOIN gold.dim_visits v
        ON v.source = t.source AND v.visit_id = t.visit_id
    GROUP BY v.source, v.patient_id
),
ranked AS (
    SELECT
        p.source,
        i.real_patient_id AS patient_id,
        i.full_name AS patient_name,
        p.total_cost,
        p.treatment_count,
        ROW_NUMBER() OVER (
            PARTITION BY p.source
            ORDER BY p.total_cost DESC NULLS LAST, i.real_patient_id ASC NULLS LAST, p.patient_id ASC
        ) AS cost_rank
    FROM patients p
    LEFT JOIN identity.patients i
        ON i.source = p.source AND i.patient_id = p.patient_id
)
SELECT
    r.source,
    r.patient_id,
    r.patient_name,
    CAST(r.total_cost AS DECIMAL(18, 2)) AS total_cost,
    r.treatment_count
FROM ranked r
WHERE r.cost_rank <= 10
