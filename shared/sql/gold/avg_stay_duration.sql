-- name: avg_stay_duration
-- version: 1
-- description: Length of inpatient stays by condition.
-- grain: one row per source and condition code
-- owner: quality
-- materialised: no
-- source: distinct acute stays (codes.stay_types) that carry the code or have it as their reason. los_days is discharge -
--    admission in calendar days, the same day 0 (HCUP); los_billing_days counts the same day as 1 (CMS)
-- measure: quality
-- exclusion no_discharge: stays whose end is not known
-- column source: sender
-- column code: code of the condition
-- column condition: text of the code, the code itself where no condition has it
-- column stays: stays measured
-- column avg_stay_days: mean of the exact time from admission to discharge, NULL without any [days]
-- column avg_los_days: mean of los_days, NULL without any [days]
-- column avg_los_billing_days: mean of los_billing_days, NULL without any [days]
-- column excluded_no_discharge: stays whose end is not known
WITH stays AS (
    SELECT
        e.source,
        e.encounter_id,
        e.reason_code,
        e.start_at,
        e.stop_at,
        date_diff('day', CAST(e.start_at AS DATE), CAST(e.stop_at AS DATE)) AS los_days
    FROM silver.encounters e
    JOIN silver.sources s
        ON s.source = e.source AND s.feed = e.feed AND s.area = 'clinical'
    JOIN codes.stay_types t
        ON t.encounter_class = e.encounter_class AND t.stay_type = 'acute'
),
carried AS (
    SELECT t.source, t.encounter_id, t.reason_code AS code FROM stays t WHERE t.reason_code IS NOT NULL
    UNION
    SELECT c.source, c.encounter_id, c.code
    FROM silver.conditions c
    JOIN stays t
        ON t.source = c.source AND t.encounter_id = c.encounter_id
    WHERE c.code IS NOT NULL
)
SELECT
    c.source,
    c.code,
    COALESCE(n.condition, c.code) AS condition,
    COUNT(t.stop_at) AS stays,
    AVG(CAST(date_diff('second', t.start_at, t.stop_at) AS DOUBLE) / 86400) AS avg_stay_days,
    AVG(CAST(t.los_days AS DOUBLE)) AS avg_los_days,
    AVG(CAST(CASE WHEN t.los_days = 0 THEN 1 ELSE t.los_days END AS DOUBLE)) AS avg_los_billing_days,
    COUNT(*) - COUNT(t.stop_at) AS excluded_no_discharge
FROM carried c
JOIN stays t
    ON t.source = c.source AND t.encounter_id = c.encounter_id
LEFT JOIN gold.condition_names n
    ON n.source = c.source AND n.code = c.code
GROUP BY c.source, c.code, COALESCE(n.condition, c.code)
