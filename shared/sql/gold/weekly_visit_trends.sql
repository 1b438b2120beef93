-- name: weekly_visit_trends
-- version: 1
-- description: Visits, patients, treatments and cost of each ISO week.
-- grain: one row per source and week with at least one visit
-- owner: analytics
-- materialised: no
-- source: star schema: visits by week, and the treatments of those visits
-- column source: sender
-- column week_start: Monday of the ISO week of the visit
-- column num_visits: number of visits, counted on the visits themselves
-- column num_patients: distinct patients with a visit
-- column num_treatments: number of treatments given in the week's visits
-- column total_cost: sum of their treatment_cost, 0 without treatments [USD]
WITH visits AS (
    SELECT
        v.source,
        CAST(date_trunc('week', v.visit_date) AS DATE) AS week_start,
        v.visit_id,
        v.patient_id
    FROM gold.dim_visits v
),
weeks AS (
    SELECT
        v.source,
        v.week_start,
        COUNT(*) AS num_visits,
        COUNT(DISTINCT v.patient_id) AS num_patients
    FROM visits v
    GROUP BY v.source, v.week_start
),
costs AS (
    SELECT
        v.source,
        v.week_start,
        COUNT(*) AS num_treatments,
        SUM(t.treatment_cost) AS total_cost
    FROM gold.fact_treatments t
    JOIN visits v
        ON v.source = t.source AND v.visit_id = t.visit_id
    GROUP BY v.source, v.week_start
)
SELECT
    w.source,
    w.week_start,
    w.num_visits,
    w.num_patients,
    COALESCE(c.num_treatments, 0) AS num_treatments,
    CAST(COALESCE(c.total_cost, 0) AS DECIMAL(18, 2)) AS total_cost
FROM weeks w
LEFT JOIN costs c
    ON c.source = w.source AND (c.week_start IS NOT DISTINCT FROM w.week_start)
