-- name: insurance_summary
-- version: 1
-- description: Treatments and cost by insurer, and the insurer's share of both.
-- grain: one row per source and insurance provider
-- owner: analytics
-- materialised: no
-- source: star schema: all treatments
-- column source: sender
-- column insurance_provider: insurer, Uninsured when none
-- column total_cost: sum of treatment_cost [USD]
-- column coverage_rate: its treatments / all treatments of the source [0-1]
-- column cost_share: its cost / the source's total cost, NULL when that is 0 [0-1]
-- column avg_cost: mean treatment_cost per treatment [USD]
WITH providers AS (
    SELECT
        t.source,
        t.insurance_provider,
        COUNT(*) AS treatment_count,
        SUM(t.treatment_cost) AS total_cost,
        AVG(t.treatment_cost) AS avg_cost
    FROM gold.fact_treatments t
    GROUP BY t.source, t.insurance_provider
),
totals AS (
    SELECT
        t.source,
        COUNT(*) AS treatment_count,
        SUM(t.treatment_cost) AS total_cost
    FROM gold.fact_treatments t
    GROUP BY t.source
)
SELECT
    i.source,
    i.insurance_provider,
    CAST(i.total_cost AS DECIMAL(18, 2)) AS total_cost,
    CAST(i.treatment_count AS DOUBLE) / CAST(g.treatment_count AS DOUBLE) AS coverage_rate,
    CAST(i.total_cost AS DOUBLE) / NULLIF(CAST(g.total_cost AS DOUBLE), 0) AS cost_share,
    CAST(i.avg_cost AS DECIMAL(18, 2)) AS avg_cost
FROM providers i
JOIN totals g
    ON g.source = i.source
