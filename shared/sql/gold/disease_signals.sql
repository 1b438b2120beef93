-- name: disease_signals
-- version: 1
-- description: The EARS statistics C1, C2 and C3 of each disease and region on the days on which they can be raised.
-- grain: one row per source, region, condition code and complete day with a case on it or one of the two days before
-- owner: public-health
-- materialised: delta
-- partition_by: source
-- source: CDC Early Aberration Reporting System on daily numbers of patients diagnosed. C1: baseline t-7 to t-1; C2:
--    baseline t-9 to t-3; each (count - mean) / standard deviation of the sample, at least 0.5. C3: sum over t, t-1, t-2
--    of max(0, C2 - 1). A day is complete when the source has an encounter or a condition on it; a day that is not is
--    missing, not zero, and a baseline needs at least 4 complete days
-- measure: surveillance
-- exclusion not_a_disorder: findings and situations, such as employment
-- exclusion incomplete_day: days on which the source has no encounter and no condition
-- column source: sender
-- column region: county of the patient, the state without one, or All
-- column code: code of the condition
-- column day: the day t
-- column cases: distinct patients diagnosed on the day
-- column baseline_days: complete days among t-7 to t-1
-- column c1: statistic C1, NULL when the baseline is too short
-- column c2: statistic C2, NULL when the baseline is too short
-- column c3: statistic C3, NULL when C2 is
WITH counts AS (
    SELECT
        c.source,
        CASE WHEN w.which = 0 THEN 'All' ELSE COALESCE(p.county, p.state, 'Unknown') END AS region,
        c.code,
        c.start_date AS day,
        COUNT(DISTINCT c.patient_id) AS cases
    FROM silver.conditions c
    JOIN silver.sources s
        ON s.source = c.source AND s.feed = c.feed AND s.area = 'clinical'
    JOIN gold.condition_names n
        ON n.source = c.source AND n.code = c.code AND n.is_disorder
    LEFT JOIN silver.patients p
        ON p.source = c.source AND p.patient_id = c.patient_id
    CROSS JOIN gold.as_of a
    CROSS JOIN (VALUES (0), (1)) AS w (which)
    WHERE c.start_date <= a.as_of_date
    GROUP BY
        c.source,
        CASE WHEN w.which = 0 THEN 'All' ELSE COALESCE(p.county, p.state, 'Unknown') END,
        c.code,
        c.start_date
),
offsets AS (
    SELECT o.days
    FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS o (days)
),
series AS (
    SELECT
        c.source,
        c.region,
        c.code,
        date_add('day', o.days, c.day) AS day,
        SUM(CASE WHEN o.days = 0 THEN c.cases ELSE 0 END) AS cases,
        CAST(SUM(CASE WHEN o.days BETWEEN 1 AND 7 THEN c.cases ELSE 0 END) AS DOUBLE) AS sum_1,
        CAST(SUM(CASE WHEN o.days BETWEEN 1 AND 7 THEN c.cases * c.cases ELSE 0 END) AS DOUBLE) AS squares_1,
        CAST(SUM(CASE WHEN o.days BETWEEN 3 AND 9 THEN c.cases ELSE 0 END) AS DOUBLE) AS sum_2,
        CAST(SUM(CASE WHEN o.days BETWEEN 3 AND 9 THEN c.cases * c.cases ELSE 0 END) AS DOUBLE) AS squares_2
    FROM counts c
    CROSS JOIN offsets o
    GROUP BY c.source, c.region, c.code, date_add('day', o.days, c.day)
    HAVING MIN(o.days) <= 2
),
complete_days AS (
    SELECT e.source, e.encounter_date AS day
    FROM silver.encounters e
    JOIN silver.sources s
        ON s.source = e.source AND s.feed = e.feed AND s.area = 'clinical'
    UNION
    SELECT c.source, c.start_date AS day
    FROM silver.conditions c
    JOIN silver.sources s
        ON s.source = c.source AND s.feed = c.feed AND s.area = 'clinical'
),
baselines AS (
    SELECT
        d.source,
        date_add('day', o.days, d.day) AS day,
        SUM(CASE WHEN o.days BETWEEN 1 AND 7 THEN 1 ELSE 0 END) AS days_1,
        SUM(CASE WHEN o.days BETWEEN 3 AND 9 THEN 1 ELSE 0 END) AS days_2
    FROM complete_days d
    CROSS JOIN offsets o
    WHERE d.day IS NOT NULL
    GROUP BY d.source, date_add('day', o.days, d.day)
    HAVING MIN(o.days) = 0
),
statistics AS (
    SELECT
        s.source,
        s.region,
        s.code,
        s.day,
        s.cases,
        b.days_1,
        CASE WHEN b.days_1 >= 4 THEN
            (s.cases - s.sum_1 / b.days_1)
            / GREATEST(0.5E0, SQRT(GREATEST(0.0E0, (s.squares_1 - s.sum_1 * s.sum_1 / b.days_1) / (b.days_1 - 1))))
        END AS c1,
        CASE WHEN b.days_2 >= 4 THEN
            (s.cases - s.sum_2 / b.days_2)
            / GREATEST(0.5E0, SQRT(GREATEST(0.0E0, (s.squares_2 - s.sum_2 * s.sum_2 / b.days_2) / (b.days_2 - 1))))
        END AS c2
    FROM series s
    JOIN baselines b
        ON b.source = s.source AND b.day = s.day
),
excesses AS (
    SELECT
        t.source,
        t.region,
        t.code,
        t.day,
        t.cases,
        t.days_1,
        t.c1,
        t.c2,
        GREATEST(0.0E0, COALESCE(t.c2, 0.0E0) - 1) AS excess,
        LAG(t.day, 1) OVER (PARTITION BY t.source, t.region, t.code ORDER BY t.day) AS day_before,
        LAG(GREATEST(0.0E0, COALESCE(t.c2, 0.0E0) - 1), 1) OVER (
            PARTITION BY t.source, t.region, t.code ORDER BY t.day
        ) AS excess_before,
        LAG(t.day, 2) OVER (PARTITION BY t.source, t.region, t.code ORDER BY t.day) AS second_before,
        LAG(GREATEST(0.0E0, COALESCE(t.c2, 0.0E0) - 1), 2) OVER (
            PARTITION BY t.source, t.region, t.code ORDER BY t.day
        ) AS second_excess
    FROM statistics t
)
SELECT
    x.source,
    x.region,
    x.code,
    x.day,
    x.cases,
    x.days_1 AS baseline_days,
    x.c1,
    x.c2,
    CASE WHEN x.c2 IS NOT NULL THEN
        x.excess
        + CASE WHEN x.day_before >= date_add('day', -2, x.day) THEN x.excess_before ELSE 0.0E0 END
        + CASE WHEN x.second_before >= date_add('day', -2, x.day) THEN x.second_excess ELSE 0.0E0 END
    END AS c3
FROM excesses x
