-- name: disease_alerts
-- version: 1
-- description: The days on which a disease is more frequent than its recent past, the strongest alerts first.
-- grain: one row per source, region, condition code and day with an alert of C1, C2 or C3
-- owner: public-health
-- materialised: no
-- source: disease_signals; alert at C1 > 3, C2 > 3 or C3 > 2 (codes.surveillance_methods). The rank goes by the greatest
--    ratio of a statistic to its threshold. Expected false alerts are the days with a statistic times the rate of false
--    alarms of the method on independent normal counts; rare diseases alert more often than that
-- measure: surveillance
-- exclusion no_baseline: days whose baseline has fewer than 4 complete days raise no alert
-- column source: sender
-- column alert_rank: 1 for the strongest alert of the source
-- column region: county of the patient, the state without one, or All
-- column code: code of the condition
-- column condition: most frequent text of the code
-- column day: the day
-- column cases: distinct patients diagnosed on the day
-- column c1: statistic C1
-- column c2: statistic C2
-- column c3: statistic C3
-- column is_c1_alert: whether C1 alerts
-- column is_c2_alert: whether C2 alerts
-- column is_c3_alert: whether C3 alerts
-- column strength: greatest ratio of a statistic to its threshold
-- column expected_false_alerts: alerts of any of the methods that the source would have by chance, the methods added up
WITH thresholds AS (
    SELECT
        MAX(CASE WHEN m.method = 'C1' THEN CAST(m.threshold AS DOUBLE) END) AS c1,
        MAX(CASE WHEN m.method = 'C2' THEN CAST(m.threshold AS DOUBLE) END) AS c2,
        MAX(CASE WHEN m.method = 'C3' THEN CAST(m.threshold AS DOUBLE) END) AS c3,
        MAX(CASE WHEN m.method = 'C1' THEN CAST(m.false_alert_rate AS DOUBLE) END) AS rate_1,
        MAX(CASE WHEN m.method = 'C2' THEN CAST(m.false_alert_rate AS DOUBLE) END) AS rate_2,
        MAX(CASE WHEN m.method = 'C3' THEN CAST(m.false_alert_rate AS DOUBLE) END) AS rate_3
    FROM codes.surveillance_methods m
),
chances AS (
    SELECT
        d.source,
        COUNT(d.c1) * MAX(t.rate_1) + COUNT(d.c2) * MAX(t.rate_2) + COUNT(d.c3) * MAX(t.rate_3) AS expected_false_alerts
    FROM gold.disease_signals d
    CROSS JOIN thresholds t
    GROUP BY d.source
),
alerts AS (
    SELECT
        d.source,
        d.region,
        d.code,
        d.day,
        d.cases,
        d.c1,
        d.c2,
        d.c3,
        COALESCE(d.c1 > t.c1, FALSE) AS is_c1_alert,
        COALESCE(d.c2 > t.c2, FALSE) AS is_c2_alert,
        COALESCE(d.c3 > t.c3, FALSE) AS is_c3_alert,
        GREATEST(COALESCE(d.c1 / t.c1, 0.0E0), COALESCE(d.c2 / t.c2, 0.0E0), COALESCE(d.c3 / t.c3, 0.0E0)) AS strength
    FROM gold.disease_signals d
    CROSS JOIN thresholds t
    WHERE d.c1 > t.c1 OR d.c2 > t.c2 OR d.c3 > t.c3
)
SELECT
    a.source,
    CAST(ROW_NUMBER() OVER (
        PARTITION BY a.source ORDER BY a.strength DESC, a.day DESC, a.code, a.region
    ) AS BIGINT) AS alert_rank,
    a.region,
    a.code,
    n.condition,
    a.day,
    a.cases,
    a.c1,
    a.c2,
    a.c3,
    a.is_c1_alert,
    a.is_c2_alert,
    a.is_c3_alert,
    a.strength,
    c.expected_false_alerts
FROM alerts a
JOIN chances c
    ON c.source = a.source
JOIN gold.condition_names n
    ON n.source = a.source AND n.code = a.code
