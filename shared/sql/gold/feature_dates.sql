-- name: feature_dates
-- version: 1
-- description: The as-of dates for which patient_feature_store has rows.
-- grain: one row per source and date
-- owner: data-science
-- materialised: no
-- source: the as-of day, and the first day of its month and of the eleven months before. What is known before the first
--    of a month is what was known at the end of the month before it. A lake that wants other dates replaces this file
-- column source: sender of clinical data
-- column as_of_date: day before which facts are known
SELECT DISTINCT
    s.source,
    CAST(
        CASE WHEN n.months = 1 THEN a.as_of_date ELSE date_add('month', n.months, date_trunc('month', a.as_of_date)) END
        AS DATE
    ) AS as_of_date
FROM silver.sources s
CROSS JOIN gold.as_of a
CROSS JOIN (VALUES (1), (0), (-1), (-2), (-3), (-4), (-5), (-6), (-7), (-8), (-9), (-10), (-11)) AS n (months)
WHERE s.area = 'clinical'
