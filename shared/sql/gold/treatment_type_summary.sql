-- name: treatment_type_summary
-- version: 1
-- description: Cost of each treatment type and its share of the source's whole cost.
-- grain: one row per source and treatment type
-- owner: analytics
-- materialised: no
-- source: star schema: all treatments
-- column source: sender
-- column treatment_type: kind of treatment
-- column total_cost: sum of treatment_cost [USD]
-- column avg_cost: mean treatment_cost per treatment [USD]
-- column cost_pct: 100 times the share of the source's total cost, NULL when that is 0 [%]
WITH types AS (
    SELECT
        t.source,
        t.treatment_type,
        SUM(t.treatment_cost) AS total_cost,
        AVG(t.treatment_cost) AS avg_cost
    FROM gold.fact_treatments t
    GROUP BY t.source, t.treatment_type
),
totals AS (
    SELECT
        t.source,
        SUM(t.treatment_cost) AS total_cost
    FROM gold.fact_treatments t
    GROUP BY t.source
)
SELECT
    y.source,
    y.treatment_type,
    CAST(y.total_cost AS DECIMAL(18, 2)) AS total_cost,
    CAST(y.avg_cost AS DECIMAL(18, 2)) AS avg_cost,
    100 * CAST(y.total_cost AS DOUBLE) / NULLIF(CAST(g.total_cost AS DOUBLE), 0) AS cost_pct
FROM types y
JOIN totals g
    ON g.source = y.source
