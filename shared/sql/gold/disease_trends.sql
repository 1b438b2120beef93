-- name: disease_trends
-- version: 1
-- description: New cases, patients and prevalence of each condition and named cohort by week and month.
-- grain: one row per source, kind, code, period and its start, for periods in which the code was recorded
-- owner: public-health
-- materialised: delta
-- partition_by: source
-- source: new cases are patients whose first diagnosis lies in the period; prevalence is the share of the living patients
--    of the source who have the condition at the end of the period (begun and not ended). A week is an ISO week. Named
--    cohorts are the list codes.named_cohorts; a patient with two codes of a cohort is one case of it
-- measure: surveillance
-- exclusion unknown_patient: conditions of patients whom the source did not send
-- exclusion future: conditions that start after the as-of day
-- column source: sender
-- column kind: code or cohort
-- column code: code of the condition, or name of the cohort
-- column condition: most frequent text of the code, or name of the cohort
-- column is_disorder: whether it is a disease and not a finding or situation
-- column period: week or month
-- column period_start: first day of the period
-- column new_cases: patients with their first diagnosis in the period
-- column patients: distinct patients with a diagnosis in the period
-- column active_patients: patients who have the condition at the end of the period
-- column population: patients of the source alive at the end of the period
-- column prevalence: active_patients / population, NULL without any [0-1]
WITH diagnoses AS (
    SELECT
        c.source,
        c.patient_id,
        c.code,
        c.start_date,
        GREATEST(c.start_date, COALESCE(p.birth_date, c.start_date)) AS active_from,
        LEAST(
            CASE
                WHEN c.stop_date IS NULL THEN DATE '9999-12-31'
                WHEN c.stop_date < c.start_date THEN c.start_date
                ELSE c.stop_date
            END,
            COALESCE(p.death_date, DATE '9999-12-31')
        ) AS active_to
    FROM silver.conditions c
    JOIN silver.sources s
        ON s.source = c.source AND s.feed = c.feed AND s.area = 'clinical'
    JOIN silver.patients p
        ON p.source = c.source AND p.patient_id = c.patient_id
    CROSS JOIN gold.as_of a
    WHERE c.start_date <= a.as_of_date AND c.code IS NOT NULL
),
named AS (
    SELECT d.source, 'code' AS kind, d.code, d.patient_id, d.start_date, d.active_from, d.active_to
    FROM diagnoses d
    UNION ALL
    SELECT d.source, 'cohort' AS kind, k.cohort AS code, d.patient_id, d.start_date, d.active_from, d.active_to
    FROM diagnoses d
    JOIN codes.named_cohorts k ON k.code = d.code
),
ordered AS (
    SELECT
        n.source,
        n.kind,
        n.code,
        n.patient_id,
        n.start_date,
        n.active_from,
        n.active_to,
        ROW_NUMBER() OVER (PARTITION BY n.source, n.kind, n.code, n.patient_id ORDER BY n.start_date) AS occurrence,
        MAX(n.active_to) OVER (
            PARTITION BY n.source, n.kind, n.code, n.patient_id
            ORDER BY n.active_from, n.active_to
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS active_before
    FROM named n
),
-- A row adds the days on which it is active and no earlier row of the patient is.
changes AS (
    SELECT
        o.source,
        o.kind,
        o.code,
        o.patient_id,
        o.start_date AS day,
        1 AS recorded,
        CASE WHEN o.occurrence = 1 THEN 1 ELSE 0 END AS new_cases,
        0 AS active
    FROM ordered o
    UNION ALL
    SELECT
        o.source,
        o.kind,
        o.code,
        NULL AS patient_id,
        CASE
            WHEN w.which = 1 THEN GREATEST(o.active_from, COALESCE(o.active_before, o.active_from))
            ELSE o.active_to
        END AS day,
        0 AS recorded,
        0 AS new_cases,
        w.which AS active
    FROM ordered o
    CROSS JOIN (VALUES (1), (-1)) AS w (which)
    WHERE GREATEST(o.active_from, COALESCE(o.active_before, o.active_from)) < o.active_to
        AND (w.which = 1 OR o.active_to < DATE '9999-12-31')
),
per_period AS (
    SELECT
        c.source,
        c.kind,
        c.code,
        w.period,
        CAST(CASE w.period
            WHEN 'week' THEN date_trunc('week', c.day)
            ELSE date_trunc('month', c.day)
        END AS DATE) AS period_start,
        SUM(c.recorded) AS recorded,
        SUM(c.new_cases) AS new_cases,
        COUNT(DISTINCT c.patient_id) AS patients,
        SUM(c.active) AS active
    FROM changes c
    CROSS JOIN (VALUES ('week'), ('month')) AS w (period)
    GROUP BY
        c.source,
        c.kind,
        c.code,
        w.period,
        CAST(CASE w.period
            WHEN 'week' THEN date_trunc('week', c.day)
            ELSE date_trunc('month', c.day)
        END AS DATE)
),
running AS (
    SELECT
        p.source,
        p.kind,
        p.code,
        p.period,
        p.period_start,
        p.recorded,
        p.new_cases,
        p.patients,
        SUM(p.active) OVER (
            PARTITION BY p.source, p.kind, p.code, p.period
            ORDER BY p.period_start
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS active_patients
    FROM per_period p
),
lives AS (
    SELECT p.source, COALESCE(p.birth_date, DATE '1800-01-01') AS day, 1 AS change
    FROM silver.patients p
    UNION ALL
    SELECT p.source, p.death_date AS day, -1 AS change
    FROM silver.patients p
    WHERE p.death_date IS NOT NULL
    UNION ALL
    SELECT DISTINCT c.source, c.start_date AS day, 0 AS change
    FROM silver.conditions c
    WHERE c.start_date IS NOT NULL
),
people AS (
    SELECT
        l.source,
        w.period,
        CAST(CASE w.period
            WHEN 'week' THEN date_trunc('week', l.day)
            ELSE date_trunc('month', l.day)
        END AS DATE) AS period_start,
        SUM(l.change) AS change
    FROM lives l
    CROSS JOIN (VALUES ('week'), ('month')) AS w (period)
    GROUP BY
        l.source,
        w.period,
        CAST(CASE w.period
            WHEN 'week' THEN date_trunc('week', l.day)
            ELSE date_trunc('month', l.day)
        END AS DATE)
),
populations AS (
    SELECT
        p.source,
        p.period,
        p.period_start,
        SUM(p.change) OVER (
            PARTITION BY p.source, p.period
            ORDER BY p.period_start
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS population
    FROM people p
)
SELECT
    r.source,
    r.kind,
    r.code,
    COALESCE(n.condition, r.code) AS condition,
    COALESCE(n.is_disorder, TRUE) AS is_disorder,
    r.period,
    r.period_start,
    r.new_cases,
    r.patients,
    r.active_patients,
    p.population,
    CASE WHEN p.population > 0 THEN CAST(r.active_patients AS DOUBLE) / p.population END AS prevalence
FROM running r
JOIN populations p
    ON p.source = r.source AND p.period = r.period AND p.period_start = r.period_start
LEFT JOIN gold.condition_names n
    ON n.source = r.source AND n.code = r.code AND r.kind = 'code'
WHERE r.recorded > 0
