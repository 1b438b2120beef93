-- name: appointments
-- version: 1
-- description: Appointments with the practitioner's name and specialty and the kind of day.
-- grain: one row per appointment of a source
-- owner: operations
-- materialised: no
-- source: scheduling feed: all appointments; an appointment of an unknown practitioner keeps its row
-- column source: sender
-- column appointment_id: identifier of the appointment
-- column patient_id: pseudonym of the patient
-- column practitioner_id: identifier of the practitioner
-- column practitioner_name: full name of the practitioner, NULL when the practitioner is unknown
-- column specialty: specialty of the practitioner, NULL when the practitioner is unknown
-- column appointment_date: day of the appointment
-- column appointment_time: start of the appointment [UTC]
-- column scheduled_at: when the appointment was made [UTC]
-- column day_of_week: English name of the appointment's day
-- column is_weekend: whether the appointment's day is a Saturday or Sunday
-- column duration_minutes: planned length [minutes]
-- column reason: reason of the appointment
-- column status: Scheduled, Completed, Cancelled or No-show
-- column no_show: whether the patient missed the appointment, NULL when not known
-- column patient_age: age of the patient as sent with the appointment [years]
-- column patient_gender: gender of the patient as sent with the appointment
-- column neighbourhood: neighbourhood of the appointment
-- column scholarship: whether the patient is in a welfare programme
-- column hypertension: whether the patient has hypertension
-- column diabetes: whether the patient has diabetes
-- column alcoholism: whether the patient has alcoholism
-- column disability: number of disabilities, 0 to 4
-- column reminder_sent: whether a reminder was sent
-- column created_at: when the sender created the record [UTC]
-- column updated_at: when the sender last changed the record [UTC]
SELECT
    a.source,
    a.appointment_id,
    a.patient_id,
    a.practitioner_id,
    d.full_name AS practitioner_name,
    d.specialty,
    a.appointment_date,
    a.appointment_time,
    a.scheduled_at,
    date_format(a.appointment_date, '%W') AS day_of_week,
    day_of_week(a.appointment_date) IN (6, 7) AS is_weekend,
    a.duration_minutes,
    a.reason,
    a.status,
    a.no_show,
    a.patient_age,
    a.patient_gender,
    a.neighbourhood,
    a.scholarship,
    a.hypertension,
    a.diabetes,
    a.alcoholism,
    a.disability,
    a.reminder_sent,
    a.created_at,
    a.updated_at
FROM silver.appointments a
JOIN silver.sources s
    ON s.source = a.source AND s.feed = a.feed AND s.area = 'appointments'
LEFT JOIN silver.practitioners d
    ON d.source = a.source AND d.practitioner_id = a.practitioner_id
