-- name: revenue_by_age_group
-- version: 1
-- description: Cost and number of treatments by the patient's age group on the day of the visit.
-- grain: one row per source and age group with at least one treatment
-- owner: analytics
-- materialised: no
-- source: star schema: treatments joined with their visits and patients; completed years on the visit's day, at death if earlier
-- column source: sender
-- column age_group: 0-17, 18-34, 35-49, 50-64, 65+ or Unknown (no age, visit before birth, over 120)
-- column total_cost: sum of treatment_cost [USD]
-- column avg_cost: mean treatment_cost per treatment [USD]
-- column treatment_count: number of treatments
WITH treated AS (
    SELECT
        t.source,
        t.treatment_cost,
        CASE
            WHEN p.birth_date IS NULL THEN p.age
            WHEN p.birth_date <= LEAST(COALESCE(p.death_date, v.visit_date), v.visit_date)
                THEN date_diff('year', p.birth_date, LEAST(COALESCE(p.death_date, v.visit_date), v.visit_date))
        END AS age
    FROM gold.fact_treatments t
    JOIN gold.dim_visits v
        ON v.source = t.source AND v.visit_id = t.visit_id
    LEFT JOIN silver.patients p
        ON p.source = v.source AND p.patient_id = v.patient_id
),
grouped AS (
    SELECT
        t.source,
        t.treatment_cost,
        CASE
            WHEN t.age BETWEEN 0 AND 17 THEN '0-17'
            WHEN t.age BETWEEN 18 AND 34 THEN '18-34'
            WHEN t.age BETWEEN 35 AND 49 THEN '35-49'
            WHEN t.age BETWEEN 50 AND 64 THEN '50-64'
            WHEN t.age BETWEEN 65 AND 120 THEN '65+'
            ELSE 'Unknown'
        END AS age_group
    FROM treated t
)
SELECT
    g.source,
    g.age_group,
    CAST(SUM(g.treatment_cost) AS DECIMAL(18, 2)) AS total_cost,
    CAST(AVG(g.treatment_cost) AS DECIMAL(18, 2)) AS avg_cost,
    COUNT(*) AS treatment_count
FROM grouped g
GROUP BY g.source, g.age_group
