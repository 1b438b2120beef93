-- name: no_show_risk_by_day
-- version: 1
-- description: Expected missed appointments of each practitioner on each day to come, by the newest predictions of the source.
-- grain: one row per source, appointment day and practitioner
-- owner: operations
-- materialised: no
-- source: gold.appointment_predictions of the source's newest prediction_date; the expectation is the sum of probabilities
-- column source: sender
-- column prediction_date: as-of day of the predictions
-- column appointment_date: day of the appointments
-- column practitioner_id: practitioner who is booked, NULL where the sender names none
-- column practitioner_name: full name of the practitioner, NULL when not known
-- column appointments: upcoming appointments
-- column expected_no_shows: sum of the probabilities
-- column expected_no_show_rate: expected_no_shows / appointments [0-1]
-- column high_risk: appointments of the band high
-- column predicted_no_shows: appointments whose probability reaches the threshold
SELECT
    p.source,
    p.prediction_date,
    p.appointment_date,
    p.practitioner_id,
    d.full_name AS practitioner_name,
    COUNT(*) AS appointments,
    SUM(p.no_show_probability) AS expected_no_shows,
    AVG(p.no_show_probability) AS expected_no_show_rate,
    COUNT(CASE WHEN p.risk_band = 'high' THEN 1 END) AS high_risk,
    COUNT(CASE WHEN p.prediction THEN 1 END) AS predicted_no_shows
FROM gold.appointment_predictions p
JOIN (
    SELECT n.source, MAX(n.prediction_date) AS prediction_date
    FROM gold.appointment_predictions n
    GROUP BY n.source
) newest
    ON newest.source = p.source AND newest.prediction_date = p.prediction_date
LEFT JOIN silver.practitioners d
    ON d.source = p.source AND d.practitioner_id = p.practitioner_id
GROUP BY p.source, p.prediction_date, p.appointment_date, p.practitioner_id, d.full_name
