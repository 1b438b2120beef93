-- name: treatment_distribution
-- version: 1
-- description: Number and spread of cost of each treatment type.
-- grain: one row per source and treatment type
-- owner: analytics
-- materialised: no
-- source: star schema: all treatments
-- column source: sender
-- column treatment_type: kind of treatment
-- column treatment_count: number of treatments
-- column total_cost: sum of treatment_cost [USD]
-- column min_cost: lowest treatment_cost [USD]
-- column max_cost: highest treatment_cost [USD]
-- column avg_cost: mean treatment_cost per treatment [USD]
SELECT
    t.source,
    t.treatment_type,
    COUNT(*) AS treatment_count,
    CAST(SUM(t.treatment_cost) AS DECIMAL(18, 2)) AS total_cost,
    MIN(t.treatment_cost) AS min_cost,
    MAX(t.treatment_cost) AS max_cost,
    CAST(AVG(t.treatment_cost) AS DECIMAL(18, 2)) AS avg_cost
FROM gold.fact_treatments t
GROUP BY t.source, t.treatment_type
