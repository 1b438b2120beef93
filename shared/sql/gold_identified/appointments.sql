-- name: appointments
-- version: 1
-- description: Appointments with the patient's name and real identifier and the practitioner's name and specialty.
-- grain: one row per appointment of a source
-- owner: operations
-- materialised: no
-- source: scheduling feed; identified twin of gold.appointments; an appointment of an unknown patient keeps its row
-- column source: sender
-- column appointment_id: identifier of the appointment
-- column patient_id: real identifier of the patient, NULL when the patient is unknown
-- column patient_name: full name of the patient, NULL when the patient is unknown
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
    i.real_patient_id AS patient_id,
    i.full_name AS patient_name,
    a.practitioner_id,
    a.practitioner_name,
    a.specialty,
    a.appointment_date,
    a.appointment_time,
    a.scheduled_at,
    a.day_of_week,
    a.is_weekend,
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
FROM gold.appointments a
LEFT JOIN identity.patients i
    ON i.source = a.source AND i.patient_id = a.patient_id
