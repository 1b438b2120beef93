-- name: doctor_performance
-- version: 1
-- description: Visits, treatments and cost of every doctor, with zeros for doctors without any.
-- grain: one row per source and doctor
-- owner: analytics
-- materialised: no
-- source: star schema: all doctors, their visits and the treatments of those visits
-- column source: sender
-- column doctor_id: identifier of the doctor
-- column doctor_name: full name of the doctor
-- column department: department the doctor belongs to
-- column total_cost: sum of treatment_cost, 0 without treatments [USD]
-- column num_treatments: number of treatments
-- column avg_cost: mean treatment_cost per treatment, NULL without treatments [USD]
-- column num_visits: number of visits, counted on the visits themselves
WITH visits AS (
    SELECT
        v.source,
        v.doctor_id,
        COUNT(*) AS num_visits
    FROM gold.dim_visits v
    GROUP BY v.source, v.doctor_id
),
costs AS (
    SELECT
        v.source,
        v.doctor_id,
        COUNT(*) AS num_treatments,
        SUM(t.treatment_cost) AS total_cost,
        AVG(t.treatment_cost) AS avg_cost
    FROM gold.fact_treatments t
    JOIN gold.dim_visits v
        ON v.source = t.source AND v.visit_id = t.visit_id
    GROUP BY v.source, v.doctor_id
)
SELECT
    d.source,
    d.doctor_id,
    d.doctor_name,
    d.department,
    CAST(COALESCE(c.total_cost, 0) AS DECIMAL(18, 2)) AS total_cost,
    COALESCE(c.num_treatments, 0) AS num_treatments,
    CAST(c.avg_cost AS DECIMAL(18, 2)) AS avg_cost,
    COALESCE(v.num_visits, 0) AS num_visits
FROM gold.dim_doctors d
LEFT JOIN visits v
    ON v.source = d.source AND v.doctor_id = d.doctor_id
LEFT JOIN costs c
    ON c.source = d.source AND c.doctor_id = d.doctor_id
