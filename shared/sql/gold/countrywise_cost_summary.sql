-- name: countrywise_cost_summary
-- version: 1
-- description: Cost of treatments and number of visits by the patient's country.
-- grain: one row per source and country with at least one visit
-- owner: analytics
-- materialised: no
-- source: star schema: visits by the patient's country, and the treatments of those visits
-- column source: sender
-- column country: country of the patient, NULL when not known
-- column total_cost: sum of treatment_cost, 0 without treatments [USD]
-- column avg_cost: mean treatment_cost per treatment, NULL without treatments [USD]
-- column visit_count: number of visits, counted on the visits themselves
WITH visits AS (
    SELECT
        v.source,
        v.visit_id,
        p.country
    FROM gold.dim_visits v
    LEFT JOIN gold.dim_patients p
        ON p.source = v.source AND p.patient_id = v.patient_id
),
countries AS (
    SELECT
        v.source,
        v.country,
        COUNT(*) AS visit_count
    FROM visits v
    GROUP BY v.source, v.country
),
costs AS (
    SELECT
        v.source,
        v.country,
        SUM(t.treatment_cost) AS total_cost,
        AVG(t.treatment_cost) AS avg_cost
    FROM gold.fact_treatments t
    JOIN visits v
        ON v.source = t.source AND v.visit_id = t.visit_id
    GROUP BY v.source, v.country
)
SELECT
    n.source,
    n.country,
    CAST(COALESCE(c.total_cost, 0) AS DECIMAL(18, 2)) AS total_cost,
    CAST(c.avg_cost AS DECIMAL(18, 2)) AS avg_cost,
    n.visit_count
FROM countries n
LEFT JOIN costs c
    ON c.source = n.source AND (c.country IS NOT DISTINCT FROM n.country)
