-- name: department_weekly_kpis
-- version: 1
-- description: Cost and number of treatments of each department and ISO week.
-- grain: one row per source, department and week with at least one visit
-- owner: analytics
-- materialised: no
-- source: star schema: visits by department and week, and the treatments of those visits
-- column source: sender
-- column department: department of the visit
-- column week_start: Monday of the ISO week of the visit
-- column total_cost: sum of treatment_cost, 0 without treatments [USD]
-- column avg_cost: mean treatment_cost per treatment, NULL without treatments [USD]
-- column treatment_count: number of treatments
WITH visits AS (
    SELECT
        v.source,
        v.department,
        CAST(date_trunc('week', v.visit_date) AS DATE) AS week_start,
        v.visit_id
    FROM gold.dim_visits v
),
weeks AS (
    SELECT DISTINCT
        v.source,
        v.department,
        v.week_start
    FROM visits v
),
costs AS (
    SELECT
        v.source,
        v.department,
        v.week_start,
        SUM(t.treatment_cost) AS total_cost,
        AVG(t.treatment_cost) AS avg_cost,
        COUNT(*) AS treatment_count
    FROM gold.fact_treatments t
    JOIN visits v
        ON v.source = t.source AND v.visit_id = t.visit_id
    GROUP BY v.source, v.department, v.week_start
)
SELECT
    w.source,
    w.department,
    w.week_start,
    CAST(COALESCE(c.total_cost, 0) AS DECIMAL(18, 2)) AS total_cost,
    CAST(c.avg_cost AS DECIMAL(18, 2)) AS avg_cost,
    COALESCE(c.treatment_count, 0) AS treatment_count
FROM weeks w
LEFT JOIN costs c
    ON c.source = w.source
    AND (c.department IS NOT DISTINCT FROM w.department)
    AND (c.week_start IS NOT DISTINCT FROM w.week_start)
