-- name: department_treatment_summary
-- version: 1
-- description: Volume and cost of treatments by the department of the visit.
-- grain: one row per source and department with at least one treatment
-- owner: analytics
-- materialised: no
-- source: star schema: treatments joined with their visits
-- column source: sender
-- column department: department of the visit
-- column total_treatments: number of treatments
-- column total_cost: sum of treatment_cost [USD]
-- column avg_cost: mean treatment_cost per treatment [USD]
-- column patient_count: distinct patients treated
-- column doctor_count: distinct doctors whose visits had a treatment
SELECT
    v.source,
    v.department,
    COUNT(*) AS total_treatments,
    CAST(SUM(t.treatment_cost) AS DECIMAL(18, 2)) AS total_cost,
    CAST(AVG(t.treatment_cost) AS DECIMAL(18, 2)) AS avg_cost,
    COUNT(DISTINCT v.patient_id) AS patient_count,
    COUNT(DISTINCT v.doctor_id) AS doctor_count
FROM gold.fact_treatments t
JOIN gold.dim_visits v
    ON v.source = t.source AND v.visit_id = t.visit_id
GROUP BY v.source, v.department
