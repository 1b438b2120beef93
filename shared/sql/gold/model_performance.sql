-- name: model_performance
-- version: 1
-- description: Predictions beside the outcomes that came later, by week of the appointments and version of the model.
-- grain: one row per source, model version and week with predictions whose outcome is known
-- owner: operations
-- materialised: no
-- source: the last prediction of each version for an appointment, and the outcome of gold.appointment_features. The AUROC is
--   the chance that a missed appointment has a higher probability than a kept one, ties half (Mann and Whitney 1947); the
--   Brier score is the mean squared difference of probability and outcome
-- column source: sender
-- column model_version: version of the source's model
-- column week_start: Monday of the appointments' ISO week
-- column appointments: appointments with a prediction and an outcome
-- column no_shows: of them: missed
-- column expected_no_shows: sum of their probabilities
-- column no_show_rate: no_shows / appointments [0-1]
-- column auroc: area under the ROC curve, NULL without a missed and a kept one [0-1]
-- column brier_score: Brier score [0-1]
-- column predicted_no_shows: appointments whose probability reached the threshold
-- column caught_no_shows: of those: missed
WITH newest AS (
    SELECT p.source, p.model_version, p.appointment_id, MAX(p.prediction_date) AS prediction_date
    FROM gold.appointment_predictions p
    GROUP BY p.source, p.model_version, p.appointment_id
),
outcomes AS (
    SELECT
        p.source,
        p.model_version,
        date_trunc('week', p.appointment_date) AS week_start,
        p.no_show_probability,
        p.prediction,
        CASE WHEN f.no_show THEN 1 ELSE 0 END AS missed
    FROM gold.appointment_predictions p
    JOIN newest n
        ON n.source = p.source
        AND n.model_version = p.model_version
        AND n.appointment_id = p.appointment_id
        AND n.prediction_date = p.prediction_date
    JOIN gold.appointment_features f
        ON f.source = p.source AND f.appointment_id = p.appointment_id AND f.appointment_date = p.appointment_date
    WHERE f.no_show IS NOT NULL
),
-- Rows of equal probability share the mean of their ranks.
ranked AS (
    SELECT
        o.source,
        o.model_version,
        o.week_start,
        o.no_show_probability,
        o.prediction,
        o.missed,
        RANK() OVER (PARTITION BY o.source, o.model_version, o.week_start ORDER BY o.no_show_probability)
            + (COUNT(*) OVER (PARTITION BY o.source, o.model_version, o.week_start, o.no_show_probability) - 1) / 2.0E0
            AS place
    FROM outcomes o
)
SELECT
    r.source,
    r.model_version,
    r.week_start,
    COUNT(*) AS appointments,
    SUM(r.missed) AS no_shows,
    SUM(r.no_show_probability) AS expected_no_shows,
    AVG(CAST(r.missed AS DOUBLE)) AS no_show_rate,
    CAST(
        (SUM(CASE WHEN r.missed = 1 THEN r.place ELSE 0 END) - SUM(r.missed) * (SUM(r.missed) + 1) / 2.0E0)
        / NULLIF(SUM(r.missed) * (COUNT(*) - SUM(r.missed)), 0) AS DOUBLE
    ) AS auroc,
    AVG((r.no_show_probability - r.missed) * (r.no_show_probability - r.missed)) AS brier_score,
    COUNT(CASE WHEN r.prediction THEN 1 END) AS predicted_no_shows,
    COUNT(CASE WHEN r.prediction AND r.missed = 1 THEN 1 END) AS caught_no_shows
FROM ranked r
GROUP BY r.source, r.model_version, r.week_start
