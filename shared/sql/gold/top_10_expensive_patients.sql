-- name: top_10_expensive_patients
-- version: 1
-- description: The ten patients of each source with the highest cost of treatments.
-- grain: one row per source and patient, at most ten per source
-- owner: analytics
-- materialised: no
-- source: star schema: treatments joined with their visits; cost descending, ties by patient_id ascending
-- column source: sender
-- column patient_id: pseudonym of the patient
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
        p.patient_id,
        p.total_cost,
        p.treatment_count,
        ROW_NUMBER() OVER (
            PARTITION BY p.source ORDER BY p.total_cost DESC NULLS LAST, p.patient_id ASC
        ) AS cost_rank
    FROM patients p
)
SELECT
    r.source,
    r.patient_id,
    CAST(r.total_cost AS DECIMAL(18, 2)) AS total_cost,
    r.treatment_count
FROM ranked r
WHERE r.cost_rank <= 10
