-- name: appointment_features
-- version: 1
-- description: What is known of each appointment before it takes place, and its outcome when that is known.
-- grain: one row per appointment of a source that was booked by the as-of day
-- owner: operations
-- materialised: delta
-- partition_by: source
-- sort_joins: patient_id
-- source: scheduling and noshow_vitoria feeds. An appointment counts as missed or kept when it is dated on the as-of day or
--   before, its record was not changed after that day, and its status is No-show, Completed or not given: missed when no_show
--   says so, else by the status. Cancelled and other appointments are neither. History is made of outcomes dated
--   strictly before the appointment's day. A smoothed rate is (missed + prior x weight) / (missed + kept + weight): of a
--   patient with prior 0.2 and weight 2; of practitioner, specialty and neighbourhood with the source's rate to that day as
--   prior and weights 20, 20 and 50; the source's own with prior 0.2 and weight 10. A patient with more than 1,000
--   appointments is a placeholder and has no history. A booking is known when it was made before the appointment's
--   day, or, for an appointment booked on its own day, not after it
-- column source: sender
-- column appointment_id: identifier of the appointment
-- column patient_id: pseudonym of the patient
-- column practitioner_id: identifier of the practitioner, NULL when there is none
-- column appointment_date: day of the appointment
-- column appointment_time: start of the appointment, NULL where the sender knows only the day [UTC]
-- column status: status as known on the as-of day: Scheduled, Completed, Cancelled, No-show, or as sent
-- column patient_age: completed years on the appointment's day, else as sent; NULL when negative or over 110 [years]
-- column patient_gender: M, F, Other or Unknown
-- column race: race of the patient, NULL where the sender does not say
-- column insurance_provider: insurer of the patient, Uninsured without one, NULL where the sender sends no insurers
-- column specialty: specialty of the practitioner
-- column neighbourhood: neighbourhood of the appointment, else city of the patient
-- column reason: reason of the appointment
-- column duration_minutes: planned length [minutes]
-- column appointment_lead_days: day of the appointment less the day of booking; negative for one that was entered later [days]
-- column same_day: whether it was booked on its own day or entered later
-- column day_of_week: English name of the appointment's day
-- column is_weekend: whether the appointment's day is a Saturday or Sunday
-- column appointment_hour: hour of the appointment's start, NULL where the sender knows only the day [0-23, UTC]
-- column season: spring, summer, autumn or winter in the source's hemisphere, by calendar months from March
-- column scheduling_hour: hour of the booking, minutes as a fraction [0-24, UTC]
-- column scheduling_day_of_week: English name of the booking's day
-- column reminder_sent: whether a reminder was sent
-- column scholarship: whether the patient is in a welfare programme
-- column hypertension: whether the patient has hypertension
-- column diabetes: whether the patient has diabetes
-- column alcoholism: whether the patient has alcoholism
-- column disability: number of disabilities, 0 to 4
-- column previous_appointments: earlier appointments of the patient that were kept or missed
-- column previous_no_shows: earlier appointments of the patient that were missed
-- column no_show_rate: previous_no_shows / previous_appointments, NULL without any [0-1]
-- column patient_no_show_rate: smoothed rate of the patient's earlier appointments [0-1]
-- column days_since_last_visit: days since the patient's last appointment with an outcome, NULL without one [days]
-- column last_outcome: kept or missed: the patient's last appointment with an outcome; missed when any of that day was
-- column practitioner_no_show_rate: smoothed rate of the practitioner's earlier appointments, NULL without a practitioner [0-1]
-- column specialty_no_show_rate: smoothed rate of the specialty's earlier appointments, NULL without a specialty [0-1]
-- column neighbourhood_no_show_rate: smoothed rate of the neighbourhood's earlier appointments, NULL without one [0-1]
-- column same_day_bookings: known other bookings of the patient for the same day
-- column same_booking_day_bookings: known other bookings of the patient made on the same day
-- column known_bookings: known other bookings of the patient, past and to come
-- column open_bookings: other bookings of the patient made before this one for its day or later
-- column days_to_next_appointment: days to the patient's next known appointment, NULL without one [days]
-- column days_since_last_booking: days from the patient's booking before this one to this one, NULL without one [days]
-- column no_show: whether the patient missed the appointment; NULL when cancelled or not known on the as-of day
WITH booked AS (
    SELECT
        a.source,
        a.appointment_id,
        a.patient_id,
        a.practitioner_id,
        a.appointment_date,
        a.appointment_time,
        a.scheduled_at,
        CAST(a.scheduled_at AS DATE) AS booking_date,
        a.duration_minutes,
        a.reason,
        CASE
            WHEN a.status = 'Cancelled' AND CAST(a.updated_at AS DATE) > o.as_of_date THEN 'Scheduled'
            WHEN a.status IN ('Completed', 'No-show') AND a.appointment_date > o.as_of_date THEN 'Scheduled'
            WHEN a.status IN ('Completed', 'No-show') AND CAST(a.updated_at AS DATE) > o.as_of_date THEN 'Scheduled'
            WHEN a.status IS NOT NULL THEN a.status
            WHEN a.no_show IS NULL OR a.appointment_date > o.as_of_date THEN 'Scheduled'
            WHEN a.no_show THEN 'No-show'
            ELSE 'Completed'
        END AS status,
        CASE
            WHEN a.appointment_date > o.as_of_date OR CAST(a.updated_at AS DATE) > o.as_of_date THEN NULL
            WHEN a.status IS NOT NULL AND a.status NOT IN ('Completed', 'No-show') THEN NULL
            WHEN COALESCE(a.no_show, a.status = 'No-show') THEN 1
            WHEN NOT COALESCE(a.no_show, a.status = 'No-show') THEN 0
        END AS missed,
        a.patient_age,
        a.patient_gender,
        a.neighbourhood,
        a.scholarship,
        a.hypertension,
        a.diabetes,
        a.alcoholism,
        a.disability,
        a.reminder_sent
    FROM silver.appointments a
    JOIN silver.sources s
        ON s.source = a.source AND s.feed = a.feed AND s.area = 'appointments'
    CROSS JOIN gold.as_of o
    WHERE a.appointment_date IS NOT NULL
        AND (a.scheduled_at IS NULL OR CAST(a.scheduled_at AS DATE) <= o.as_of_date)
),
insuring AS (
    SELECT p.source
    FROM silver.patients p
    GROUP BY p.source
    HAVING COUNT(p.insurance_provider) > 0
),
-- Of each day of a key: outcomes known and missed. The sums below end with the day before.
source_days AS (
    SELECT b.source, b.appointment_date, COUNT(b.missed) AS known, COALESCE(SUM(b.missed), 0) AS missed
    FROM booked b
    GROUP BY b.source, b.appointment_date
),
source_history AS (
    SELECT
        t.source,
        t.appointment_date,
        (COALESCE(SUM(t.missed) OVER earlier, 0) + 0.2E0 * 10) / (COALESCE(SUM(t.known) OVER earlier, 0) + 10) AS rate
    FROM source_days t
    WINDOW earlier AS (
        PARTITION BY t.source ORDER BY t.appointment_date ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
),
practitioner_days AS (
    SELECT b.source, b.practitioner_id, b.appointment_date, COUNT(b.missed) AS known, SUM(b.missed) AS missed
    FROM booked b
    WHERE b.practitioner_id IS NOT NULL
    GROUP BY b.source, b.practitioner_id, b.appointment_date
),
practitioner_history AS (
    SELECT
        t.source,
        t.practitioner_id,
        t.appointment_date,
        COALESCE(SUM(t.known) OVER earlier, 0) AS known,
        COALESCE(SUM(t.missed) OVER earlier, 0) AS missed
    FROM practitioner_days t
    WINDOW earlier AS (
        PARTITION BY t.source, t.practitioner_id
        ORDER BY t.appointment_date
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
),
specialty_days AS (
    SELECT t.source, d.specialty, t.appointment_date, SUM(t.known) AS known, SUM(t.missed) AS missed
    FROM practitioner_days t
    JOIN silver.practitioners d
        ON d.source = t.source AND d.practitioner_id = t.practitioner_id
    WHERE d.specialty IS NOT NULL
    GROUP BY t.source, d.specialty, t.appointment_date
),
specialty_history AS (
    SELECT
        t.source,
        t.specialty,
        t.appointment_date,
        COALESCE(SUM(t.known) OVER earlier, 0) AS known,
        COALESCE(SUM(t.missed) OVER earlier, 0) AS missed
    FROM specialty_days t
    WINDOW earlier AS (
        PARTITION BY t.source, t.specialty
        ORDER BY t.appointment_date
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
),
neighbourhood_days AS (
    SELECT
        b.source,
        COALESCE(b.neighbourhood, p.city) AS neighbourhood,
        b.appointment_date,
        COUNT(b.missed) AS known,
        SUM(b.missed) AS missed
    FROM booked b
    LEFT JOIN silver.patients p
        ON p.source = b.source AND p.patient_id = b.patient_id
    GROUP BY b.source, COALESCE(b.neighbourhood, p.city), b.appointment_date
),
neighbourhood_history AS (
    SELECT
        t.source,
        t.neighbourhood,
        t.appointment_date,
        COALESCE(SUM(t.known) OVER earlier, 0) AS known,
        COALESCE(SUM(t.missed) OVER earlier, 0) AS missed
    FROM neighbourhood_days t
    WINDOW earlier AS (
        PARTITION BY t.source, t.neighbourhood
        ORDER BY t.appointment_date
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
),
-- An identifier with more appointments than a person can have stands for nobody: it has no history.
persons AS (
    SELECT b.source, b.patient_id
    FROM booked b
    GROUP BY b.source, b.patient_id
    HAVING COUNT(*) <= 1000
),
-- Each appointment beside the others of the same patient: outcomes of earlier days, and bookings that are known.
patient_history AS (
    SELECT
        b.source,
        b.patient_id,
        b.appointment_id,
        COUNT(CASE WHEN o.appointment_date < b.appointment_date THEN o.missed END) AS known,
        SUM(CASE WHEN o.appointment_date < b.appointment_date THEN o.missed END) AS missed,
        MAX(CASE WHEN o.appointment_date < b.appointment_date AND o.missed IS NOT NULL THEN o.appointment_date END)
            AS last_visit,
        MAX(
            CASE
                WHEN o.appointment_date < b.appointment_date
                    THEN date_diff('day', DATE '1970-01-01', o.appointment_date) * 2 + o.missed
            END
        ) AS last_day_and_outcome,
        COUNT(CASE WHEN o.appointment_date = b.appointment_date THEN 1 END) AS same_day,
        COUNT(CASE WHEN o.booking_date = b.booking_date THEN 1 END) AS made_together,
        COUNT(*) AS bookings,
        COUNT(CASE WHEN o.scheduled_at <= b.scheduled_at AND o.appointment_date >= b.appointment_date THEN 1 END)
            AS open_bookings,
        MIN(CASE WHEN o.appointment_date > b.appointment_date THEN o.appointment_date END) AS next_day,
        MAX(CASE WHEN o.scheduled_at < b.scheduled_at THEN o.scheduled_at END) AS booking_before
    FROM booked b
    JOIN persons n
        ON n.source = b.source AND n.patient_id = b.patient_id
    JOIN booked o
        ON o.source = b.source AND o.patient_id = b.patient_id
    WHERE o.appointment_id <> b.appointment_id
        AND (
            o.appointment_date < b.appointment_date
            OR o.booking_date < b.appointment_date
            OR o.scheduled_at <= b.scheduled_at
        )
    GROUP BY b.source, b.patient_id, b.appointment_id
),
described AS (
    SELECT
        b.source,
        b.appointment_id,
        b.patient_id,
        b.practitioner_id,
        b.appointment_date,
        b.appointment_time,
        b.scheduled_at,
        b.booking_date,
        b.status,
        CASE
            WHEN p.birth_date <= b.appointment_date
                THEN CAST(date_diff('year', p.birth_date, b.appointment_date) AS INTEGER)
            WHEN p.birth_date IS NULL THEN b.patient_age
        END AS age,
        COALESCE(b.patient_gender, p.gender) AS gender,
        p.race,
        CASE WHEN i.source IS NOT NULL THEN COALESCE(p.insurance_provider, 'Uninsured') END AS insurance_provider,
        d.specialty,
        COALESCE(b.neighbourhood, p.city) AS neighbourhood,
        b.reason,
        b.duration_minutes,
        CAST(date_diff('day', b.booking_date, b.appointment_date) AS INTEGER) AS lead_days,
        (month(b.appointment_date) + CASE WHEN h.hemisphere = 'southern' THEN 6 ELSE 0 END) % 12 AS northern_month,
        b.reminder_sent,
        b.scholarship,
        b.hypertension,
        b.diabetes,
        b.alcoholism,
        b.disability,
        b.missed
    FROM booked b
    LEFT JOIN silver.patients p
        ON p.source = b.source AND p.patient_id = b.patient_id
    LEFT JOIN silver.practitioners d
        ON d.source = b.source AND d.practitioner_id = b.practitioner_id
    LEFT JOIN insuring i
        ON i.source = b.source
    LEFT JOIN gold.source_hemispheres h
        ON h.source = b.source
)
SELECT
    t.source,
    t.appointment_id,
    t.patient_id,
    t.practitioner_id,
    t.appointment_date,
    t.appointment_time,
    t.status,
    CASE WHEN t.age BETWEEN 0 AND 110 THEN t.age END AS patient_age,
    CASE WHEN t.gender IN ('M', 'F', 'Other') THEN t.gender ELSE 'Unknown' END AS patient_gender,
    t.race,
    t.insurance_provider,
    t.specialty,
    t.neighbourhood,
    t.reason,
    t.duration_minutes,
    t.lead_days AS appointment_lead_days,
    t.lead_days <= 0 AS same_day,
    date_format(t.appointment_date, '%W') AS day_of_week,
    day_of_week(t.appointment_date) IN (6, 7) AS is_weekend,
    CAST(hour(t.appointment_time) AS INTEGER) AS appointment_hour,
    CASE
        WHEN t.northern_month BETWEEN 3 AND 5 THEN 'spring'
        WHEN t.northern_month BETWEEN 6 AND 8 THEN 'summer'
        WHEN t.northern_month BETWEEN 9 AND 11 THEN 'autumn'
        ELSE 'winter'
    END AS season,
    CAST(hour(t.scheduled_at) * 60 + minute(t.scheduled_at) AS DOUBLE) / 60 AS scheduling_hour,
    date_format(t.booking_date, '%W') AS scheduling_day_of_week,
    t.reminder_sent,
    t.scholarship,
    t.hypertension,
    t.diabetes,
    t.alcoholism,
    t.disability,
    CAST(COALESCE(ph.known, 0) AS INTEGER) AS previous_appointments,
    CAST(COALESCE(ph.missed, 0) AS INTEGER) AS previous_no_shows,
    CASE WHEN ph.known > 0 THEN CAST(ph.missed AS DOUBLE) / ph.known END AS no_show_rate,
    CAST((COALESCE(ph.missed, 0) + 2 * 0.2E0) / (COALESCE(ph.known, 0) + 2) AS DOUBLE) AS patient_no_show_rate,
    CAST(date_diff('day', ph.last_visit, t.appointment_date) AS INTEGER) AS days_since_last_visit,
    CASE ph.last_day_and_outcome % 2 WHEN 1 THEN 'missed' WHEN 0 THEN 'kept' END AS last_outcome,
    CAST((dh.missed + 20 * sh.rate) / (dh.known + 20) AS DOUBLE) AS practitioner_no_show_rate,
    CAST((kh.missed + 20 * sh.rate) / (kh.known + 20) AS DOUBLE) AS specialty_no_show_rate,
    CAST((nh.missed + 50 * sh.rate) / (nh.known + 50) AS DOUBLE) AS neighbourhood_no_show_rate,
    CAST(COALESCE(ph.same_day, 0) AS INTEGER) AS same_day_bookings,
    CAST(COALESCE(ph.made_together, 0) AS INTEGER) AS same_booking_day_bookings,
    CAST(COALESCE(ph.bookings, 0) AS INTEGER) AS known_bookings,
    CAST(COALESCE(ph.open_bookings, 0) AS INTEGER) AS open_bookings,
    CAST(date_diff('day', t.appointment_date, ph.next_day) AS INTEGER) AS days_to_next_appointment,
    CAST(date_diff('minute', ph.booking_before, t.scheduled_at) AS DOUBLE) / 1440 AS days_since_last_booking,
    CASE WHEN t.missed IS NOT NULL THEN t.missed = 1 END AS no_show
FROM described t
JOIN source_history sh
    ON sh.source = t.source AND sh.appointment_date = t.appointment_date
LEFT JOIN patient_history ph
    ON ph.source = t.source AND ph.patient_id = t.patient_id AND ph.appointment_id = t.appointment_id
LEFT JOIN practitioner_history dh
    ON dh.source = t.source AND dh.practitioner_id = t.practitioner_id AND dh.appointment_date = t.appointment_date
LEFT JOIN specialty_history kh
    ON kh.source = t.source AND kh.specialty = t.specialty AND kh.appointment_date = t.appointment_date
LEFT JOIN neighbourhood_history nh
    ON nh.source = t.source AND nh.neighbourhood = t.neighbourhood AND nh.appointment_date = t.appointment_date
