-- name: overbooking_candidates
-- version: 1
-- description: Days of a practitioner on which at least one appointment will almost surely be missed, with the bookings that
--   may be added.
-- grain: one row per source, appointment day and known practitioner with a chance of a miss of 0.9 or more
-- owner: operations
-- materialised: no
-- source: gold.appointment_predictions of the source's newest prediction_date, misses taken as independent. The chance of a
--   miss is 1 less the product of (1 - probability); the deviation is the root of the sum of probability x (1 - probability);
--   extra bookings are the expectation less one deviation, rounded down, at least 1. Reminders come before overbooking: they
--   lower the probabilities that it rests on
-- column source: sender
-- column prediction_date: as-of day of the predictions
-- column appointment_date: day of the appointments
-- column practitioner_id: practitioner who is booked
-- column practitioner_name: full name of the practitioner, NULL when not known
-- column appointments: upcoming appointments
-- column expected_no_shows: sum of the probabilities
-- column no_shows_deviation: standard deviation of the number of missed appointments
-- column miss_probability: chance that at least one is missed [0-1]
-- column extra_bookings: bookings that may be added
WITH days AS (
    SELECT
        p.source,
        p.prediction_date,
        p.appointment_date,
        p.practitioner_id,
        COUNT(*) AS appointments,
        SUM(p.no_show_probability) AS expected_no_shows,
        SQRT(SUM(p.no_show_probability * (1 - p.no_show_probability))) AS no_shows_deviation,
        1 - EXP(SUM(LN(GREATEST(1 - p.no_show_probability, 1E-9)))) AS miss_probability
    FROM gold.appointment_predictions p
    JOIN (
        SELECT n.source, MAX(n.prediction_date) AS prediction_date
        FROM gold.appointment_predictions n
        GROUP BY n.source
    ) newest
        ON newest.source = p.source AND newest.prediction_date = p.prediction_date
    WHERE p.practitioner_id IS NOT NULL
    GROUP BY p.source, p.prediction_date, p.appointment_date, p.practitioner_id
)
SELECT
    t.source,
    t.prediction_date,
    t.appointment_date,
    t.practitioner_id,
    d.full_name AS practitioner_name,
    t.appointments,
    t.expected_no_shows,
    t.no_shows_deviation,
    t.miss_probability,
    GREATEST(CAST(FLOOR(t.expected_no_shows - t.no_shows_deviation) AS INTEGER), 1) AS extra_bookings
FROM days t
LEFT JOIN silver.practitioners d
    ON d.source = t.source AND d.practitioner_id = t.practitioner_id
WHERE t.miss_probability >= 0.9E0
